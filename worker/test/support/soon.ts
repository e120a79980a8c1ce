import { expect } from 'vitest';

/** Waits for what fakes do, which takes no time: looking rarely would make these tests slow, and they run once for each mutant. */
export function soon<T>(look: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(look, { interval: 1 });
}
