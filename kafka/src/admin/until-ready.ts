import { setTimeout as delay } from 'node:timers/promises';

const FIRST_WAIT_MS = 5;
const WAIT_FACTOR = 1.5;

/** Answers without an effect, after which the same is asked again, for how long, and how rarely at last. */
export interface Patience {
  soonOver: ReadonlySet<string>;
  forMs: number;
  lastWaitMs: number;
}

/** Asks until the answer is another than those that are soon over. @throws the last of them when they last */
export async function untilReady<T>({ soonOver, forMs, lastWaitMs }: Patience, request: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + forMs;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * WAIT_FACTOR, lastWaitMs)) {
    try {
      return await request();
    } catch (error) {
      if (!soonOver.has(typeOf(error) ?? '') || performance.now() > deadline) throw error;
    }
    await delay(waitMs);
  }
}

/** The protocol's name of what a broker answered. */
export function typeOf(error: unknown): string | undefined {
  return (error as { type?: string } | null)?.type;
}
