import type { DeadLetterStage } from '@sagafleet/schemas';
import { RefusedBatch, type InputRecord, type OutputHeaders, type OutputRecord, type TopicPosition, type Transaction } from '../driver.ts';
import { WorkerError } from '../errors.ts';

/** A record to write, and the input record that it comes from; `failure` says why it is a dead letter. */
export interface Output { record: OutputRecord; source: InputRecord; failure: { stage: DeadLetterStage; reason: string } | null }

export interface Work { outputs: readonly Output[]; positions: readonly TopicPosition[] }
export interface WriteOptions { sizeLimits: SizeLimits; throwIfLost: () => void }

/** Below the 1 MiB that a default topic takes for one record batch. */
const MAX_BYTES_PER_SEND = 900_000;
const RECORD_OVERHEAD_BYTES = 32;
/** How long a topic that takes no large batches is not tried with larger ones: its settings may be changed. */
const LIMIT_HOLDS_MS = 600_000;

interface TopicLimit { bytes: number; growsAt: number; holdsMs: number }

/**
 * What topics turned out to take. kafkajs writes one record batch per send and partition, and a
 * topic limits the batch: a refused batch halves the topic's limit until one record is left, and a
 * record that is refused alone fails its input for good. The limit grows back with what is written: at once
 * where it was a record and not the size that was refused, else after a while. A dead letter that is refused alone is tried
 * once more as bare as its record came, for its topic may take just that.
 */
export class SizeLimits {
  readonly #now: () => number;
  readonly #limits = new Map<string, TopicLimit>();
  readonly #refused = new Map<string, WorkerError>();
  readonly #bare = new Set<string>();

  /** @param now milliseconds, monotonic */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  bytesFor(topic: string): number {
    return this.#limits.get(topic)?.bytes ?? MAX_BYTES_PER_SEND;
  }

  /** Why an output of this input was refused, where one was. */
  refusalOf(input: InputRecord): WorkerError | undefined {
    return this.#refused.size === 0 ? undefined : this.#refused.get(positionOf(input));
  }

  /** Whether the dead letter of this input was refused with the headers that are added to it. */
  isBare(input: InputRecord): boolean {
    return this.#bare.has(positionOf(input));
  }

  /** Takes note of a refused send, so that the next try differs. */
  learn(chunk: readonly Output[], error: WorkerError): void {
    const [first] = chunk as [Output];
    if (chunk.length > 1) {
      const holdsMs = error.code === 'output-too-large' ? LIMIT_HOLDS_MS : 0;
      this.#limits.set(first.record.topic, { bytes: Math.floor(sizeOfAll(chunk) / 2), growsAt: this.#now() + holdsMs, holdsMs });
    } else if (first.failure && !this.isBare(first.source)) {
      this.#bare.add(positionOf(first.source));
    } else if (first.failure) {
      throw new WorkerError('output-too-large', 'systemic',
        `dead-letter topic ${first.record.topic} does not take a record of ${sizeOf(first.record)} bytes, raise its `
        + 'max.message.bytes above that of the inputs; until then the partition waits', { cause: error });
    } else {
      this.#refused.set(positionOf(first.source), error);
    }
  }

  /** The task is another member's now: what its topics take may have changed when it comes back. */
  forgetTask(task: number): void {
    for (const positions of [this.#refused, this.#bare]) {
      for (const position of positions.keys()) {
        if (position.split('/').at(-2) === String(task)) positions.delete(position);
      }
    }
  }

  /** The outputs are written: an input's dead letter will not be asked for again, and topics are tried with more. */
  written(outputs: readonly Output[]): void {
    this.#grow();
    if (this.#refused.size === 0 && this.#bare.size === 0) return;
    for (const { source } of outputs) {
      this.#refused.delete(positionOf(source));
      this.#bare.delete(positionOf(source));
    }
  }

  #grow(): void {
    const now = this.#now();
    for (const [topic, { bytes, growsAt, holdsMs }] of this.#limits) {
      if (now < growsAt) continue;
      if (bytes * 2 >= MAX_BYTES_PER_SEND) this.#limits.delete(topic);
      else this.#limits.set(topic, { bytes: bytes * 2, growsAt: now + holdsMs, holdsMs });
    }
  }
}

/** Outputs for one partition, in order: what one record batch holds. */
interface Chunk { topic: string; partition: number; outputs: Output[]; bytes: number }

/**
 * Writes the outputs and moves the positions in one transaction. Any error leaves its outcome
 * unknown: the caller discards the producer.
 */
export async function writeTransaction(transaction: Transaction, work: Work, options: WriteOptions): Promise<void> {
  const { sizeLimits, throwIfLost } = options;
  const writing = [sendAll(transaction, work.outputs, options), transaction.sendOffsets(work.positions)];
  // The caller discards the producer after an error: what is still under way would connect it again
  await Promise.allSettled(writing);
  await Promise.all(writing);
  throwIfLost();
  await transaction.commit();
  sizeLimits.written(work.outputs);
}

async function sendAll(transaction: Transaction, outputs: readonly Output[], { sizeLimits, throwIfLost }: WriteOptions): Promise<void> {
  for (const round of roundsOf(outputs, sizeLimits)) {
    await sendRound(transaction, round, sizeLimits);
    throwIfLost();
  }
}

async function sendRound(transaction: Transaction, round: readonly Chunk[], sizeLimits: SizeLimits): Promise<void> {
  try {
    await transaction.send(round.map(({ topic, partition, outputs }) => ({ topic, partition, records: outputs.map(({ record }) => record) })));
  } catch (error) {
    if (error instanceof RefusedBatch) {
      const refused = round.find(({ topic, partition }) => topic === error.topic && partition === error.partition)!;
      sizeLimits.learn(refused.outputs, error);
    }
    throw error;
  }
}

/** Outputs by topic partition, each in order, cut to what one record batch may hold: the nth of each partition in round n. */
export function roundsOf(outputs: readonly Output[], sizeLimits: SizeLimits): Chunk[][] {
  const rounds: Chunk[][] = [];
  const open = new Map<string, { chunk: Chunk; round: number }[]>();
  for (const output of outputs) {
    const { topic, partition } = output.record;
    const bytes = sizeOf(output.record);
    let ofTopic = open.get(topic);
    if (!ofTopic) open.set(topic, ofTopic = []);
    let current = ofTopic[partition];
    if (!current || current.chunk.bytes + bytes > sizeLimits.bytesFor(topic)) {
      current = { chunk: { topic, partition, outputs: [], bytes: 0 }, round: current ? current.round + 1 : 0 };
      ofTopic[partition] = current;
      (rounds[current.round] ??= []).push(current.chunk);
    }
    current.chunk.outputs.push(output);
    current.chunk.bytes += bytes;
  }
  return rounds;
}

function sizeOfAll(chunk: readonly Output[]): number {
  return chunk.reduce((sum, { record }) => sum + sizeOf(record), 0);
}

function sizeOf({ key, value, constantHeaders, headers }: OutputRecord): number {
  return RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + sizeOfConstant(constantHeaders) + sizeOfHeaders(headers);
}

/** Counted once: records share the list. */
const constantSizes = new WeakMap<OutputHeaders, number>();

function sizeOfConstant(headers: OutputHeaders): number {
  const known = constantSizes.get(headers);
  if (known !== undefined) return known;
  const size = sizeOfHeaders(headers);
  constantSizes.set(headers, size);
  return size;
}

function sizeOfHeaders(headers: OutputHeaders): number {
  let bytes = 0;
  for (const [name, value] of headers) bytes += name.length + (value?.length ?? 0) + 2;
  return bytes;
}

function positionOf({ topic, partition, offset }: InputRecord): string {
  return `${topic}/${partition}/${offset}`;
}
