import type { TopicLimitSettings } from '@sagafleet/schemas';
import type { InputRecord, RecordBatch, RefusedBatch, TopicPosition, WriteCodec } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';

/** Below the 1 MiB that a default topic takes for one record batch. */
const MAX_BYTES_PER_SEND = 900_000;
/** A larger record is never sent plain: a broker closes the connection of a request above `socket.request.max.bytes`, 100 MB by default. */
const MAX_PLAIN_BYTES = 32 * 1024 * 1024;
/** How long a limit is believed: a topic's settings may be changed. */
const LIMIT_HOLDS_MS = 600_000;

/** No batch above `takes` is sent; one of several records is cut at `cutAt`. */
interface Limit {
  takes: number;
  cutAt: number;
  until: number;
}
type Place = Pick<InputRecord, 'topic' | 'partition' | 'offset'>;
/** `error`: why an output of the record at this place was refused; null: its dead letter was. */
interface Refused extends Place {
  error: WorkerError | null;
  shape: LetterShape;
}

/**
 * What is left of a record in its dead letter, each less than the one before: the record with our headers; as bare as it
 * came; a stub without its value; a stub that only names its place.
 */
const LETTER_FORMS = ['full', 'bare', 'stub', 'place'] as const;
export type LetterForm = (typeof LETTER_FORMS)[number];
/** `reason`: why the form before was refused. */
export interface LetterShape {
  form: LetterForm;
  reason: string;
}

const FULL: LetterShape = { form: 'full', reason: '' };

/** Null where nothing is less. */
export function smallerShape({ form }: LetterShape, reason: string): LetterShape | null {
  const next = LETTER_FORMS[LETTER_FORMS.indexOf(form) + 1];
  return next ? { form: next, reason } : null;
}

/**
 * What topics take: what provisioning was told, or less where one refused a batch. After ten minutes a larger record is
 * sent again to find out. And which records had an output or a dead letter that was refused for good, until their
 * positions are written.
 */
export class SizeLimits {
  readonly #told: ReadonlyMap<string, TopicLimitSettings>;
  readonly #now: () => number;
  readonly #limits = new Map<string, Limit>();
  readonly #refused = new Map<string, Refused>();

  /** @param now milliseconds, monotonic */
  constructor(told: Readonly<Record<string, TopicLimitSettings>> = {}, now: () => number = () => performance.now()) {
    this.#told = new Map(Object.entries(told));
    this.#now = now;
    for (const [topic, { maxMessageBytes }] of this.#told) this.#believe(topic, maxMessageBytes, maxMessageBytes);
  }

  /** How large a batch of several records may be. */
  bytesFor(topic: string): number {
    return Math.min(MAX_BYTES_PER_SEND, this.#limits.get(topic)?.cutAt ?? this.#toldBytes(topic));
  }

  /** How large a record may be that is sent plain, with its batch. */
  plainBytesFor(topic: string): number {
    return Math.min(MAX_PLAIN_BYTES, this.#takes(topic));
  }

  /** Compresses a batch of one record where it is too large plain. False where its topic does not take it even so. */
  fit(topic: string, records: RecordBatch): boolean {
    if (records.bytes > this.plainBytesFor(topic)) {
      const codec = codecFor(this.#told.get(topic)?.compressionType);
      if (codec) records.compress(codec);
    }
    return records.bytes <= this.#takes(topic);
  }

  /** Takes note of a batch that was too large. Of a compressed one it is not known as what: as it was sent, or as the topic stores it. */
  learn(topic: string, { bytes, count, isCompressed }: RecordBatch): void {
    if (isCompressed) return;
    const takes = Math.min(bytes - 1, this.#takes(topic), this.#toldBytes(topic));
    this.#believe(topic, takes, Math.min(takes, this.bytesFor(topic), count > 1 ? Math.floor(bytes / 2) : takes));
  }

  /** Why an output of this input was refused, where one was. */
  refusalOf(input: InputRecord): WorkerError | undefined {
    return this.#refused.size === 0 ? undefined : (this.#refused.get(nameOf(input))?.error ?? undefined);
  }

  /** What the dead letter of this input is to hold, after what was refused of it. */
  letterShapeOf(input: InputRecord): LetterShape {
    return this.#refused.size === 0 ? FULL : (this.#refused.get(nameOf(input))?.shape ?? FULL);
  }

  /** An output of this input is refused for good, so that it becomes a dead letter; or its dead letter, of which less is tried next. */
  refuse(source: InputRecord, error: RefusedBatch, isDeadLetter: boolean): void {
    const { topic, partition, offset } = source;
    const shape = isDeadLetter ? smallerShape(this.letterShapeOf(source), error.message) : FULL;
    if (!shape) {
      throw new WorkerError(
        'output-too-large',
        'systemic',
        `a dead letter that only names its record was rejected: ${messageOf(error)}; the partition waits until that is changed`,
        { cause: error },
      );
    }
    this.#refused.set(nameOf(source), { topic, partition, offset, shape, error: isDeadLetter ? (this.refusalOf(source) ?? null) : error });
  }

  /** The task is another member's now: what its topics take may have changed when it comes back. */
  forgetTask(task: number): void {
    this.#forget(({ partition }) => partition === task);
  }

  /** Up to these positions all is written: dead letters will not be asked for again, and limits may be over. */
  written(positions: readonly TopicPosition[]): void {
    const now = this.#now();
    for (const [topic, { until }] of this.#limits) if (now >= until) this.#limits.delete(topic);
    this.#forget((place) =>
      positions.some(
        ({ topic, partition, offset }) => topic === place.topic && partition === place.partition && BigInt(place.offset) < offset,
      ),
    );
  }

  #takes(topic: string): number {
    return this.#limits.get(topic)?.takes ?? Infinity;
  }

  #toldBytes(topic: string): number {
    return this.#told.get(topic)?.maxMessageBytes ?? Infinity;
  }

  #believe(topic: string, takes: number, cutAt: number): void {
    this.#limits.set(topic, { takes, cutAt, until: this.#now() + LIMIT_HOLDS_MS });
  }

  #forget(isOver: (place: Place) => boolean): void {
    for (const [name, place] of this.#refused) if (isOver(place)) this.#refused.delete(name);
  }
}

/**
 * A topic that stores batches with a codec of its own takes one of the same codec as it comes; with gzip that is known
 * before it is sent. One that stores them plain counts what is decompressed.
 */
function codecFor(compressionType = 'producer'): WriteCodec | null {
  if (compressionType === 'uncompressed') return null;
  return compressionType === 'gzip' ? 'gzip' : 'zstd';
}

function nameOf({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`;
}
