import { setTimeout as delay } from 'node:timers/promises';
import { createKafka, partitionOf } from '@sagafleet/kafka';
import type { Kafka, Message, Producer, ProducerConfig } from 'kafkajs';
import { type Random, randomFrom } from './random.ts';

export interface FeedOptions {
  brokers: string[];
  topic: string;
  partitions: number;
  /** Committed ones. */
  records: number;
  /** They come evenly over this time, or later where Kafka is away. */
  durationMs: number;
  seed: number;
  encode: (event: { id: string; sequence: bigint; lane: string }) => Buffer;
}

const KEYS = 200;
const LANES = 90;
const FIRST_LANE = 10;
/** Of the events' lanes, which stand last in them. */
export const LANE_LENGTH = 'lane-10'.length;
/** Begins the values that no schema fits. */
export const POISON = 'poison';

const TICK_MS = 100;
const MAX_BATCH = 500;
const PATIENCE_MS = 10_000;
const TRANSACTION_TIMEOUT_MS = 10_000;
/** Of transactions that are aborted, and of records that are poison. */
const ABORTED_SHARE = 0.25;
const POISON_SHARE = 0.01;

/**
 * Three producers that write at once to the same partitions, two of them in transactions, of which they abort some.
 * What a failed call did is not known and not asked: its records are not sent again, and the input topic, read back,
 * tells what went in.
 */
export class Feed {
  /** Values that were written in transactions that were aborted or may not have been committed. */
  readonly neverCommitted = new Set<string>();
  readonly #options: FeedOptions;
  readonly #kafka: Kafka;
  readonly #random: Random;
  readonly #sequences = new Map<string, bigint>();
  #startedAt = 0;
  #taken = 0;
  #confirmed = 0;
  #made = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    const connection = { brokers: options.brokers, tls: false, sasl: null, clientId: 'feed' };
    this.#kafka = createKafka(connection, { log: () => {}, level: 'error', patienceMs: PATIENCE_MS });
    this.#random = randomFrom(options.seed);
  }

  get confirmed(): number {
    return this.#confirmed;
  }

  /** Resolves when enough records are committed; on abort with the batch under way. */
  async run(signal: AbortSignal): Promise<void> {
    this.#startedAt = performance.now();
    await Promise.all(['feed-1', 'feed-2', null].map((transactionalId) => this.#produce(transactionalId, signal)));
  }

  async #produce(transactionalId: string | null, signal: AbortSignal): Promise<void> {
    let producer: Producer | null = null;
    while (!signal.aborted && this.#confirmed < this.#options.records) {
      const batch = this.#nextBatch();
      if (batch.length === 0) {
        await delay(TICK_MS);
        continue;
      }
      try {
        producer ??= await this.#connect(transactionalId);
        await (transactionalId ? this.#sendInTransaction(producer, batch) : this.#send(producer, batch));
      } catch {
        // What became of the batch is found out by reading the topic
        this.#taken -= batch.length;
        await producer?.disconnect().catch(() => undefined);
        producer = null;
        await delay(TICK_MS);
      }
    }
    await producer?.disconnect();
  }

  async #connect(transactionalId: string | null): Promise<Producer> {
    const config: ProducerConfig = transactionalId
      ? { transactionalId, transactionTimeout: TRANSACTION_TIMEOUT_MS, idempotent: true, maxInFlightRequests: 1 }
      : { idempotent: true, maxInFlightRequests: 1 };
    const producer = this.#kafka.producer({ ...config, allowAutoTopicCreation: false });
    await producer.connect();
    return producer;
  }

  async #send(producer: Producer, messages: Message[]): Promise<void> {
    await this.#sendByPartition(producer, messages);
    this.#confirmed += messages.length;
  }

  async #sendInTransaction(producer: Producer, messages: Message[]): Promise<void> {
    const isToAbort = this.#random.fraction() < ABORTED_SHARE;
    for (const { value } of messages) this.neverCommitted.add(textOf(value as Buffer));
    const transaction = await producer.transaction();
    await this.#sendByPartition(transaction, messages);
    if (isToAbort) {
      await transaction.abort();
      this.#taken -= messages.length;
      return;
    }
    await transaction.commit();
    for (const { value } of messages) this.neverCommitted.delete(textOf(value as Buffer));
    this.#confirmed += messages.length;
  }

  /** One partition a call: kafkajs may lose or double records where a leader moves under a call to several. */
  async #sendByPartition({ send }: Pick<Producer, 'send'>, messages: readonly Message[]): Promise<void> {
    for (const ofPartition of Map.groupBy(messages, ({ partition }) => partition).values()) {
      await send({ topic: this.#options.topic, messages: ofPartition });
    }
  }

  /** As many as are due by now. */
  #nextBatch(): Message[] {
    const { records, durationMs } = this.#options;
    const due = Math.min(records, Math.ceil(records * (performance.now() - this.#startedAt) / durationMs)) - this.#taken;
    // A third each, so that the producers overlap
    const size = Math.max(0, Math.min(MAX_BATCH, Math.ceil(due / 3)));
    this.#taken += size;
    return Array.from({ length: size }, () => this.#nextMessage());
  }

  #nextMessage(): Message {
    const key = `key-${this.#random.whole(0, KEYS)}`;
    const sequence = (this.#sequences.get(key) ?? 0n) + 1n;
    this.#sequences.set(key, sequence);
    const id = `event-${++this.#made}`;
    const lane = `lane-${this.#random.whole(FIRST_LANE, FIRST_LANE + LANES)}`;
    const isPoison = this.#random.fraction() < POISON_SHARE;
    const value = isPoison ? Buffer.from(`${POISON}-${id}`) : this.#options.encode({ id, sequence, lane });
    return { key, value, partition: partitionOf(Buffer.from(key), this.#options.partitions) };
  }
}

/** Bytes as text that is only compared. */
export function textOf(bytes: Buffer): string {
  return bytes.toString('latin1');
}
