import type { DeadLetterStage } from '@sagafleet/schemas';
import type { InputRecord, OutputRecord, TopicPosition, Transaction } from '../driver.ts';
import { WorkerError } from '../errors.ts';

/** A record to write, and the input record that it comes from; `failure` says why it is a dead letter. */
export interface Output { record: OutputRecord; source: InputRecord; failure: { stage: DeadLetterStage; reason: string } | null }

export interface Work { outputs: readonly Output[]; positions: readonly TopicPosition[] }
export interface WriteOptions { sizeLimits: SizeLimits; throwIfLost: () => void }

const MAX_RECORDS_PER_SEND = 1_000;
/** Below the 1 MiB that a default topic takes for one record batch. */
const MAX_BYTES_PER_SEND = 900_000;
const RECORD_OVERHEAD_BYTES = 32;

/**
 * What topics turned out to take. kafkajs writes one record batch per send and partition, and a
 * topic limits the batch: a refused batch halves the topic's limit until one record is left, and a
 * record that is refused alone fails its input for good. A dead letter that is refused alone is tried
 * once more as bare as its record came, for its topic may take just that.
 */
export class SizeLimits {
  readonly #bytes = new Map<string, number>();
  readonly #refused = new Map<string, WorkerError>();
  readonly #bare = new Set<string>();

  bytesFor(topic: string): number {
    return this.#bytes.get(topic) ?? MAX_BYTES_PER_SEND;
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
      this.#bytes.set(first.record.topic, Math.floor(sizeOfAll(chunk) / 2));
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

  /** The input's dead letter was written; it will not be asked for again. */
  forget(outputs: readonly Output[]): void {
    if (this.#refused.size === 0 && this.#bare.size === 0) return;
    for (const { source } of outputs) {
      this.#refused.delete(positionOf(source));
      this.#bare.delete(positionOf(source));
    }
  }
}

/**
 * Writes the outputs and moves the positions in one transaction. Any error leaves its outcome
 * unknown: the caller discards the producer.
 */
export async function writeTransaction(transaction: Transaction, work: Work, options: WriteOptions): Promise<void> {
  const { sizeLimits, throwIfLost } = options;
  for (const chunk of chunksOf(work.outputs, sizeLimits)) {
    await sendChunk(transaction, chunk, sizeLimits);
    throwIfLost();
  }
  await transaction.sendOffsets(work.positions);
  throwIfLost();
  await transaction.commit();
  sizeLimits.forget(work.outputs);
}

async function sendChunk(transaction: Transaction, chunk: readonly Output[], sizeLimits: SizeLimits): Promise<void> {
  const [{ record: { topic, partition } }] = chunk as [Output];
  try {
    await transaction.send(topic, partition, chunk.map(({ record }) => record));
  } catch (error) {
    if (error instanceof WorkerError && error.consequence === 'permanent') sizeLimits.learn(chunk, error);
    throw error;
  }
}

/** Outputs by topic partition, each in order, cut to what one send may hold. */
export function chunksOf(outputs: readonly Output[], sizeLimits: SizeLimits): Output[][] {
  const chunks: Output[][] = [];
  const open = new Map<string, { chunk: Output[]; bytes: number }>();
  for (const output of outputs) {
    const { topic, partition } = output.record;
    const key = `${topic}/${partition}`;
    const bytes = sizeOf(output.record);
    let current = open.get(key);
    const isFull = current && (current.chunk.length === MAX_RECORDS_PER_SEND || current.bytes + bytes > sizeLimits.bytesFor(topic));
    if (!current || isFull) {
      current = { chunk: [], bytes: 0 };
      open.set(key, current);
      chunks.push(current.chunk);
    }
    current.chunk.push(output);
    current.bytes += bytes;
  }
  return chunks;
}

function sizeOfAll(chunk: readonly Output[]): number {
  return chunk.reduce((sum, { record }) => sum + sizeOf(record), 0);
}

function sizeOf({ key, value, headers }: OutputRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, header] of headers) bytes += name.length + (header?.length ?? 0) + 2;
  return bytes;
}

function positionOf({ topic, partition, offset }: InputRecord): string {
  return `${topic}/${partition}/${offset}`;
}
