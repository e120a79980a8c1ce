import type { FetchedBatch, InputRecord, Positions } from './driver.ts';

export interface QueueLimits { highBytes: number; lowBytes: number }

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

/** What one transaction works on: records in order, and the positions after them. */
export interface Take {
  records: InputRecord[];
  positions: Positions;
  /** To be called once, when the records are processed: until then they count for the memory of all queues. */
  release: () => void;
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
  #bytes = 0;
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
    this.#hold(batch.bytes);
    this.wake();
  }

  clear(): void {
    this.#batches = [];
    this.#firstRecord = 0;
    this.#hold(-this.#bytes);
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

  /** Up to `maxRecords` records; batches without records only move the positions. */
  take(maxRecords: number): Take {
    const records: InputRecord[] = [];
    const positions = new Map<string, bigint>();
    let bytes = 0;
    while (this.#batches.length > 0 && (records.length < maxRecords || this.#batches[0]!.records.length === 0)) {
      const batch = this.#batches[0]!;
      const end = Math.min(batch.records.length, this.#firstRecord + maxRecords - records.length);
      for (let at = this.#firstRecord; at < end; at++) records.push(batch.records[at]!);
      if (end < batch.records.length) {
        this.#firstRecord = end;
        positions.set(batch.topic, offsetAfter(batch.records[end - 1]!));
        break;
      }
      positions.set(batch.topic, batch.nextOffset);
      bytes += batch.bytes;
      this.#batches.shift();
      this.#firstRecord = 0;
    }
    this.#bytes -= bytes;
    return { records, positions, release: () => this.#memory.add(-bytes) };
  }

  #hold(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.add(bytes);
  }
}

function offsetAfter({ offset, unreadable }: InputRecord): bigint {
  return BigInt(unreadable?.lastOffset ?? offset) + 1n;
}
