type Leave = () => void;
interface Waiting {
  isAlone: boolean;
  rank: number;
  enter: () => void;
}

/** How long callers that ask to be alone wait for tasks that have just begun. */
export const ROLL_CALL_MS = 10_000;
/** From this rank on, a worker has ended before while it processed the record alone. */
const FIRST_RANK = 3;

/**
 * Admits many at a time, or one alone, in the order in which they ask. A caller that asks to be alone waits until all expected
 * callers have come; a rank of 3 or more then goes before all others, the highest first. The most suspected record of a
 * process is therefore processed before any other, and processes that are ended from outside, a moment after they begin,
 * blame no record for it.
 */
export class Gate {
  readonly #deadline: () => Promise<void>;
  readonly #waiting: Waiting[] = [];
  readonly #expected = new Set<object>();
  #inside = 0;
  #isAlone = false;

  /** @param deadline resolves when those who wait have waited long enough for one that is expected */
  constructor(deadline: () => Promise<void>) {
    this.#deadline = deadline;
  }

  /** Resolves when no caller is alone; with a function to call at the end. */
  share(): Promise<Leave> {
    return this.#ask(false, 0);
  }

  /** Resolves when all others have left, and keeps them out until it is called. */
  alone(rank: number): Promise<Leave> {
    return this.#ask(true, rank);
  }

  /** Announces a caller that may have to go before all others. Call the result once it has asked, or will not ask. */
  expect(): () => void {
    const expected = {};
    const come = () => {
      if (this.#expected.delete(expected)) this.#admit();
    };
    this.#expected.add(expected);
    void this.#deadline().then(come);
    return come;
  }

  #ask(isAlone: boolean, rank: number): Promise<Leave> {
    return new Promise((resolve) => {
      this.#waiting.push({ isAlone, rank, enter: () => resolve(() => this.#leave()) });
      this.#admit();
    });
  }

  #leave(): void {
    this.#inside--;
    this.#isAlone = false;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#next(); next && !this.#isAlone && (!next.isAlone || this.#inside === 0); next = this.#next()) {
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      this.#inside++;
      this.#isAlone = next.isAlone;
      next.enter();
    }
  }

  #next(): Waiting | undefined {
    if (this.#expected.size > 0) return this.#waiting.find(({ isAlone }) => !isAlone);
    const highest = Math.max(...this.#waiting.map(({ rank }) => rank));
    return highest >= FIRST_RANK ? this.#waiting.find(({ rank }) => rank === highest) : this.#waiting[0];
  }
}
