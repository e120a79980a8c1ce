import { setTimeout as delay } from 'node:timers/promises';
import { createKafka, partitionOf } from '@sagafleet/kafka';
import type { CompressionTypes, Kafka, Message, Producer, ProducerConfig } from 'kafkajs';
import { POISON, textOf, type ChaosEvent } from './events.ts';
import { type Random, randomFrom } from './random.ts';

export interface FeedOptions {
  brokers: string[];
  topic: string;
  partitions: number;
  /** Committed ones, at least. */
  records: number;
  /** They come evenly over this time, or later where Kafka is away; more of them where `goesOn` says so. */
  durationMs: number;
  goesOn?: () => boolean;
  isResting?: () => boolean;
  seed: number;
  /** Of records with an expression that takes long; default none. */
  slowShare?: number;
  /** Writers take turns, record by record. */
  encoders: readonly ((event: ChaosEvent) => Buffer)[];
}

const KEYS = 200;
const LANES = 90;
const FIRST_LANE = 10;
/** Numbers of Kafka's protocol: none, gzip, zstd. Snappy and LZ4 are the broker's part (`compression.type`). */
const CODECS = [0, 1, 4] as CompressionTypes[];

const TICK_MS = 100;
const MAX_BATCH = 500;
const PATIENCE_MS = 10_000;
const TRANSACTION_TIMEOUT_MS = 10_000;
/** Of transactions that are aborted, and of records that are poison. */
const ABORTED_SHARE = 0.25;
const POISON_SHARE = 0.01;
/** Of records whose key is one of the hot partition's, besides those that are by chance: half of all, with six partitions. */
const HOT_SHARE = 0.4;
/** Few, since each is as much as a thousand others. */
const LARGE_SHARE = 0.001;
const LARGE_BYTES = [50_000, 300_000] as const;
/** An expression that looks at each pair of them takes a processor 20 to 50 ms. */
const SLOW_READINGS = [160, 260] as const;
const NO_PADDING = Buffer.alloc(0);

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
  readonly #hotKeys: readonly string[];
  #startedAt = 0;
  #taken = 0;
  #confirmed = 0;
  #made = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    const connection = { brokers: options.brokers, tls: false, sasl: null, clientId: 'feed' };
    this.#kafka = createKafka(connection, { log: () => {}, level: 'error', patienceMs: PATIENCE_MS });
    this.#random = randomFrom(options.seed);
    const { partitions, seed } = options;
    this.#hotKeys = [...Array(KEYS).keys()].map(keyOf).filter((key) => partitionOf(Buffer.from(key), partitions) === seed % partitions);
  }

  get confirmed(): number {
    return this.#confirmed;
  }

  /** Resolves when enough records are committed and nothing goes on; on abort with the batch under way. */
  async run(signal: AbortSignal): Promise<void> {
    this.#startedAt = performance.now();
    await Promise.all(['feed-1', 'feed-2', null].map((transactionalId) => this.#produce(transactionalId, signal)));
  }

  async #produce(transactionalId: string | null, signal: AbortSignal): Promise<void> {
    let producer: Producer | null = null;
    while (!signal.aborted && this.#isOn()) {
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
    if (transactionalId && !signal.aborted) await this.#close(transactionalId, producer, signal);
    else await producer?.disconnect();
  }

  /**
   * A last transaction with a record in every partition: where a broker forgot markers of an earlier one, it stays open
   * until the next of the same producer, and nobody reads past it.
   */
  async #close(transactionalId: string, connected: Producer | null, signal: AbortSignal): Promise<void> {
    let producer = connected;
    for (let isClosed = false; !isClosed && !signal.aborted;) {
      const messages = [...Array(this.#options.partitions).keys()].map((partition) => ({ ...this.#nextMessage(), partition }));
      try {
        producer ??= await this.#connect(transactionalId);
        await this.#commit(producer, messages);
        isClosed = true;
      } catch {
        await delay(TICK_MS);
      }
      await producer?.disconnect().catch(() => undefined);
      producer = null;
    }
  }

  #isOn(): boolean {
    return this.#confirmed < this.#options.records || (this.#options.goesOn?.() ?? false);
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
    if (this.#random.fraction() >= ABORTED_SHARE) {
      await this.#commit(producer, messages);
      return;
    }
    this.#remember(messages);
    const transaction = await producer.transaction();
    await this.#sendByPartition(transaction, messages);
    await transaction.abort();
    this.#taken -= messages.length;
  }

  async #commit(producer: Producer, messages: Message[]): Promise<void> {
    this.#remember(messages);
    const transaction = await producer.transaction();
    await this.#sendByPartition(transaction, messages);
    await transaction.commit();
    for (const { value } of messages) this.neverCommitted.delete(textOf(value as Buffer));
    this.#confirmed += messages.length;
  }

  #remember(messages: readonly Message[]): void {
    for (const { value } of messages) this.neverCommitted.add(textOf(value as Buffer));
  }

  /** One partition a call: kafkajs may lose or double records where a leader moves under a call to several. */
  async #sendByPartition({ send }: Pick<Producer, 'send'>, messages: readonly Message[]): Promise<void> {
    for (const ofPartition of Map.groupBy(messages, ({ partition }) => partition).values()) {
      await send({ topic: this.#options.topic, messages: ofPartition, compression: this.#random.pick(CODECS) });
    }
  }

  /** As many as are due by now. */
  #nextBatch(): Message[] {
    const { records, durationMs, goesOn, isResting } = this.#options;
    if (isResting?.()) return [];
    const paced = Math.ceil((records * (performance.now() - this.#startedAt)) / durationMs);
    const due = (goesOn?.() ? paced : Math.min(records, paced)) - this.#taken;
    // A third each, so that the producers overlap
    const size = Math.max(0, Math.min(MAX_BATCH, Math.ceil(due / 3)));
    this.#taken += size;
    return Array.from({ length: size }, () => this.#nextMessage());
  }

  #nextMessage(): Message {
    const random = this.#random;
    const key = random.fraction() < HOT_SHARE ? random.pick(this.#hotKeys) : keyOf(random.whole(0, KEYS));
    const sequence = (this.#sequences.get(key) ?? 0n) + 1n;
    this.#sequences.set(key, sequence);
    const id = `event-${++this.#made}`;
    const lane = `lane-${random.whole(FIRST_LANE, FIRST_LANE + LANES)}`;
    const padding = random.fraction() < LARGE_SHARE ? this.#largePadding() : NO_PADDING;
    const isSlow = random.fraction() < (this.#options.slowShare ?? 0);
    const readings = isSlow ? Array.from({ length: random.whole(...SLOW_READINGS) }, (_, at) => BigInt(at)) : [];
    const encode = this.#options.encoders[this.#made % this.#options.encoders.length]!;
    const isPoison = random.fraction() < POISON_SHARE;
    const value = isPoison ? Buffer.concat([Buffer.from(`${POISON}-${id}`), padding]) : encode({ id, sequence, padding, readings, lane });
    return { key, value, partition: partitionOf(Buffer.from(key), this.#options.partitions) };
  }

  /** A quarter that shrinks little when it is compressed, and the rest to almost nothing. */
  #largePadding(): Buffer {
    const padding = Buffer.alloc(this.#random.whole(...LARGE_BYTES), 'padding');
    for (let at = 0; at < padding.length; at += 4) padding[at] = this.#random.whole(0, 256);
    return padding;
  }
}

function keyOf(number: number): string {
  return `key-${number}`;
}
