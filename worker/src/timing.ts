/** Time and chance as parameters, so that tests decide them. */
export interface Timing {
  /** Milliseconds, monotonic. */
  now(): number;
  /** Ends early, without an error, when the signal is aborted. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** 0 ≤ x < 1. */
  random(): number;
}

export const systemTiming: Timing = {
  now: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done);
    }),
  random: Math.random,
};

/** 50 ms, twice as long each time up to 2 s, ± 50 %: members of a group do not come back in step, and none long after its broker. */
export function backoffMs(attempt: number, random: () => number): number {
  return Math.min(50 * 2 ** attempt, 2_000) * (0.5 + random());
}

/** How long the one thing that it watches has been going on. */
export class Stopwatch {
  readonly #timing: Timing;
  #since: number | null = null;

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  /** 0 while there is nothing to do, or to wait for. */
  get lastsMs(): number {
    return this.#since === null ? 0 : this.#timing.now() - this.#since;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#since = this.#timing.now();
    try {
      return await work();
    } finally {
      this.#since = null;
    }
  }
}
