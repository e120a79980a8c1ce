import { Connections, createKafka, partitionOf, positionMetadata, RecordBatchBuilder, verifyHardening, type KafkaConnection } from '@sagafleet/kafka';
import type { Kafka } from 'kafkajs';
import type { AppendingProducer, Driver, GroupMember, MemberEvents, RecordBatch, TaskProducer, TopicPosition } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import { GroupCoordinator } from './coordinator.ts';
import { KafkajsMember, type MemberOptions } from './member.ts';
import { KafkajsAppendingProducer } from './appending-producer.ts';
import { brokerErrorType } from './broker-error.ts';
import { createIdempotentProducer, createTransactionalProducer } from './producers.ts';

export interface DriverOptions extends MemberOptions {
  connection: KafkaConnection;
  transactionTimeoutMs: number;
  exactlyOnce: boolean;
}

/** The driver port: kafkajs for connections and for the membership in the group, our own requests for all else. */
export class KafkajsDriver implements Driver {
  readonly #options: DriverOptions;
  readonly #kafka: Kafka;
  /** One for the whole process, however many tasks it has. */
  readonly #connections: Connections;
  /** One for all tries to join: what it saw of the coordinator's trouble counts in the next. */
  readonly #coordinator: GroupCoordinator;
  #member: KafkajsMember | null = null;

  constructor(options: DriverOptions) {
    verifyHardening();
    this.#options = options;
    this.#kafka = createKafka(options.connection, {
      level: 'warn' as const,
      log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => {
        // A broker that comes up while kafkajs tries again is shown by no error, and answers with stale offsets at first
        if (fields['component'] === 'BrokerPool') this.#coordinator.noteTrouble(message);
        options.log[level](fields, message);
      },
    });
    this.#connections = new Connections(this.#kafka);
    this.#coordinator = new GroupCoordinator(this.#connections, options.group, options.topics);
  }

  member(events: MemberEvents): GroupMember {
    const parts = { kafka: this.#kafka, connections: this.#connections, coordinator: this.#coordinator };
    this.#member = new KafkajsMember(parts, this.#options, events);
    return this.#member;
  }

  async fenceTask(task: number, throwIfOver: () => void): Promise<TaskProducer> {
    const { group, exactlyOnce, transactionTimeoutMs } = this.#options;
    if (!exactlyOnce) {
      const commitOffsets = (positions: readonly TopicPosition[]) => this.#coordinator.commit(this.#member!.membership, positions);
      return createIdempotentProducer(this.#connections, { throwIfOver, commitOffsets });
    }
    return createTransactionalProducer(this.#connections, {
      transactionalId: `sagafleet.${group}.${task}`, group, timeoutMs: transactionTimeoutMs, throwIfOver,
      metadataOf: ({ topic }) => positionMetadata(this.#connections.leaders.topic(topic)?.id ?? null),
    });
  }

  newBatch(): RecordBatch {
    return new RecordBatchBuilder();
  }

  appendingProducer(): AppendingProducer {
    return new KafkajsAppendingProducer(this.#connections);
  }

  async partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    const { leaders } = this.#connections;
    try {
      await leaders.look(topics);
      return new Map(topics.map((topic) => [topic, leaders.expect(topic).partitions.length]));
    } catch (error) {
      const missing = topics.find((topic) => !leaders.topic(topic));
      if (brokerErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION' && missing !== undefined) {
        throw new WorkerError('topic-missing', 'systemic', `topic ${missing} does not exist, create it`, { cause: error });
      }
      const message = `cannot read the partitions of ${topics.join(', ')}: ${messageOf(error)}`;
      throw new WorkerError('broker-unavailable', 'systemic', message, { cause: error });
    }
  }

  partitionOf(key: Buffer, partitions: number): number {
    return partitionOf(key, partitions);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }
}
