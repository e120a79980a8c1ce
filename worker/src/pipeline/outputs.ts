import type { DeadLetterStage } from '@sagafleet/schemas';
import type { InputRecord, OutputRecord, RecordBatch } from '../driver.ts';
import type { SizeLimits } from './size-limits.ts';

/** What one record batch holds, and where its first record comes from. */
export interface OutputChunk {
  readonly topic: string;
  readonly partition: number;
  readonly records: RecordBatch;
  readonly first: { readonly source: InputRecord; readonly isDeadLetter: boolean };
}

/** Why a record became a dead letter, and which; with `stub` one without its value. */
export interface FailureNotice { topic: string; partition: number; offset: string; stage: DeadLetterStage; reason: string; stub?: string }

/**
 * What is to be written for some input records. Outputs are encoded as they come, in order within each
 * topic partition, and cut to what one record batch may hold: nothing of a record is kept.
 */
export class Outputs {
  /** The nth batch of each topic partition is in round n. */
  readonly rounds: OutputChunk[][] = [];
  readonly failures: FailureNotice[] = [];
  readonly #newBatch: () => RecordBatch;
  readonly #limits: SizeLimits;
  /** By topic and partition: the batch that is being filled, and its round. */
  readonly #open = new Map<string, { chunk: OutputChunk; round: number }[]>();

  constructor(newBatch: () => RecordBatch, limits: SizeLimits) {
    this.#newBatch = newBatch;
    this.#limits = limits;
  }

  /** @param failure why it is a dead letter; null: it is none */
  add(record: OutputRecord, source: InputRecord, failure: Pick<FailureNotice, 'stage' | 'reason' | 'stub'> | null): void {
    const { topic, partition } = record;
    let ofTopic = this.#open.get(topic);
    if (!ofTopic) this.#open.set(topic, ofTopic = []);
    let current = ofTopic[partition];
    if (!current?.chunk.records.add(record, this.#limits.bytesFor(topic))) {
      const chunk = { topic, partition, records: this.#newBatch(), first: { source, isDeadLetter: failure !== null } };
      chunk.records.add(record, Infinity);
      const round = current ? current.round + 1 : 0;
      ofTopic[partition] = current = { chunk, round };
      (this.rounds[round] ??= []).push(chunk);
    }
    const { records } = current.chunk;
    if (records.bytes >= this.#limits.compressedFrom(topic)) records.compress();
    if (failure) this.failures.push({ topic: source.topic, partition: source.partition, offset: source.offset, ...failure });
  }
}
