import type { InputRecord, TopicPosition } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import type { OutputChunk } from './outputs.ts';

/** Below the 1 MiB that a default topic takes for one record batch. */
const MAX_BYTES_PER_SEND = 900_000;
/** A plain record of this size is never tried: a broker closes the connection of a request above `socket.request.max.bytes`, 100 MB by default. */
const COMPRESSED_FROM_BYTES = 32 * 1024 * 1024;
/** How long a topic that takes no large batches is not tried with larger ones: its settings may be changed. */
const LIMIT_HOLDS_MS = 600_000;

type Place = Pick<InputRecord, 'topic' | 'partition' | 'offset'>;
interface Refused extends Place { error: WorkerError }
/** `culprit`: the limit is there to find a record that is refused, at this place or behind it; null: batches are too large. */
interface TopicLimit { bytes: number; culprit: Place | null; growsAt: number }

/**
 * What is left of a record in its dead letter, each less than the one before: the record with our headers; as bare as it
 * came; a stub without its value; a stub that only names its place.
 */
const LETTER_FORMS = ['full', 'bare', 'stub', 'place'] as const;
export type LetterForm = (typeof LETTER_FORMS)[number];
/** `reason`: why the form before was refused. */
export interface LetterShape { form: LetterForm; reason: string }
interface Reshaped extends Place, LetterShape {}

const FULL: LetterShape = { form: 'full', reason: '' };

/**
 * What topics turned out to take. A topic limits a record batch: a refused one halves the topic's limit until one record
 * is left. A record that is too large alone is sent compressed, and so is what is larger, since a topic counts compressed
 * bytes; one that is refused even so fails its input for good. Where it was a record and not the size that was
 * refused, the limit is gone once that record is written; else it grows back after a while. A dead letter
 * that is refused alone is tried again with less of its record.
 */
export class SizeLimits {
  readonly #now: () => number;
  readonly #limits = new Map<string, TopicLimit>();
  /** The smallest record that a topic refused alone, uncompressed. */
  readonly #compressed = new Map<string, { fromBytes: number; until: number }>();
  readonly #refused = new Map<string, Refused>();
  readonly #reshaped = new Map<string, Reshaped>();

  /** @param now milliseconds, monotonic */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  bytesFor(topic: string): number {
    return this.#limits.get(topic)?.bytes ?? MAX_BYTES_PER_SEND;
  }

  /** How large a batch is that is to be compressed. */
  compressedFrom(topic: string): number {
    return this.#compressed.get(topic)?.fromBytes ?? COMPRESSED_FROM_BYTES;
  }

  /** Why an output of this input was refused, where one was. */
  refusalOf(input: InputRecord): WorkerError | undefined {
    return this.#refused.size === 0 ? undefined : this.#refused.get(nameOf(input))?.error;
  }

  /** What the dead letter of this input is to hold, after what was refused of it. */
  letterShapeOf(input: InputRecord): LetterShape {
    return this.#reshaped.size === 0 ? FULL : this.#reshaped.get(nameOf(input)) ?? FULL;
  }

  /** Takes note of a refused batch, so that the next try differs. */
  learn({ topic, records, first: { source, isDeadLetter } }: OutputChunk, error: WorkerError): void {
    const isTooLarge = error.code === 'output-too-large';
    if (records.count > 1) {
      const culprit = isTooLarge ? null : placeOf(source);
      this.#limits.set(topic, { bytes: Math.floor(records.bytes / 2), culprit, growsAt: this.#now() + LIMIT_HOLDS_MS });
    } else if (isTooLarge && !records.isCompressed) {
      const fromBytes = Math.min(records.bytes, this.compressedFrom(topic));
      this.#compressed.set(topic, { fromBytes, until: this.#now() + LIMIT_HOLDS_MS });
    } else if (isDeadLetter) {
      this.#reshape(source, error, isTooLarge ? `topic ${topic} takes no record of ${records.bytes} bytes, compressed` : error.message);
    } else {
      this.#refused.set(nameOf(source), { ...placeOf(source), error });
    }
  }

  /** The task is another member's now: what its topics take may have changed when it comes back. */
  forgetTask(task: number): void {
    this.#forget(({ partition }) => partition === task);
  }

  /** Up to these positions all is written: dead letters will not be asked for again, and topics are tried with more. */
  written(positions: readonly TopicPosition[]): void {
    this.#grow();
    this.#forget((place) => positions.some(({ topic, partition, offset }) =>
      topic === place.topic && partition === place.partition && BigInt(place.offset) < offset));
  }

  #reshape(source: InputRecord, error: WorkerError, reason: string): void {
    const { form } = this.letterShapeOf(source);
    const next = LETTER_FORMS[LETTER_FORMS.indexOf(form) + 1];
    if (!next) {
      throw new WorkerError('output-too-large', 'systemic',
        `a dead letter that only names its record is refused: ${messageOf(error)}; until that is changed the partition waits`, { cause: error });
    }
    this.#reshaped.set(nameOf(source), { ...placeOf(source), form: next, reason });
  }

  #forget(isOver: (place: Place) => boolean): void {
    for (const places of [this.#refused, this.#reshaped] as Map<string, Place>[]) {
      for (const [name, place] of places) if (isOver(place)) places.delete(name);
    }
    for (const [topic, { culprit }] of this.#limits) if (culprit && isOver(culprit)) this.#limits.delete(topic);
  }

  #grow(): void {
    const now = this.#now();
    for (const [topic, { until }] of this.#compressed) if (now >= until) this.#compressed.delete(topic);
    for (const [topic, limit] of this.#limits) {
      if (limit.culprit || now < limit.growsAt) continue;
      const bytes = limit.bytes * 2;
      if (bytes >= MAX_BYTES_PER_SEND) this.#limits.delete(topic);
      else this.#limits.set(topic, { ...limit, bytes, growsAt: now + LIMIT_HOLDS_MS });
    }
  }
}

function placeOf({ topic, partition, offset }: InputRecord): Place {
  return { topic, partition, offset };
}

function nameOf({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`;
}
