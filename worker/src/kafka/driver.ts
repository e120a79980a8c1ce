import { createKafka, partitionOf, RecordBatchBuilder, verifyHardening, type KafkaConnection } from '@sagafleet/kafka';
import type { Kafka } from 'kafkajs';
import type { AppendingProducer, Driver, GroupMember, MemberEvents, RecordBatch, TaskProducer, TopicPosition } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import type { Log } from '../log.ts';
import { GroupCoordinator } from './coordinator.ts';
import { createCluster, type Cluster } from './internals.ts';
import { KafkajsMember } from './member.ts';
import { KafkajsAppendingProducer } from './appending-producer.ts';
import { brokerErrorType } from './broker-error.ts';
import { createIdempotentProducer, createTransactionalProducer } from './producers.ts';

export interface DriverOptions {
  connection: KafkaConnection;
  group: string;
  topics: readonly string[];
  sessionTimeoutMs: number;
  transactionTimeoutMs: number;
  exactlyOnce: boolean;
  log: Log;
}

/** The driver port over kafkajs. Consumer and producers use separate clients: offset caches are per client. */
export class KafkajsDriver implements Driver {
  readonly #options: DriverOptions;
  readonly #consuming: Kafka;
  readonly #producing: Kafka;
  readonly #metadata: Cluster;
  /** One for all tries to join: what it saw of the coordinator's trouble counts in the next. */
  readonly #coordinator: GroupCoordinator;
  #member: KafkajsMember | null = null;

  constructor(options: DriverOptions) {
    verifyHardening();
    this.#options = options;
    const kafkaOptions = {
      level: 'warn' as const,
      log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => {
        // A broker that comes up while kafkajs tries again is shown by no error, and answers with stale offsets at first
        if (fields['component'] === 'BrokerPool') this.#coordinator.noteTrouble(message);
        options.log[level](fields, message);
      },
    };
    this.#consuming = createKafka(options.connection, kafkaOptions);
    this.#producing = createKafka(options.connection, { ...kafkaOptions, patienceMs: 5_000 });
    this.#metadata = createCluster(this.#producing);
    this.#coordinator = new GroupCoordinator(createCluster(this.#consuming), options.group, options.topics);
  }

  member(events: MemberEvents): GroupMember {
    const { group, topics, sessionTimeoutMs } = this.#options;
    const coordinator = this.#coordinator;
    this.#member = new KafkajsMember(this.#consuming, coordinator, { group, topics, sessionTimeoutMs }, events);
    return this.#member;
  }

  async fenceTask(task: number, throwIfOver: () => void): Promise<TaskProducer> {
    const { group, topics, exactlyOnce, transactionTimeoutMs } = this.#options;
    if (!exactlyOnce) {
      const commitOffsets = (positions: readonly TopicPosition[]) => this.#coordinator.commit(this.#member!.membership, positions);
      return createIdempotentProducer(this.#producing, { topics, throwIfOver, commitOffsets });
    }
    return createTransactionalProducer(this.#producing, {
      transactionalId: `sagafleet.${group}.${task}`, group, topics, timeoutMs: transactionTimeoutMs, throwIfOver,
    });
  }

  newBatch(): RecordBatch {
    return new RecordBatchBuilder();
  }

  appendingProducer(): AppendingProducer {
    return new KafkajsAppendingProducer(this.#producing);
  }

  async partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    try {
      if (!this.#metadata.isConnected()) await this.#metadata.connect();
      for (const topic of topics) await this.#findTopic(topic);
      await this.#metadata.refreshMetadata();
      return new Map(topics.map((topic) => [topic, this.#metadata.findTopicPartitionMetadata(topic).length]));
    } catch (error) {
      if (error instanceof WorkerError) throw error;
      const message = `cannot read the partitions of ${topics.join(', ')}: ${messageOf(error)}`;
      throw new WorkerError('broker-unavailable', 'systemic', message, { cause: error });
    }
  }

  /** One topic a request where it is not known yet: the broker's answer for several does not say which is missing. */
  async #findTopic(topic: string): Promise<void> {
    try {
      await this.#metadata.addMultipleTargetTopics([topic]);
    } catch (error) {
      if (brokerErrorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      throw new WorkerError('topic-missing', 'systemic', `topic ${topic} does not exist, create it`, { cause: error });
    }
  }

  partitionOf(key: Buffer, partitions: number): number {
    return partitionOf(key, partitions);
  }

  async close(): Promise<void> {
    await this.#metadata.disconnect();
  }
}
