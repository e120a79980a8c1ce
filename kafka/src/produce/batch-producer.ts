import { type Patience, untilReady } from '../admin/until-ready.ts';
import type { Connections, Destination } from '../connections/connections.ts';
import { KafkaError } from '../errors.ts';
import { coordinatorOf } from '../group/group-offsets.ts';
import { type ProtocolRequest } from '../kafkajs/private-shape.ts';
import type { LeaderView } from '../transactions/leader-view.ts';
import type { Settlements } from '../transactions/settlements.ts';
import { FENCING, writeLaneOf } from '../transactions/transactional-id.ts';
import type { GroupMembership } from '../wire/group.ts';
import { errorOf } from '../wire/request.ts';
import {
  addOffsetsToTxnRequest,
  addPartitionsToTxnRequest,
  byTopic,
  endTxnRequest,
  type GroupPosition,
  initProducerIdRequest,
  type InTransaction,
  type ProducerIdentity,
  type TopicPartitions,
  txnOffsetCommitRequest,
} from '../wire/transactions.ts';
import { type EncodedBatch, perRequest, produceRequest, type ProducedBatch } from './produce-request.ts';
import type { RecordBatchBuilder } from './record-batch.ts';

/** A record batch and the partition it is for. */
export interface PartitionBatch {
  topic: string;
  partition: number;
  records: RecordBatchBuilder;
}

/** A transactional id that was taken over. */
export interface Transactions {
  transactionalId: string;
  coordinator: number;
  settlements: Pick<Settlements, 'look' | 'latestView' | 'settle'>;
  /** The epoch to write with. */
  beginWork(): Promise<ProducerIdentity>;
}

export interface ProducerParts {
  /** Of the connections. */
  lane: string;
  identity: ProducerIdentity;
  /** Null: idempotent, without transactions. */
  transactions: Transactions | null;
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

/** Batches that brokers refuse on every try; all others of the send are written, and the producer goes on as if these had never been sent. */
export class BatchesRefused extends Error {
  override readonly name = 'BatchesRefused';
  readonly refused: readonly ProduceError[];

  constructor(refused: readonly ProduceError[]) {
    super(refused.map(({ message }) => message).join('; '), { cause: refused[0] });
    this.refused = refused;
  }
}

/** What a broker finds in a batch before it appends anything of it. */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD']);

const WRITE_TIMEOUT_MS = 30_000;
const SEQUENCES = 2 ** 31;
/** Requests that begin a transaction run side by side. */
const LAST_REQUEST_ENDS: Patience = { soonOver: new Set(['CONCURRENT_TRANSACTIONS']), forMs: 2_000, lastWaitMs: 20 };

/**
 * A producer id with its epoch (KIP-98), over connections that it shares with others. In place of kafkajs' producer because
 * that one retries on its own where a repeated request can double or lose records, and keeps state
 * across errors. Here the rule is: after any error it is closed and another is opened, which fences
 * this one; nothing is sent twice under one sequence.
 */
export class BatchProducer {
  readonly #connections: Connections;
  readonly #transactions: Transactions | null;
  readonly #lane: string;
  #identity: ProducerIdentity;
  #groupCoordinator: number | null = null;
  /** Next sequence number by topic and partition. */
  readonly #sequences = new Map<string, number[]>();
  /** Partitions that the open transaction has told its coordinator, and those of the inputs that it moves. */
  #added = new Map<string, Set<number>>();
  #positions: TopicPartitions[] = [];
  /** Leaders before the open transaction began. */
  #before: LeaderView | null = null;
  #settled: Promise<void> = Promise.resolve();
  #isActive = false;
  /** Withdraws what was not sent yet. */
  readonly #closed = new AbortController();
  readonly #onTheWire = new Set<Promise<unknown>>();

  constructor(connections: Connections, { lane, identity, transactions }: ProducerParts) {
    this.#connections = connections;
    this.#transactions = transactions;
    this.#lane = lane;
    this.#identity = identity;
  }

  static async openIdempotent(connections: Connections): Promise<BatchProducer> {
    // After an error leaders may be others
    await connections.leaders.look();
    const identity = await untilReady(FENCING, () =>
      connections.sendToAny(initProducerIdRequest({ transactionalId: null, timeoutMs: 0, expected: null })),
    );
    return new BatchProducer(connections, { lane: writeLaneOf(null), identity, transactions: null });
  }

  /** To be called once before the first transaction, when nothing of an earlier one can be in doubt any more. */
  async activate(): Promise<void> {
    const { settlements, coordinator, beginWork } = this.#transactions!;
    await settlements.look(coordinator);
    this.#identity = await beginWork();
    this.#isActive = true;
  }

  /** Resolves when the last transaction that was committed is visible. @throws what makes it doubtful, which another producer then ends */
  get settled(): Promise<void> {
    return this.#settled;
  }

  /**
   * Appends each batch to its partition, all at once; resolves when all in-sync replicas have them, and empties them.
   * @throws BatchesRefused, which leaves those that are refused as they were; any other error, after which it is to be closed
   */
  async send(batches: readonly PartitionBatch[]): Promise<ProducedBatch[]> {
    const leaders = await this.#byLeader(batches);
    if (this.#transactions) await this.#addPartitions(batches);
    const answers = await Promise.allSettled([...leaders].map(([nodeId, its]) => this.#produceAll(nodeId, its)));
    // Only now that nothing is under way any more: after an error the producer is closed
    const produced = answers.flatMap((answer) => {
      if (answer.status === 'rejected') throw answer.reason;
      return answer.value;
    });
    const refused = produced.filter(({ errorCode }) => errorCode !== 0);
    if (refused.length > 0)
      throw new BatchesRefused(refused.map(({ topic, partition, errorCode }) => new ProduceError(topic, partition, errorOf(errorCode))));
    return produced;
  }

  /**
   * The positions become the group's with the commit. May be repeated in the same transaction where the coordinator refuses
   * the membership.
   */
  async sendOffsets(groupId: string, membership: GroupMembership, positions: readonly GroupPosition[]): Promise<void> {
    const inTransaction = this.#inTransaction();
    this.#positions = byTopic(positions);
    await this.#begin(() => addOffsetsToTxnRequest({ ...inTransaction, groupId }));
    this.#groupCoordinator ??= (await coordinatorOf(this.#connections, groupId)).nodeId;
    await this.#ask(this.#groupCoordinator, txnOffsetCommitRequest({ ...inTransaction, groupId, membership, positions }));
  }

  /** Resolves when the commit is certain; it may be visible only later (`settled`). */
  async commit(): Promise<void> {
    const { transactionalId, coordinator, settlements } = this.#transactions!;
    await this.#ask(coordinator, endTxnRequest({ ...this.#inTransaction(), transactionResult: true }));
    const outputs = [...this.#added].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));
    const { positions, before } = { positions: this.#positions, before: this.#before };
    [this.#added, this.#positions, this.#before] = [new Map(), [], null];
    if (!before) return;
    this.#settled = settlements.settle({ transactionalId, identity: this.#identity, coordinator, before, outputs, positions });
    this.#settled.catch(() => undefined);
  }

  /** What is asked for later is refused; resolves when nothing that was sent can be answered any more. */
  async close(): Promise<void> {
    this.#closed.abort(new KafkaError('unavailable', 'the producer is closed'));
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
   * A request that opens the next transaction waits until the markers of the last one are known to be written: an abort
   * of the next one would discard what misses them.
   */
  async #begin(request: () => ProtocolRequest<unknown>): Promise<void> {
    const { coordinator, settlements, transactionalId } = this.#transactions!;
    // An epoch of before is one to end what is open, and what it wrote would be taken for that
    if (!this.#isActive) throw new Error(`${transactionalId} was not activated`);
    await this.#settled;
    this.#before ??= settlements.latestView(coordinator);
    await untilReady(LAST_REQUEST_ENDS, () => this.#ask(coordinator, request()));
  }

  #inTransaction(): InTransaction {
    this.#closed.signal.throwIfAborted();
    return { ...this.#identity, transactionalId: this.#transactions!.transactionalId };
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
      fresh.set(topic, [...(fresh.get(topic) ?? []), partition]);
    }
    if (fresh.size === 0) return;
    const topics = [...fresh].map(([topic, partitions]) => ({ topic, partitions }));
    await this.#begin(() => addPartitionsToTxnRequest({ ...this.#inTransaction(), topics }));
  }

  async #produceAll(nodeId: number, batches: readonly PartitionBatch[]): Promise<ProducedBatch[]> {
    const produced: ProducedBatch[] = [];
    for (const its of perRequest(batches)) produced.push(...(await this.#produce(nodeId, its)));
    return produced;
  }

  async #produce(nodeId: number, batches: readonly PartitionBatch[]): Promise<ProducedBatch[]> {
    this.#closed.signal.throwIfAborted();
    const encoded = batches.map((batch) => this.#encode(batch));
    const answer = await this.#ask(nodeId, produceRequest(encoded, this.#transactions?.transactionalId ?? null, WRITE_TIMEOUT_MS));
    const refused = new Set<PartitionBatch>();
    for (const { topic, partition, errorCode } of answer.batches) {
      if (errorCode === 0) continue;
      const error = errorOf(errorCode);
      const batch = batches.find((each) => each.topic === topic && each.partition === partition);
      if (!batch || !REFUSALS.has(error.type)) throw new ProduceError(topic, partition, error);
      refused.add(batch);
      this.#takeBack(batch);
    }
    for (const batch of batches) if (!refused.has(batch)) batch.records.release();
    return answer.batches;
  }

  /** The broker refused it before it looked at its sequence, and expects the same one next. */
  #takeBack({ topic, partition, records }: PartitionBatch): void {
    const sequences = this.#sequences.get(topic)!;
    sequences[partition] = sequenceAfter(sequences[partition]!, SEQUENCES - records.count);
  }

  #encode({ topic, partition, records }: PartitionBatch): EncodedBatch {
    const sequences = this.#sequences.get(topic) ?? [];
    this.#sequences.set(topic, sequences);
    const firstSequence = sequences[partition] ?? 0;
    sequences[partition] = sequenceAfter(firstSequence, records.count);
    const writer = {
      producerId: BigInt(this.#identity.producerId),
      producerEpoch: this.#identity.producerEpoch,
      firstSequence,
      isTransactional: this.#transactions !== null,
    };
    return { topic, partition, bytes: records.seal(writer, Date.now()) };
  }
}

/** Wraps as Kafka's own DefaultRecordBatch.incrementSequence. */
export function sequenceAfter(firstSequence: number, records: number): number {
  return (firstSequence + records) % SEQUENCES;
}

function noLeader({ topic, partition }: PartitionBatch): never {
  throw new ProduceError(topic, partition, new Error('no broker leads this partition now'));
}
