type Leave = () => void;
interface Waiting { isAlone: boolean; rank: number; enter: () => void }

/** How long those who have to be alone wait for the tasks that have only just begun. */
export const ROLL_CALL_MS = 10_000;
/** From this rank on it is one that a worker has ended with before. */
const FIRST_RANK = 3;

/**
 * Many at a time, or one alone: whoever asked first comes first. Only whoever has to be alone, by a rank of 3 or more, goes
 * before all others, the highest rank first, and after all that are expected have come: the most suspected record of a
 * process is processed before any other, so that whoever ends processes a moment after they begin blames no record that
 * has nothing to do with it.
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

  /** Resolves when whoever has to be alone has left; with what is to be called at the end. */
  share(): Promise<Leave> {
    return this.#ask(false, 0);
  }

  /** Resolves when all others have left, and keeps them out until it is called. */
  alone(rank: number): Promise<Leave> {
    return this.#ask(true, rank);
  }

  /** One will come that may have to go before all others. To be called with what is returned once that is known, or it will not come. */
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
