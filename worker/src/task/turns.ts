/** How long one task may keep the event loop: heartbeats and answers wait for it. */
const TURN_MS = 10;

/**
 * Turns of the event loop, shared by all tasks of a process. Whoever has kept it for long enough asks for the next turn, and
 * gets it behind everyone who asked before, after the loop has looked at its sockets.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  readonly #now: () => number;
  #began: number;

  /** @param now milliseconds, monotonic */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#began = now();
  }

  /** @param now milliseconds, by the same clock */
  isOverAt(now: number): boolean {
    return now - this.#began >= TURN_MS;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length === 1) setImmediate(this.#grant);
    });
  }

  readonly #grant = () => {
    this.#began = this.#now();
    this.#waiting.shift()!();
    if (this.#waiting.length > 0) setImmediate(this.#grant);
  };
}
