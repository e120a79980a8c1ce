import type { InputRecord, TopicPosition } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import type { OutputChunk } from './outputs.ts';

/** Below the 1 MiB that a default topic takes for one record batch. */
const MAX_BYTES_PER_SEND = 900_000;
/** How long a topic that takes no large batches is not tried with larger ones: its settings may be changed. */
const LIMIT_HOLDS_MS = 600_000;

type Place = Pick<InputRecord, 'topic' | 'partition' | 'offset'>;
interface Refused extends Place { error: WorkerError }
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
      const holdsMs = error.code === 'output-too-large' ? LIMIT_HOLDS_MS : 0;
      this.#limits.set(topic, { bytes: Math.floor(records.bytes / 2), growsAt: this.#now() + holdsMs, holdsMs });
    } else if (isDeadLetter && !this.isBare(source)) {
      this.#bare.set(nameOf(source), source);
    } else if (isDeadLetter) {
      throw new WorkerError('output-too-large', 'systemic',
        `dead-letter topic ${topic} does not take a record of ${records.bytes} bytes, raise its `
        + 'max.message.bytes above that of the inputs; until then the partition waits', { cause: error });
    } else {
      const { partition, offset } = source;
      this.#refused.set(nameOf(source), { topic: source.topic, partition, offset, error });
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

function nameOf({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`;
}
