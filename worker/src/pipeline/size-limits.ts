import type { InputRecord, TopicPosition } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import type { OutputChunk } from './outputs.ts';

/** Below the 1 MiB that a default topic takes for one record batch. */
const MAX_BYTES_PER_SEND = 900_000;
/** How long a topic that takes no large batches is not tried with larger ones: its settings may be changed. */
const LIMIT_HOLDS_MS = 600_000;

type Place = Pick<InputRecord, 'topic' | 'partition' | 'offset'>;
interface Refused extends Place { error: WorkerError }
/** `culprit`: the limit is there to find a record that is refused, at this place or behind it; null: batches are too large. */
interface TopicLimit { bytes: number; culprit: Place | null; growsAt: number }

/**
 * What topics turned out to take. A topic limits a record batch: a refused one halves the topic's limit
 * until one record is left, and a record that is refused alone fails its input for good. Where it was
 * a record and not the size that was refused, the limit is gone once that record is written; else it grows
 * back after a while. A dead letter that is refused alone is tried once more as bare as its record came,
 * for its topic may take just that.
 */
export class SizeLimits {
  readonly #now: () => number;
  readonly #limits = new Map<string, TopicLimit>();
  readonly #refused = new Map<string, Refused>();
  readonly #bare = new Map<string, Place>();

  /** @param now milliseconds, monotonic */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  bytesFor(topic: string): number {
    return this.#limits.get(topic)?.bytes ?? MAX_BYTES_PER_SEND;
  }

  /** Why an output of this input was refused, where one was. */
  refusalOf(input: InputRecord): WorkerError | undefined {
    return this.#refused.size === 0 ? undefined : this.#refused.get(nameOf(input))?.error;
  }

  /** Whether the dead letter of this input was refused with the headers that are added to it. */
  isBare(input: InputRecord): boolean {
    return this.#bare.size > 0 && this.#bare.has(nameOf(input));
  }

  /** Takes note of a refused batch, so that the next try differs. */
  learn({ topic, records, first: { source, isDeadLetter } }: OutputChunk, error: WorkerError): void {
    if (records.count > 1) {
      const culprit = error.code === 'output-too-large' ? null : placeOf(source);
      this.#limits.set(topic, { bytes: Math.floor(records.bytes / 2), culprit, growsAt: this.#now() + LIMIT_HOLDS_MS });
    } else if (isDeadLetter && !this.isBare(source)) {
      this.#bare.set(nameOf(source), placeOf(source));
    } else if (isDeadLetter) {
      throw new WorkerError('output-too-large', 'systemic',
        `dead-letter topic ${topic} does not take a record of ${records.bytes} bytes, raise its `
        + 'max.message.bytes above that of the inputs; until then the partition waits', { cause: error });
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

  #forget(isOver: (place: Place) => boolean): void {
    for (const places of [this.#refused, this.#bare] as Map<string, Place>[]) {
      for (const [name, place] of places) if (isOver(place)) places.delete(name);
    }
    for (const [topic, { culprit }] of this.#limits) if (culprit && isOver(culprit)) this.#limits.delete(topic);
  }

  #grow(): void {
    const now = this.#now();
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
