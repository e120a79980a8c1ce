type Leave = () => void;
interface Waiting { isAlone: boolean; enter: () => void }

/** Many at a time, or one alone: whoever asked first comes first. */
export class Gate {
  readonly #waiting: Waiting[] = [];
  #inside = 0;
  #isAlone = false;

  /** Resolves when whoever has to be alone has left; with what is to be called at the end. */
  share(): Promise<Leave> {
    return this.#ask(false);
  }

  /** Resolves when all others have left, and keeps them out until it is called. */
  alone(): Promise<Leave> {
    return this.#ask(true);
  }

  #ask(isAlone: boolean): Promise<Leave> {
    return new Promise((resolve) => {
      this.#waiting.push({ isAlone, enter: () => resolve(() => this.#leave()) });
      this.#admit();
    });
  }

  #leave(): void {
    this.#inside--;
    if (this.#inside === 0) this.#isAlone = false;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && !this.#isAlone && (!next.isAlone || this.#inside === 0); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#inside++;
      this.#isAlone = next.isAlone;
      next.enter();
    }
  }
}
