/** Timed records through a step: sent from here, seen here again as a read-committed consumer sees them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf, readTopics } from '@sagafleet/kafka';
import type { Message, Producer } from 'kafkajs';
import type { Arena } from './arena.ts';
import { BenchError } from './errors.ts';
import type { EncodeOrder } from './input.ts';

const KEY_PREFIX = 'probe-';
const SEEN_WITHIN_MS = 30_000;
const POLL_MS = 10;

export interface ProbeOptions {
  input: string;
  output: string;
  encode: EncodeOrder;
  partitionCount: number;
  /** That probes go to; no others are read. */
  partitions: readonly number[];
}

/** When it was sent and when it was seen, in milliseconds of one clock; `seenAtMs` NaN: not yet. */
export interface Probe {
  partition: number;
  sentAtMs: number;
  seenAtMs: number;
}

export class Probes {
  readonly sent: Probe[] = [];
  readonly #options: ProbeOptions;
  readonly #producer: Producer;
  readonly #stopping = new AbortController();
  #reading = Promise.resolve();
  #seen = 0;

  private constructor(options: ProbeOptions, producer: Producer) {
    this.#options = options;
    this.#producer = producer;
  }

  static async open(arena: Arena, options: ProbeOptions): Promise<Probes> {
    const producer = arena.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const probes = new Probes(options, producer);
    probes.#reading = readTopics({
      connection: arena.connection,
      topics: [options.output],
      partitions: options.partitions,
      until: 'follow',
      log: () => undefined,
      level: 'error',
      signal: probes.#stopping.signal,
      onRecord: ({ key }) => probes.#see(key?.toString() ?? ''),
    });
    probes.#reading.catch(() => undefined);
    return probes;
  }

  /** One probe to each of these partitions; resolves when Kafka has them. */
  async send(partitions: readonly number[]): Promise<void> {
    const messages = partitions.map((partition): Message => {
      const key = keyOf(this.sent.length, partition, this.#options.partitionCount);
      this.sent.push({ partition, sentAtMs: performance.now(), seenAtMs: NaN });
      return { key, value: this.#options.encode(this.sent.length).value, partition };
    });
    await this.#producer.send({ topic: this.#options.input, messages });
  }

  /**
   * Waits until all that was sent was seen.
   * @throws BenchError NotMeasured
   */
  async allSeen(): Promise<void> {
    for (const deadline = performance.now() + SEEN_WITHIN_MS; this.#seen < this.sent.length; await sleep(POLL_MS)) {
      if (performance.now() < deadline) continue;
      throw new BenchError(
        'NotMeasured',
        `${this.sent.length - this.#seen} of ${this.sent.length} records did not come out in ${SEEN_WITHIN_MS / 1_000} s`,
      );
    }
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#producer.disconnect();
    await this.#reading;
  }

  #see(key: string): void {
    if (!key.startsWith(KEY_PREFIX)) return;
    const probe = this.sent[Number.parseInt(key.slice(KEY_PREFIX.length), 10)];
    if (!probe || !Number.isNaN(probe.seenAtMs)) return;
    probe.seenAtMs = performance.now();
    this.#seen += 1;
  }
}

/** "probe-7-0", or another last number: one by which the record belongs into that partition. */
function keyOf(at: number, partition: number, partitionCount: number): string {
  for (let salt = 0; ; salt++) {
    const key = `${KEY_PREFIX}${at}-${salt}`;
    if (partitionOf(Buffer.from(key), partitionCount) === partition) return key;
  }
}
