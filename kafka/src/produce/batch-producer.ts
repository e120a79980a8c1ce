import { setTimeout as delay } from 'node:timers/promises';
import type { Connections, Destination } from '../connections/connections.ts';
import { KafkaError } from '../errors.ts';
import { errorOf, type ProtocolRequest } from '../wire/request.ts';
import {
  addOffsetsToTxnRequest, addPartitionsToTxnRequest, COORDINATOR, endTxnRequest, findCoordinatorRequest, initProducerIdRequest,
  type InTransaction, type ProducerIdentity, txnOffsetCommitRequest,
} from '../wire/transactions.ts';
import { type EncodedBatch, perRequest, produceRequest, type ProducedBatch } from './produce-request.ts';
import type { RecordBatchBuilder } from './record-batch.ts';

/** A record batch and the partition it is for. */
export interface PartitionBatch { topic: string; partition: number; records: RecordBatchBuilder }

/** `metadata` is stored beside the offset. */
export interface GroupPosition { topic: string; partition: number; offset: bigint; metadata?: string }

export interface ProducerOptions {
  /** Null: idempotent, without transactions. */
  transactionalId: string | null;
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

/** Producers of all tasks share these connections: a broker handles one request of a connection at a time, also while it waits for replicas. */
const WRITE_LANES = 4;

const WRITE_TIMEOUT_MS = 30_000;
const SEQUENCES = 2 ** 31;
const FIRST_WAIT_MS = 5;
const WAIT_FACTOR = 1.5;

/** Answers without an effect, after which the same request is sent again, for how long, and how rarely at last. */
interface Patience { soonOver: ReadonlySet<string>; forMs: number; lastWaitMs: number }

/** The last transaction is still being ended, or the coordinator is being elected or loads its log. */
const FENCING: Patience = {
  soonOver: new Set(['CONCURRENT_TRANSACTIONS', 'NOT_COORDINATOR_FOR_GROUP', 'GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE']),
  forMs: 20_000, lastWaitMs: 250,
};
/** A coordinator that writes the markers of the last transaction takes some milliseconds, under load a second. */
const LAST_TRANSACTION_ENDS: Patience = { soonOver: new Set(['CONCURRENT_TRANSACTIONS']), forMs: 2_000, lastWaitMs: 20 };

/**
 * A producer id with its epoch (KIP-98), over connections that it shares with others. In place of kafkajs' producer because
 * that one retries on its own where a repeated request can double or lose records, and keeps state
 * across errors. Here the rule is: after any error it is closed and another is opened, which fences
 * this one; nothing is sent twice under one sequence.
 */
export class BatchProducer {
  readonly #connections: Connections;
  readonly #transactionalId: string | null;
  readonly #lane: string;
  readonly #identity: ProducerIdentity;
  readonly #coordinator: number | null;
  #groupCoordinator: number | null = null;
  /** Next sequence number by topic and partition. */
  readonly #sequences = new Map<string, number[]>();
  /** Partitions that the open transaction has told its coordinator. */
  #added = new Map<string, Set<number>>();
  /** Withdraws what was not sent yet. */
  readonly #closed = new AbortController();
  readonly #onTheWire = new Set<Promise<unknown>>();

  private constructor(connections: Connections, { transactionalId }: ProducerOptions, { identity, coordinator, lane }: Fenced) {
    this.#connections = connections;
    this.#transactionalId = transactionalId;
    this.#lane = lane;
    this.#identity = identity;
    this.#coordinator = coordinator;
  }

  /**
   * With a transactional id: when this resolves, no earlier holder of it can write and its last
   * transaction is complete.
   */
  static async open(connections: Connections, options: ProducerOptions): Promise<BatchProducer> {
    return new BatchProducer(connections, options, await fence(connections, options));
  }

  /** Appends each batch to its partition, all at once; resolves when all in-sync replicas have them, and empties them. @throws ProduceError */
  async send(batches: readonly PartitionBatch[]): Promise<ProducedBatch[]> {
    const leaders = await this.#byLeader(batches);
    if (this.#transactionalId !== null) await this.#addPartitions(batches);
    const answers = await Promise.allSettled([...leaders].map(([nodeId, its]) => this.#produceAll(nodeId, its)));
    // Only now that nothing is under way any more: after an error the producer is closed
    return answers.flatMap((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
  }

  /** The positions become the group's with the commit. */
  async sendOffsets(groupId: string, positions: readonly GroupPosition[]): Promise<void> {
    const inTransaction = this.#inTransaction();
    await this.#begin(() => addOffsetsToTxnRequest({ ...inTransaction, groupId }));
    this.#groupCoordinator ??= await findCoordinator(this.#connections, groupId, COORDINATOR.group);
    const topics = positions.map(({ topic, partition, offset, metadata }) =>
      ({ topic, partitions: [{ partition, offset: String(offset), metadata: metadata ?? null }] }));
    await this.#ask(this.#groupCoordinator, txnOffsetCommitRequest({ ...inTransaction, groupId, topics }));
  }

  async commit(): Promise<void> {
    await this.#ask(this.#coordinator!, endTxnRequest({ ...this.#inTransaction(), transactionResult: true }));
    this.#added = new Map();
  }

  /** What is asked for later is refused; resolves when nothing that was sent can be answered any more. */
  async close(): Promise<void> {
    this.#closed.abort(new KafkaError('Unavailable', 'the producer is closed'));
    await Promise.allSettled(this.#onTheWire);
  }

  async #ask<Answer>(nodeId: number, request: ProtocolRequest<Answer>): Promise<Answer> {
    const destination: Destination = { nodeId, lane: this.#lane };
    const asked = this.#connections.send(destination, request, this.#closed.signal);
    this.#onTheWire.add(asked);
    try {
      return await asked;
    } finally {
      this.#onTheWire.delete(asked);
    }
  }

  /**
   * A request that opens the next transaction is answered with CONCURRENT_TRANSACTIONS as long as markers of the last one are
   * being written. That answer has no effect, so the same request is sent again.
   */
  async #begin(request: () => ProtocolRequest<unknown>): Promise<void> {
    await untilReady(LAST_TRANSACTION_ENDS, () => this.#ask(this.#coordinator!, request()));
  }

  #inTransaction(): InTransaction {
    this.#closed.signal.throwIfAborted();
    return { ...this.#identity, transactionalId: this.#transactionalId! };
  }

  async #byLeader(batches: readonly PartitionBatch[]): Promise<Map<number, PartitionBatch[]>> {
    const { leaders } = this.#connections;
    await leaders.ensure([...new Set(batches.map(({ topic }) => topic))]);
    const leaderOf = ({ topic, partition }: PartitionBatch) => leaders.leaderOf(topic, partition)?.leader;
    // A partition that was added, or got a leader, since the last look
    if (batches.some((batch) => leaderOf(batch) === undefined)) await leaders.look();
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
    await this.#begin(() => addPartitionsToTxnRequest({ ...this.#inTransaction(), topics }));
  }

  async #produceAll(nodeId: number, batches: readonly PartitionBatch[]): Promise<ProducedBatch[]> {
    const produced: ProducedBatch[] = [];
    for (const its of perRequest(batches)) produced.push(...await this.#produce(nodeId, its));
    return produced;
  }

  async #produce(nodeId: number, batches: readonly PartitionBatch[]): Promise<ProducedBatch[]> {
    this.#closed.signal.throwIfAborted();
    const encoded = batches.map((batch) => this.#encode(batch));
    const answer = await this.#ask(nodeId, produceRequest(encoded, this.#transactionalId, WRITE_TIMEOUT_MS));
    for (const { topic, partition, errorCode } of answer.batches) {
      if (errorCode !== 0) throw new ProduceError(topic, partition, errorOf(errorCode));
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

interface Fenced { identity: ProducerIdentity; coordinator: number | null; lane: string }

async function fence(connections: Connections, options: ProducerOptions): Promise<Fenced> {
  const { transactionalId, transactionTimeoutMs: transactionTimeout, throwIfOver } = options;
  const lane = laneOf(transactionalId);
  // After an error leaders may be others
  await connections.leaders.look();
  return untilReady(FENCING, async () => {
    const coordinator = transactionalId === null ? null : await findCoordinator(connections, transactionalId, COORDINATOR.transaction);
    throwIfOver();
    const request = initProducerIdRequest({ transactionalId, transactionTimeout });
    const identity = coordinator === null ? await connections.sendToAny(request) : await connections.send({ nodeId: coordinator, lane }, request);
    return { identity, coordinator, lane };
  });
}

let nextLane = 0;

/** The same for the same transactional id, so that its requests keep their order also over an error. */
function laneOf(transactionalId: string | null): string {
  const number = transactionalId === null ? nextLane++ : [...transactionalId].reduce((sum, character) => sum + character.charCodeAt(0), 0);
  return `write-${number % WRITE_LANES}`;
}

async function findCoordinator(connections: Connections, groupId: string, coordinatorType: number): Promise<number> {
  const { coordinator } = await connections.sendToAny(findCoordinatorRequest({ groupId, coordinatorType }));
  return coordinator.nodeId;
}

async function untilReady<T>({ soonOver, forMs, lastWaitMs }: Patience, request: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + forMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * WAIT_FACTOR, lastWaitMs)) {
    try {
      return await request();
    } catch (error) {
      if (!soonOver.has((error as { type?: string }).type ?? '') || performance.now() > deadline) throw error;
    }
    await delay(waitMs);
  }
}

function noLeader({ topic, partition }: PartitionBatch): never {
  throw new ProduceError(topic, partition, new Error('no broker leads this partition now'));
}
