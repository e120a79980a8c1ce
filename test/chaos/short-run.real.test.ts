import { expect, onTestFailed, test } from 'vitest';
import { describeFindings } from './judge.ts';
import { runChaos, type ChaosEvent } from './run-chaos.ts';

const SEED = 4;
const RECORDS = 4_000;

test(`a short run with faults, seed ${SEED}: nothing is lost, doubled, reordered or uncommitted`, { timeout: 180_000 }, async () => {
  const events: ChaosEvent[] = [];
  onTestFailed(() => console.error(events.map((event) => JSON.stringify(event)).join('\n')));
  const { verdict, inputs, neverCommitted, outputs } = await runChaos({
    seed: SEED,
    durationMs: 15_000,
    faults: 5,
    records: RECORDS,
    brokers: 1,
    outputReplication: 1,
    load: 0,
    workers: 3,
    sessionTimeoutMs: 6_000,
    drainWithinMs: 60_000,
    ingredients: { guarantee: 'ExactlyOnce', hasSlowExpressions: false, hasIngress: false },
    kinds: ['worker-kill', 'worker-freeze', 'worker-stop', 'broker-kill', 'connections-cut'],
    onEvent: (event) => {
      events.push(event);
    },
  });
  expect(describeFindings(verdict)).toEqual([]);
  expect(verdict.isClean).toBe(true);
  expect(events.filter(({ kind }) => kind === 'end')).toHaveLength(5);
  // A run that asks for nothing would be as clean
  expect(inputs).toBeGreaterThanOrEqual(RECORDS * 0.9);
  expect(neverCommitted).toBeGreaterThan(0);
  expect(Object.values(outputs).every((count) => count > 0)).toBe(true);
});
