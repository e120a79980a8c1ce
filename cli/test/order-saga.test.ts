import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { isPerfect } from '../src/demo/judge.ts';
import { runDemo } from '../src/demo/run-demo.ts';
import { loadSteps } from '../src/load-steps.ts';
import { findFreePort } from '../src/local/ports.ts';
import { startSession, untilReady, type Session } from '../src/local/session.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/order', import.meta.url));
const ORDERS = 200;

const sessions: Session[] = [];
afterAll(() => Promise.all(sessions.map((session) => session.stop())));

function quietIo() {
  const sink = { write: () => true };
  return { stdout: sink, stderr: sink, env: process.env, cwd: process.cwd(), isTerminal: false };
}

/** SIGKILL to the worker of a step, as the kernel would when memory is short. */
function killWorkerOf({ fleet }: Session, step: string): void {
  const runner = fleet.runners.find(({ pod }) => pod.step === step);
  process.kill(runner!.pid!, 'SIGKILL');
}

test('200 orders are complete and nothing is doubled while a worker of each step is killed once', { timeout: 240_000 }, async () => {
  const io = quietIo();
  const notices: string[] = [];
  const steps = await loadSteps([EXAMPLE], io);
  const session = await startSession(steps, {
    kafkaPort: await findFreePort(), registryPort: await findFreePort(), ingressPort: await findFreePort(), replicas: new Map(),
  }, { io, reporter: { progress: () => undefined, logLine: () => undefined, notice: (_, text) => notices.push(text) } });
  sessions.push(session);
  await untilReady(session);

  const killAt = new Map([[40, 'payment'], [70, 'inventory'], [100, 'shipping'], [130, 'delivery'], [160, 'notification'], [ORDERS, 'order']]);
  const orderIds = Array.from({ length: ORDERS }, (_, n) => `order-${n}`);
  const { verdict } = await runDemo(session, {
    orderIds, steps,
    onProgress: (sent) => {
      const step = killAt.get(sent);
      killAt.delete(sent);
      if (step) killWorkerOf(session, step);
    },
  });

  expect(killAt.size).toBe(0);
  expect(notices.filter((text) => text.includes('SIGKILL'))).toHaveLength(6);
  expect(verdict).toMatchObject({ orders: ORDERS, completed: ORDERS, duplicates: 0, missing: 0, deadLetters: 0, behind: 0 });
  expect(isPerfect(verdict)).toBe(true);
});
