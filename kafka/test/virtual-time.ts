import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';

const STEP_MS = 5;
const DEADLINE_MS = 8_000;

/**
 * Time that passes only while a test waits, and as fast as it can: timeouts and `performance.now` are its own. What really
 * takes a while, such as decompression, gets turns of the event loop in between.
 */
export function startVirtualTime() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });

  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= STEP_MS) {
      await vi.advanceTimersByTimeAsync(Math.min(left, STEP_MS));
      await nextTurn();
    }
  };

  /** Returns when the assertion holds. @throws what it throws after `withinMs` */
  const until = async (assertion: () => void, withinMs = DEADLINE_MS) => {
    const deadline = performance.now() + withinMs;
    for (;;) {
      try {
        return assertion();
      } catch (error) {
        if (performance.now() >= deadline) throw error;
      }
      await pass(STEP_MS);
    }
  };
  return { pass, until };
}
