import type { CommittedPosition } from '../driver.ts';

type Seen = Pick<CommittedPosition, 'offset' | 'isUnstable'> & { since: number };

/**
 * Since when the coordinator has been giving the same answer for a partition, with no error in between. Reads go on
 * while a process waits to join, so that who is doubtful of an answer has seen it for a while already.
 */
export class OffsetWatch {
  readonly #now: () => number;
  readonly #seen = new Map<string, Seen>();

  /** @param now milliseconds, monotonic */
  constructor(now: () => number) {
    this.#now = now;
  }

  note(committed: readonly CommittedPosition[]): void {
    for (const { topic, partition, offset, isUnstable = false } of committed) {
      const place = `${topic}/${partition}`;
      const before = this.#seen.get(place);
      if (before?.offset === offset && before.isUnstable === isUnstable) continue;
      this.#seen.set(place, { offset, isUnstable, since: this.#now() });
    }
  }

  /** A coordinator that loads says so between two wrong answers. */
  forget(): void {
    this.#seen.clear();
  }

  /** Milliseconds; 0 where another offset, or none yet, was seen last. */
  unchangedForMs(topic: string, partition: number, offset: bigint | null): number {
    const seen = this.#seen.get(`${topic}/${partition}`);
    return seen?.offset === offset && !seen.isUnstable ? this.#now() - seen.since : 0;
  }
}
