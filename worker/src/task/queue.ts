import type { FetchedBatch, InputRecord, Positions } from '../driver.ts';

export interface QueueLimits {
  highBytes: number;
  lowBytes: number;
}

/** What all queues of a process hold together. */
export class QueueMemory {
  readonly #limitBytes: number;
  #heldBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isFull(): boolean {
    return this.#heldBytes > this.#limitBytes;
  }

  add(bytes: number): void {
    this.#heldBytes += bytes;
  }
}

/** Records in order, for one transaction, which may come to process fewer of them. */
export interface Take {
  readonly records: readonly InputRecord[];
  /**
   * The first `count` are processed: gives the positions after them. The rest is taken again, first.
   * Until then all count for the memory of all queues. Without effect where the queue was cleared meanwhile.
   */
  done(count: number): Positions;
}

/**
 * The hand-off between fetching and a task's loop: bounded in bytes, in fetch order.
 * Over `highBytes` the task's partitions are paused, below `lowBytes` they are resumed; while the memory of all is
 * full, as soon as something is queued, and once nothing is.
 */
export class HandOffQueue {
  readonly #limits: QueueLimits;
  readonly #memory: QueueMemory;
  #batches: FetchedBatch[] = [];
  #firstRecord = 0;
  /** Of what is not taken. */
  #bytes = 0;
  /** The one take that is not done. */
  #taken: object | null = null;
  #waiting: PromiseWithResolvers<void> | null = null;

  constructor(limits: QueueLimits, memory: QueueMemory) {
    this.#limits = limits;
    this.#memory = memory;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  get isHigh(): boolean {
    return this.#bytes > this.#limits.highBytes || (this.#bytes > 0 && this.#memory.isFull);
  }

  get isLow(): boolean {
    return this.#bytes === 0 || (this.#bytes <= this.#limits.lowBytes && !this.#memory.isFull);
  }

  put(batch: FetchedBatch): void {
    this.#batches.push(batch);
    this.#bytes += batch.bytes;
    this.#memory.add(batch.bytes);
    this.wake();
  }

  clear(): void {
    this.#memory.add(-sumOf(this.#batches));
    this.#batches = [];
    this.#taken = null;
    this.#firstRecord = 0;
    this.#bytes = 0;
  }

  /** Ends every `ready()` that waits, with or without a batch. */
  wake(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }

  /** Resolves when something is queued or `wake()` was called. */
  async ready(): Promise<void> {
    if (!this.isEmpty) return;
    this.#waiting ??= Promise.withResolvers();
    await this.#waiting.promise;
  }

  /** Up to `maxRecords` records, which stay queued until they are done; batches without records only move the positions. */
  take(maxRecords: number): Take {
    const records: InputRecord[] = [];
    let first = this.#firstRecord;
    let wholly = 0;
    for (const batch of this.#batches) {
      const end = Math.min(batch.records.length, first + maxRecords - records.length);
      for (let at = first; at < end; at++) records.push(batch.records[at]!);
      if (end < batch.records.length) break;
      wholly++;
      first = 0;
    }
    // What is taken is not waiting any more
    this.#bytes = sumOf(this.#batches.slice(wholly));
    const taken = (this.#taken = {});
    return { records, done: (count) => (this.#taken === taken ? this.#done(count, wholly) : new Map()) };
  }

  #done(count: number, wholly: number): Positions {
    const positions = new Map<string, bigint>();
    let left = count;
    let freed = 0;
    while (freed < wholly && this.#recordsOf(freed) <= left) {
      left -= this.#recordsOf(freed);
      const { topic, nextOffset } = this.#batches[freed++]!;
      positions.set(topic, nextOffset);
      this.#firstRecord = 0;
    }
    this.#memory.add(-sumOf(this.#batches.splice(0, freed)));
    if (left > 0) {
      const { topic, records } = this.#batches[0]!;
      this.#firstRecord += left;
      positions.set(topic, offsetAfter(records[this.#firstRecord - 1]!));
    }
    this.#bytes = sumOf(this.#batches);
    this.#taken = null;
    return positions;
  }

  /** Of the nth batch, without those of the first that are done. */
  #recordsOf(nth: number): number {
    return this.#batches[nth]!.records.length - (nth === 0 ? this.#firstRecord : 0);
  }
}

function sumOf(batches: readonly FetchedBatch[]): number {
  return batches.reduce((sum, { bytes }) => sum + bytes, 0);
}

function offsetAfter({ offset, unreadable }: InputRecord): bigint {
  return BigInt(unreadable?.lastOffset ?? offset) + 1n;
}
