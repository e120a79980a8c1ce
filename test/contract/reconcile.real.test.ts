/** The session of `sagafleet dev` and a reconcile over fakes: same plans, same conditions, same lines for the user. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadSteps } from '@sagafleet/cli';
import { findFreePort, Generations, localValues, startSession, type Session } from '@sagafleet/local';
import { formatCondition, notableChanges, type Condition, type Reconciler } from '@sagafleet/operator';
import type { SagaStep } from '@sagafleet/schemas';
import { expect, onTestFinished, test } from 'vitest';
import { RECONCILE_CASES } from '../support/reconcile-cases.ts';
import { recordingReconcile } from '../support/recording-reconcile.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const nowhere = { stdout: { write: () => true }, stderr: { write: () => true }, env: process.env, cwd: EXAMPLES, isTerminal: false };
const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());

async function startDev(): Promise<{ session: Session; notices: string[] }> {
  const notices: string[] = [];
  const ports = { kafkaPort: await findFreePort(), registryPort: await findFreePort(), ingressPort: await findFreePort() };
  const reporter = {
    progress: () => undefined,
    logLine: () => undefined,
    notice: (step: string, text: string) => notices.push(`${step}: ${text}`),
    crashed: (error: Error) => notices.push(error.message),
  };
  const session = await startSession([], { ...ports, replicas: new Map() }, { env: process.env, reporter });
  onTestFinished(() => session.stop());
  return { session, notices };
}

/** What a step runs and how it is, but for times. */
function resultOf(reconciler: Reconciler, steps: readonly SagaStep[]) {
  return steps.map(({ metadata: { namespace = 'default', name } }) => {
    const ref = { namespace, name };
    const { objects, needs } = reconciler.planOf(ref) ?? {};
    return { name, objects, needs, conditions: reconciler.conditionsOf(ref).map(withoutTime) };
  });
}

function withoutTime({ lastTransitionTime: _, ...condition }: Condition) {
  return condition;
}

function linesOf({ changes, events }: ReturnType<typeof recordingReconcile>): string[] {
  return [
    ...changes.flatMap(({ step, before, after }) => notableChanges(before, after).map((each) => `${step}: ${formatCondition(each)}`)),
    ...events
      .filter(({ event }) => event.type === 'Warning' || event.reason === 'Removed')
      .map(({ step, event }) => `${step}: ${event.reason}: ${event.message}`),
  ];
}

test('dev and a recording applier come to the same plans and conditions', { timeout: 240_000 }, async () => {
  const { session, notices } = await startDev();
  const recording = recordingReconcile({ values: localValues(session.platform.brokers, session.platform.registryUrl) });
  const generations = new Generations();
  const bothApply = async (what: string, steps: readonly SagaStep[]) => {
    await session.apply(steps);
    await recording.reconciler.apply(generations.number(steps));
    const expected = resultOf(recording.reconciler, steps);
    await expect.poll(() => resultOf(session.reconciler, steps), { timeout: 60_000, message: what }).toEqual(expected);
  };
  for (const { name } of folders) await bothApply(`example ${name}`, await loadSteps([name], nowhere));
  for (const [name, versions] of Object.entries(RECONCILE_CASES)) {
    for (const steps of versions) await bothApply(name, steps);
  }
  const lines = linesOf(recording);
  expect(lines.length).toBeGreaterThan(0);
  expect(notices.toSorted()).toEqual(lines.toSorted());
});
