import { RefusedBatch, type InputRecord, type OutputBatch, type OutputHeaders, type OutputRecord, type RecordBatch } from '../driver.ts';
import type { StageFailure } from './run-step.ts';
import type { SizeLimits } from './size-limits.ts';

/** What one record batch holds, and where each of its records comes from. */
export interface OutputChunk extends OutputBatch {
  readonly sources: readonly InputRecord[];
}
interface OpenChunk extends OutputChunk {
  readonly sources: InputRecord[];
}
/** `bytes` of a batch of several records, `plainBytes` of one that is sent plain; by partition the batch that is being filled, and its round. */
interface OpenTopic {
  readonly bytes: number;
  readonly plainBytes: number;
  readonly partitions: { chunk: OpenChunk; round: number }[];
}

/** Why a record became a dead letter; `stub`: why that is one, null: it is none. */
export interface Failed {
  readonly error: StageFailure;
  readonly stub: string | null;
}
interface DeadLetter extends Failed {
  readonly isSmallest: boolean;
}

/**
 * What is to be written for some input records. Outputs are encoded as they come, in order within each topic partition,
 * and cut to what one record batch may hold.
 */
export class Outputs {
  /** The nth batch of each topic partition is in round n. */
  readonly rounds: OutputChunk[][] = [];
  /** By the record whose dead letter is among the outputs. */
  readonly failures = new Map<InputRecord, Failed>();
  readonly #newBatch: () => RecordBatch;
  readonly #limits: SizeLimits;
  readonly #open = new Map<string, OpenTopic>();

  constructor(newBatch: () => RecordBatch, limits: SizeLimits) {
    this.#newBatch = newBatch;
    this.#limits = limits;
  }

  /**
   * All outputs of a record; or none, and the refusal, where one of them is known to be too large for its topic.
   * @param letter where the output is the record's dead letter. The smallest one that there can be is sent in any case: what its topic takes may have changed
   */
  add(records: readonly OutputRecord[], source: InputRecord, letter: DeadLetter | null = null): RefusedBatch | null {
    let alone: Map<OutputRecord, RecordBatch> | undefined;
    for (const record of records) {
      if (roomFor(record) <= this.#topic(record.topic).plainBytes) continue;
      const batch = this.#batchOf(record);
      if (!this.#limits.fit(record.topic, batch) && !letter?.isSmallest)
        return new RefusedBatch('output-too-large', { ...record, records: batch });
      if (batch.isCompressed) (alone ??= new Map()).set(record, batch);
    }
    for (const record of records) this.#put(record, source, alone?.get(record));
    if (letter) this.failures.set(source, letter);
    return null;
  }

  /** @param alone the record as a batch that takes no other */
  #put(record: OutputRecord, source: InputRecord, alone?: RecordBatch): void {
    const { topic, partition } = record;
    const { bytes, partitions } = this.#topic(topic);
    let current = partitions[partition];
    if (alone || !current?.chunk.records.add(record, bytes)) {
      const chunk = { topic, partition, records: alone ?? this.#batchOf(record), sources: [] };
      const round = current ? current.round + 1 : 0;
      partitions[partition] = current = { chunk, round };
      (this.rounds[round] ??= []).push(chunk);
    }
    current.chunk.sources.push(source);
  }

  /** Its limits as they are when its first record comes. */
  #topic(topic: string): OpenTopic {
    let open = this.#open.get(topic);
    if (!open)
      this.#open.set(
        topic,
        (open = { bytes: this.#limits.bytesFor(topic), plainBytes: this.#limits.plainBytesFor(topic), partitions: [] }),
      );
    return open;
  }

  #batchOf(record: OutputRecord): RecordBatch {
    const batch = this.#newBatch();
    batch.add(record, Infinity);
    return batch;
  }
}

/** Of the head of a batch, and of the lengths in it. */
const OVERHEAD_BYTES = 100;
const HEADER_OVERHEAD_BYTES = 10;
const MAX_UTF8_BYTES = 3;

/** More bytes than a batch of this record takes, without a look at its characters. */
function roomFor({ key, value, constantHeaders, headers }: OutputRecord): number {
  return (
    OVERHEAD_BYTES +
    (key === null ? 0 : key.length) +
    (value === null ? 0 : value.length) +
    roomForHeaders(constantHeaders) +
    roomForHeaders(headers)
  );
}

function roomForHeaders(headers: OutputHeaders): number {
  let bytes = 0;
  for (let at = 0; at < headers.length; at++) {
    const [name, value] = headers[at]!;
    bytes += HEADER_OVERHEAD_BYTES + MAX_UTF8_BYTES * (name.length + lengthOf(value));
  }
  return bytes;
}

function lengthOf(value: OutputHeaders[number][1]): number {
  if (value === null) return 0;
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value.length;
  let length = 0;
  for (let at = 0; at < value.length; at++) length += value[at]!.length;
  return length;
}
