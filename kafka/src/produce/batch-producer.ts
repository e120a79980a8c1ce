import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import { KafkaError } from '../errors.ts';
import { ISOLATION, loadInternal, openCluster, type OpenCluster } from '../cluster.ts';
import { type EncodedBatch, produceRequest, type ProducedBatch, type ProtocolRequest } from './produce-request.ts';
import type { RecordBatchBuilder } from './record-batch.ts';

/** A record batch and the partition it is for. */
export interface PartitionBatch { topic: string; partition: number; records: RecordBatchBuilder }

export interface GroupPosition { topic: string; partition: number; offset: bigint }

export interface ProducerOptions {
  /** Null: idempotent, without transactions. */
  transactionalId: string | null;
  /** Topics that exist; without one, kafkajs asks for all topics of the cluster. */
  topics: readonly string[];
  /** After this long without a commit the broker aborts a transaction. */
  transactionTimeoutMs: number;
  /** Asked before each attempt to fence: a caller that is not the owner any more must not throw the new one out. */
  throwIfOver(): void;
}

/** What a broker answered for one of the batches of a send. */
export class ProduceError extends Error {
  override readonly name = 'ProduceError';
  readonly topic: string;
  readonly partition: number;

  constructor(topic: string, partition: number, cause: Error) {
    super(`${topic}/${partition}: ${cause.message}`, { cause });
    this.topic = topic;
    this.partition = partition;
  }
}

interface Producer { producerId: string; producerEpoch: number }
interface InTransaction extends Producer { transactionalId: string }
interface TopicPartitions { topic: string; partitions: number[] }

/** What kafkajs' brokers understand beyond their types. The two that add to a transaction wait out CONCURRENT_TRANSACTIONS (concurrent-transactions). */
interface Broker {
  connectionPool: { send<Answer>(request: ProtocolRequest<Answer>): Promise<Answer> };
  initProducerId(request: { transactionalId: string | null; transactionTimeout: number }): Promise<Producer>;
  addPartitionsToTxn(request: InTransaction & { topics: TopicPartitions[] }): Promise<unknown>;
  addOffsetsToTxn(request: InTransaction & { groupId: string }): Promise<unknown>;
  txnOffsetCommit(request: InTransaction & { groupId: string; topics: object[] }): Promise<unknown>;
  endTxn(request: InTransaction & { transactionResult: boolean }): Promise<unknown>;
}

const { createErrorFromCode } = loadInternal('protocol/error') as { createErrorFromCode(code: number): Error };
const COORDINATOR = loadInternal('protocol/coordinatorTypes') as { GROUP: number; TRANSACTION: number };

const WRITE_TIMEOUT_MS = 30_000;
const SEQUENCES = 2 ** 31;
const FENCING_FOR_MS = 20_000;
const FIRST_WAIT_MS = 5;
const LAST_WAIT_MS = 250;
const WAIT_FACTOR = 1.5;
/** The last transaction is still being ended, or the coordinator is being elected or loads its log. */
const SOON_OVER = new Set([
  'CONCURRENT_TRANSACTIONS', 'NOT_COORDINATOR_FOR_GROUP', 'GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE',
]);

/**
 * A producer id with its epoch (KIP-98), over kafkajs' connections. In place of kafkajs' producer because
 * that one retries on its own where a repeated request can double or lose records, and keeps state
 * across errors. Here the rule is: after any error it is closed and another is opened, which fences
 * this one; nothing is sent twice under one sequence.
 */
export class BatchProducer {
  readonly #cluster: OpenCluster;
  readonly #transactionalId: string | null;
  readonly #identity: Producer;
  readonly #coordinator: Broker | null;
  #groupCoordinator: Broker | null = null;
  /** Next sequence number by topic and partition. */
  readonly #sequences = new Map<string, number[]>();
  /** Partitions that the open transaction has told its coordinator. */
  #added = new Map<string, Set<number>>();
  #isClosed = false;

  private constructor(cluster: OpenCluster, options: ProducerOptions, fenced: { identity: Producer; coordinator: Broker | null }) {
    this.#cluster = cluster;
    this.#transactionalId = options.transactionalId;
    this.#identity = fenced.identity;
    this.#coordinator = fenced.coordinator;
  }

  /**
   * With a transactional id: when this resolves, no earlier holder of it can write and its last
   * transaction is complete.
   */
  static async open(kafka: Kafka, options: ProducerOptions): Promise<BatchProducer> {
    const cluster = openCluster(kafka, ISOLATION.readUncommitted);
    try {
      await cluster.connect();
      await cluster.addMultipleTargetTopics(options.topics);
      return new BatchProducer(cluster, options, await fence(cluster, options));
    } catch (error) {
      await cluster.disconnect().catch(() => undefined);
      throw error;
    }
  }

  /** Appends each batch to its partition, all at once; resolves when all in-sync replicas have them, and empties them. @throws ProduceError */
  async send(batches: readonly PartitionBatch[]): Promise<ProducedBatch[]> {
    const leaders = await this.#byLeader(batches);
    if (this.#transactionalId !== null) await this.#addPartitions(batches);
    const answers = await Promise.allSettled([...leaders].map(([nodeId, its]) => this.#produce(nodeId, its)));
    // Only now that nothing is under way any more: after an error the producer is closed
    return answers.flatMap((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  }

  /** The positions become the group's with the commit. */
  async sendOffsets(groupId: string, positions: readonly GroupPosition[]): Promise<void> {
    const inTransaction = this.#inTransaction();
    await this.#coordinator!.addOffsetsToTxn({ ...inTransaction, groupId });
    this.#groupCoordinator ??= await findCoordinator(this.#cluster, groupId, COORDINATOR.GROUP);
    const topics = positions.map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, offset: String(offset) }] }));
    await this.#groupCoordinator.txnOffsetCommit({ ...inTransaction, groupId, topics });
  }

  async commit(): Promise<void> {
    await this.#coordinator!.endTxn({ ...this.#inTransaction(), transactionResult: true });
    this.#added = new Map();
  }

  /** kafkajs connects again for whoever asks: what comes later is refused here. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#cluster.disconnect();
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new KafkaError('Unavailable', 'the producer is closed');
  }

  #inTransaction(): InTransaction {
    this.#throwIfClosed();
    return { ...this.#identity, transactionalId: this.#transactionalId! };
  }

  async #byLeader(batches: readonly PartitionBatch[]): Promise<Map<string, PartitionBatch[]>> {
    const topics = [...new Set(batches.map(({ topic }) => topic))];
    await this.#cluster.addMultipleTargetTopics(topics);
    const leaderOf = ({ topic, partition }: PartitionBatch) => Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]))[0];
    // A partition that was added since the metadata was read
    if (batches.some((batch) => leaderOf(batch) === undefined)) await this.#cluster.refreshMetadata();
    return Map.groupBy(batches, (batch) => leaderOf(batch) ?? noLeader(batch));
  }

  async #addPartitions(batches: readonly PartitionBatch[]): Promise<void> {
    const fresh = new Map<string, number[]>();
    for (const { topic, partition } of batches) {
      const added = this.#added.get(topic) ?? new Set();
      if (added.has(partition)) continue;
      this.#added.set(topic, added.add(partition));
      fresh.set(topic, [...fresh.get(topic) ?? [], partition]);
    }
    if (fresh.size === 0) return;
    const topics = [...fresh].map(([topic, partitions]) => ({ topic, partitions }));
    await this.#coordinator!.addPartitionsToTxn({ ...this.#inTransaction(), topics });
  }

  async #produce(nodeId: string, batches: readonly PartitionBatch[]): Promise<ProducedBatch[]> {
    const broker = await this.#cluster.findBroker({ nodeId }) as unknown as Broker;
    this.#throwIfClosed();
    const encoded = batches.map((batch) => this.#encode(batch));
    const answer = await broker.connectionPool.send(produceRequest(encoded, this.#transactionalId, WRITE_TIMEOUT_MS));
    for (const { topic, partition, errorCode } of answer.batches) {
      if (errorCode !== 0) throw new ProduceError(topic, partition, createErrorFromCode(errorCode));
    }
    for (const { records } of batches) records.release();
    return answer.batches;
  }

  #encode({ topic, partition, records }: PartitionBatch): EncodedBatch {
    const sequences = this.#sequences.get(topic) ?? [];
    this.#sequences.set(topic, sequences);
    const firstSequence = sequences[partition] ?? 0;
    sequences[partition] = sequenceAfter(firstSequence, records.count);
    const writer = {
      producerId: BigInt(this.#identity.producerId), producerEpoch: this.#identity.producerEpoch, firstSequence,
      isTransactional: this.#transactionalId !== null,
    };
    return { topic, partition, bytes: records.seal(writer, Date.now()) };
  }
}

/** Wraps as Kafka's own DefaultRecordBatch.incrementSequence. */
export function sequenceAfter(firstSequence: number, records: number): number {
  return (firstSequence + records) % SEQUENCES;
}

async function fence(cluster: OpenCluster, options: ProducerOptions): Promise<{ identity: Producer; coordinator: Broker | null }> {
  const { transactionalId, transactionTimeoutMs: transactionTimeout, throwIfOver } = options;
  return untilReady(async () => {
    const coordinator = transactionalId === null ? null : await findCoordinator(cluster, transactionalId, COORDINATOR.TRANSACTION);
    throwIfOver();
    const broker = coordinator ?? await cluster.brokerPool.findConnectedBroker() as unknown as Broker;
    const { producerId, producerEpoch } = await broker.initProducerId({ transactionalId, transactionTimeout });
    return { identity: { producerId, producerEpoch }, coordinator };
  });
}

async function findCoordinator(cluster: OpenCluster, groupId: string, coordinatorType: number): Promise<Broker> {
  return await cluster.findGroupCoordinator({ groupId, coordinatorType } as { groupId: string }) as unknown as Broker;
}

async function untilReady<T>(request: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + FENCING_FOR_MS;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * WAIT_FACTOR, LAST_WAIT_MS)) {
    try {
      return await request();
    } catch (error) {
      if (!SOON_OVER.has((error as { type?: string }).type ?? '') || performance.now() > deadline) throw error;
    }
    await delay(waitMs);
  }
}

function noLeader({ topic, partition }: PartitionBatch): never {
  throw new ProduceError(topic, partition, new Error('no broker leads this partition now'));
}
