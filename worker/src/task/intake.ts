import type { FetchedBatch, GroupMember } from '../driver.ts';
import type { HandOffQueue, Take } from './queue.ts';

export type InputReader = Pick<GroupMember, 'seek' | 'pause' | 'resume' | 'release'>;
interface Place {
  topics: readonly string[];
  number: number;
}

/** Flow control of one task: its partitions are paused while much is queued, and resumed once little is. */
export class Intake {
  readonly #place: Place;
  readonly #reader: InputReader;
  readonly #queue: HandOffQueue;
  #isPaused = true;

  constructor(place: Place, reader: InputReader, queue: HandOffQueue) {
    this.#place = place;
    this.#reader = reader;
    this.#queue = queue;
  }

  /** Reading begins at these positions. */
  open(positions: ReadonlyMap<string, bigint>): void {
    for (const [topic, offset] of positions) this.#reader.seek(topic, this.#place.number, offset);
    this.#resume();
  }

  offer(batch: FetchedBatch): void {
    this.#queue.put(batch);
    if (this.#queue.isHigh && !this.#isPaused) this.pause();
  }

  /** The position is committed also where no record follows. */
  skipTo(topic: string, offset: bigint): void {
    const { number: partition } = this.#place;
    this.#queue.put({ topic, partition, records: [], nextOffset: offset, bytes: 0 });
    this.#reader.seek(topic, partition, offset);
  }

  get isEmpty(): boolean {
    return this.#queue.isEmpty;
  }

  /** Resolves when something is queued or `wake()` was called. */
  async ready(): Promise<void> {
    await this.#queue.ready();
  }

  wake(): void {
    this.#queue.wake();
  }

  take(maxRecords: number): Take {
    const taken = this.#queue.take(maxRecords);
    if (this.#queue.isLow && this.#isPaused) this.#resume();
    return taken;
  }

  /** Nothing more is fetched, and what is queued is dropped. */
  close(): void {
    this.pause();
    this.#queue.clear();
  }

  /** The partitions are not this member's any more. */
  release(): void {
    this.#queue.clear();
    this.#reader.release(this.#place.topics, this.#place.number);
  }

  pause(): void {
    this.#isPaused = true;
    this.#reader.pause(this.#place.topics, this.#place.number);
  }

  #resume(): void {
    this.#isPaused = false;
    this.#reader.resume(this.#place.topics, this.#place.number);
  }
}
