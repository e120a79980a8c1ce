import {
  Connections,
  createKafka,
  type Holder,
  missingApis,
  partitionOf,
  positionMetadata,
  principalOf,
  RecordBatchBuilder,
  TransactionalProducers,
  verifyHardening,
} from '@sagafleet/kafka';
import type { Kafka } from 'kafkajs';
import type { AppendingProducer, Driver, GroupMember, MemberEvents, RecordBatch, TaskProducer } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import { isBehind, sourceOf } from '../task/record-source.ts';
import { KafkajsAppendingProducer } from './appending-producer.ts';
import { namedRefusal, namingAppends, namingProducer, type Rights } from './authorization.ts';
import { brokerErrorType } from './broker-error.ts';
import { GroupCoordinator } from './coordinator.ts';
import { KafkajsMember, type MemberOptions } from './member.ts';
import { createIdempotentProducer, createTransactionalProducer, endLeftOpen } from './producers.ts';

export interface DriverOptions extends MemberOptions {
  /** Topics that a task writes to in its transactions. */
  outputs: readonly string[];
  transactionTimeoutMs: number;
  exactlyOnce: boolean;
}

/** How long kafkajs looks for a broker before a request fails: who waits longer says so, and tries again. */
const REQUEST_PATIENCE_MS = 5_000;

/** The driver port: kafkajs for connections and for the membership in the group, our own requests for all else. */
export class KafkajsDriver implements Driver {
  readonly #options: DriverOptions;
  readonly #kafka: Kafka;
  /** One for the whole process, however many tasks it has. */
  readonly #connections: Connections;
  /** One for all tries to join: what it saw of the coordinator's trouble counts in the next. */
  readonly #coordinator: GroupCoordinator;
  readonly #producers: TransactionalProducers;
  #member: KafkajsMember | null = null;
  /** Whether brokers say what transactions left open; null: not known yet. */
  #canHeal: boolean | null = null;

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
    this.#kafka = createKafka(options.connection, kafkaOptions);
    this.#connections = new Connections(createKafka(options.connection, { ...kafkaOptions, patienceMs: REQUEST_PATIENCE_MS }));
    this.#coordinator = new GroupCoordinator(this.#connections, options.group, options.topics, principalOf(options.connection));
    this.#producers = new TransactionalProducers(this.#connections, options);
  }

  member(events: MemberEvents): GroupMember {
    const parts = { kafka: this.#kafka, connections: this.#connections, coordinator: this.#coordinator };
    this.#member = new KafkajsMember(parts, this.#options, events);
    return this.#member;
  }

  async fenceTask(task: number, throwIfOver: () => void, floorOf: (topic: string) => bigint | null = () => null): Promise<TaskProducer> {
    const { group, topics, exactlyOnce } = this.#options;
    const { leaders } = this.#connections;
    await leaders.look(topics);
    const holder: Holder = {
      transactionalId: `sagafleet.${group}.${task}`,
      throwIfOver,
      inputs: topics.filter((topic) => leaders.expect(topic).partitions[task]).map((topic) => ({ topic, partitions: [task] })),
      toldPosition: floorOf,
      isBehind: (headers, committed) => isBehind(sourceOf(headers), { task, committed, floorOf }),
    };
    const member = this.#member!;
    if (!exactlyOnce) return namingProducer(this.#fenceIdempotent(holder, member), this.#rights());
    const producer = createTransactionalProducer(this.#producers, {
      ...holder,
      group,
      member,
      metadataOf: ({ topic, note }) =>
        positionMetadata(leaders.topic(topic)?.id ?? null, this.#coordinator.partitionsWithOffset(topic), note),
    });
    return namingProducer(producer, this.#rights(holder.transactionalId));
  }

  async #fenceIdempotent(holder: Holder, member: KafkajsMember): Promise<TaskProducer> {
    if (this.#canHeal !== false) await endLeftOpen(this.#producers, holder);
    return createIdempotentProducer(this.#connections, {
      member,
      throwIfOver: () => holder.throwIfOver(),
      commitOffsets: (as, positions) => this.#coordinator.commit(as, positions),
    });
  }

  /** Of a producer: with a transactional id, or idempotent, which a client that may write to some topic may be too (KIP-679). */
  #rights(transactionalId?: string): Rights {
    const { group, topics, outputs, connection } = this.#options;
    return {
      principal: principalOf(connection),
      needed: {
        group: { operations: ['READ', 'DESCRIBE'], names: [group] },
        topic: { operations: ['READ', 'DESCRIBE'], names: [...topics, ...outputs] },
        cluster: { operations: ['IDEMPOTENT_WRITE'] },
        ...(transactionalId === undefined ? {} : { transactionalId: { operations: ['WRITE', 'DESCRIBE'], names: [transactionalId] } }),
      },
    };
  }

  newBatch(): RecordBatch {
    return new RecordBatchBuilder();
  }

  appendingProducer(): AppendingProducer {
    return namingAppends(new KafkajsAppendingProducer(this.#connections), this.#rights());
  }

  async partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    const { leaders } = this.#connections;
    try {
      await this.#refuseOldBrokers();
      await leaders.look(topics);
      return new Map(topics.map((topic) => [topic, leaders.expect(topic).partitions.length]));
    } catch (error) {
      if (error instanceof WorkerError) throw error;
      const missing = topics.find((topic) => !leaders.topic(topic));
      if (brokerErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION' && missing !== undefined) {
        throw new WorkerError('topic-missing', 'systemic', `topic ${missing} does not exist, create it`, { cause: error });
      }
      const needed = { topic: { operations: ['DESCRIBE'], names: topics.filter((topic) => !leaders.topic(topic)) } } as const;
      const refusal = namedRefusal(error, 'read partitions', { principal: principalOf(this.#options.connection), needed });
      if (refusal !== error) throw refusal;
      const message = `cannot read the partitions of ${topics.join(', ')}: ${messageOf(error)}`;
      throw new WorkerError('broker-unavailable', 'systemic', message, { cause: error });
    }
  }

  /** Without it they end the connection, which looks like an outage. */
  async #refuseOldBrokers(): Promise<void> {
    if (this.#canHeal !== null) return;
    const offered = await this.#connections.apiVersions();
    const missing = missingApis(offered, { transactions: this.#options.exactlyOnce });
    if (missing.length > 0) {
      const message = `the brokers do not take ${missing.join(', ')}, which Kafka 3.1 or newer does`;
      throw new WorkerError('unsupported', 'fatal', `${message}: they are older, or a service hides it`);
    }
    this.#canHeal = missingApis(offered, { transactions: true }).length === 0;
  }

  partitionOf(key: Buffer, partitions: number): number {
    return partitionOf(key, partitions);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }
}
