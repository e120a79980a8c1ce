/**
 * The order that is left where a step delivers at least once. A worker that takes over reads again from where the group
 * was, record by record, and a worker that is frozen may write what it had read after others did. So what comes again is
 * part of a read: it goes on where one was, or begins one at a position that the group committed. Pure, and linear but
 * for the look at the commits.
 */
import type { Evidence, InputRecord, Output } from './judge.ts';

const NONE = -1;

/** The reads of one output topic's inputs, as far as its records show them. */
export class Reads {
  readonly #inputs: readonly InputRecord[];
  readonly #commits: ReadonlyMap<string, readonly number[]>;
  /** By the index of an input: that of the one before it which has to come out in the same lane, and so in its order. */
  readonly #before: Int32Array;
  /** By the index of an input: how many reads came as far as to it, and no further yet. */
  readonly #readsAt: Int32Array;

  constructor({ inputs, commits }: Pick<Evidence, 'inputs' | 'commits'>, wanted: Output['wanted']) {
    this.#inputs = inputs;
    this.#commits = positionsByPlace(commits);
    this.#before = new Int32Array(inputs.length).fill(NONE);
    this.#readsAt = new Int32Array(inputs.length);
    const last = new Map<string, number>();
    for (const [index, input] of inputs.entries()) {
      const want = wanted(input);
      if (!want) continue;
      const lane = `${placeOf(input)}/${want.key}`;
      this.#before[index] = last.get(lane) ?? NONE;
      last.set(lane, index);
    }
  }

  /** Whether the next output, which comes from this input, can be part of a read. A first one always is: what it left out is lost, or comes too late. */
  take(index: number, isRepeated: boolean): boolean {
    const before = this.#before[index]!;
    this.#readsAt[index]!++;
    if (before !== NONE && this.#readsAt[before]! > 0) {
      this.#readsAt[before]!--;
      return true;
    }
    return !isRepeated || this.#mayBegin(index, before);
  }

  /** The group committed a position behind the input before in the lane, up to this one. */
  #mayBegin(index: number, before: number): boolean {
    const input = this.#inputs[index]!;
    const commits = this.#commits.get(placeOf(input)) ?? [];
    const after = before === NONE ? -Infinity : this.#inputs[before]!.offset;
    return lastUpTo(commits, input.offset) > after;
  }
}

function placeOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

function positionsByPlace(commits: Evidence['commits']): Map<string, number[]> {
  const byPlace = [...Map.groupBy(commits, placeOf)];
  return new Map(byPlace.map(([place, its]) => [place, its.map(({ offset }) => offset).sort((a, b) => a - b)]));
}

/** The highest of sorted numbers that is not above a limit. */
function lastUpTo(sorted: readonly number[], limit: number): number {
  let [from, below] = [0, sorted.length];
  while (from < below) {
    const middle = (from + below) >>> 1;
    if (sorted[middle]! <= limit) from = middle + 1;
    else below = middle;
  }
  return sorted[from - 1] ?? -Infinity;
}
