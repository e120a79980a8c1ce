/** The reconcile of every example and case over fakes: what it applies, which conditions it ends with. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadSteps } from '@sagafleet/cli';
import { KafkaError } from '@sagafleet/kafka';
import { formatCondition, notableChanges, refOf, type Condition } from '@sagafleet/operator';
import type { SagaStep } from '@sagafleet/schemas';
import { describe, expect, test } from 'vitest';
import { RECONCILE_CASES } from '../support/reconcile-cases.ts';
import { recordingReconcile } from '../support/recording-reconcile.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const nowhere = { stdout: { write: () => true }, stderr: { write: () => true }, env: {}, cwd: EXAMPLES, isTerminal: false };

const named = (name: string) => ({ namespace: 'default', name });
const ready = (conditions: readonly Condition[]) => conditions.find(({ type }) => type === 'Ready');

function toldBy({ changes, events }: ReturnType<typeof recordingReconcile>): string[] {
  return [
    ...changes.flatMap(({ step, before, after }) => notableChanges(before, after).map((each) => `${step}: ${formatCondition(each)}`)),
    ...events.filter(({ event }) => event.reason === 'Removed').map(({ step, event }) => `${step}: ${event.reason}`),
  ];
}

const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
test.each(folders.map(({ name }) => name))('example %s is ready after one reconcile, and nothing is done in the next one', async (name) => {
  const steps = await loadSteps([name], nowhere);
  const { reconciler, applier, events, waitsMs } = recordingReconcile();
  const { changed, errors } = await reconciler.apply(steps);
  expect(changed).toEqual(steps.map(refOf));
  expect(errors).toEqual([]);
  for (const step of steps) {
    expect(ready(reconciler.conditionsOf(refOf(step)))).toMatchObject({ status: 'True', reason: 'WorkersReady' });
    const plan = reconciler.planOf(refOf(step))!;
    expect(plan).toBe(applier.plans.get(step.metadata.name));
    // What topics take is known only once they are provisioned
    const { emits, deadLetterTopic } = plan.resolved;
    const written = [deadLetterTopic, ...Object.values(emits).flatMap((each) => each.map(({ topic }) => topic))];
    expect(Object.keys(plan.resolved.topicLimits).toSorted()).toEqual(written.toSorted());
  }
  const before = events.length;
  expect((await reconciler.apply(steps)).changed).toEqual([]);
  expect(events.slice(before)).toEqual([]);
  expect(waitsMs).toEqual([]);
});

const ENDS: Record<keyof typeof RECONCILE_CASES, { ready: Record<string, string>; told: RegExp[] }> = {
  'a schema that another step registers': { ready: { packing: 'ScaledToZero', sending: 'ScaledToZero' }, told: [] },
  'a schema that nobody registers': { ready: { lonely: 'SchemaMissing' }, told: [/^lonely: SchemasReady=False \(SchemaMissing\)/] },
  'a schema that is rejected, and the step beside it': {
    ready: { packing: 'Incompatible', other: 'ScaledToZero' },
    told: [/^packing: Stalled=True \(Incompatible\): .*"weight".*; the previous version keeps running$/],
  },
  'a rejected schema that is mended': {
    ready: { packing: 'ScaledToZero' },
    told: [/^packing: Stalled=True \(Incompatible\)/, /^packing: Stalled=False \(NoProblem\)/],
  },
  'a glob that matches nothing, and the step beside it': {
    ready: { watcher: 'NoMatchingTopic', other: 'ScaledToZero' },
    told: [/^watcher: TopicsReady=False \(NoMatchingTopic\)/],
  },
  'a step that is removed': { ready: { packing: 'ScaledToZero' }, told: [/^other: Removed$/] },
};
test.each(Object.entries(RECONCILE_CASES))('%s', async (name, versions) => {
  const recording = recordingReconcile();
  for (const steps of versions) await recording.reconciler.apply(steps);
  const expected = ENDS[name]!;
  const reasons = versions.at(-1)!.map((step) => [step.metadata.name, ready(recording.reconciler.conditionsOf(refOf(step)))?.reason]);
  expect(Object.fromEntries(reasons)).toEqual(expected.ready);
  expect(toldBy(recording)).toEqual(expected.told.map((text) => expect.stringMatching(text) as string));
});

describe('the loop', () => {
  const [[lonely]] = RECONCILE_CASES['a schema that nobody registers']! as [[SagaStep]];
  const rejected = RECONCILE_CASES['a schema that is rejected, and the step beside it']!;
  const string = JSON.stringify({ type: 'record', name: 'Note', fields: [{ name: 'text', type: 'string' }] });

  test('tries again with backoff until what was missing is there, and then no more', async () => {
    const { reconciler, registry, changes, waitsMs, retry } = recordingReconcile();
    await reconciler.apply([lonely]);
    for (let tries = 0; tries < 5; tries++) expect(await retry()).toBe(true);
    expect(waitsMs).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(changes).toHaveLength(1);
    await registry.register('nowhere-value', string);
    expect(await retry()).toBe(true);
    expect(notableChanges(changes[1]!.before, changes[1]!.after).map(formatCondition)).toEqual([
      'SchemasReady=True (Provisioned): schemas are as the step needs them',
    ]);
    expect(await retry()).toBe(false);
  });

  test('keeps the plan of the version that runs while the next one is rejected', async () => {
    const { reconciler, applier } = recordingReconcile();
    await reconciler.apply(rejected[0]!);
    const running = reconciler.planOf(named('packing'));
    await reconciler.apply(rejected[1]!);
    expect(reconciler.planOf(named('packing'))).toBe(running);
    expect(applier.calls).toEqual(['apply packing', 'apply other']);
  });

  test('keeps what runs while Kafka is unavailable, but removes what is not wanted', async () => {
    const { reconciler, admin, applier, retry } = recordingReconcile();
    const [both, one] = RECONCILE_CASES['a step that is removed']! as [SagaStep[], SagaStep[]];
    await reconciler.apply(both);
    admin.outage = new KafkaError('no-broker', 'no broker answers');
    await reconciler.apply(one);
    expect(applier.calls.at(-1)).toBe('remove other');
    expect([...applier.plans.keys()]).toEqual(['packing']);
    expect(ready(reconciler.conditionsOf(named('packing')))).toMatchObject({ status: 'False', reason: 'KafkaUnavailable' });
    admin.outage = null;
    await retry();
    expect(ready(reconciler.conditionsOf(named('packing')))).toMatchObject({ status: 'True' });
  });

  test('shows why workers cannot be started, and starts them once they can', async () => {
    const { reconciler, applier, retry } = recordingReconcile();
    applier.failure = new Error('port 1 is in use');
    expect(await reconciler.apply([lonely])).toEqual({ changed: [], errors: [applier.failure] });
    expect(ready(reconciler.conditionsOf(named('lonely')))).toMatchObject({
      reason: 'ApplyFailed',
      message: 'port 1 is in use; the step is not started',
    });
    applier.failure = null;
    await retry();
    expect(applier.calls).toEqual(['apply lonely']);
  });

  test('rejects on a defect, and goes on', async () => {
    const { reconciler, admin, applier, retry } = recordingReconcile();
    admin.outage = new TypeError('x is undefined');
    await expect(reconciler.apply(rejected[0]!)).rejects.toThrow('x is undefined');
    admin.outage = null;
    expect(await retry()).toBe(true);
    expect(applier.calls).toEqual(['apply packing']);
  });

  test('reports and tries nothing after it was stopped', async () => {
    const { reconciler, changes, retry } = recordingReconcile();
    await reconciler.apply([lonely]);
    reconciler.stop();
    expect(await retry()).toBe(false);
    expect(changes).toHaveLength(1);
  });

  test("creates no input in somebody else's Kafka", async () => {
    const { reconciler, admin } = recordingReconcile({ isKafkaOwn: false });
    await reconciler.apply([lonely]);
    expect(await admin.describeTopics(['somewhere'])).toEqual([]);
    expect(ready(reconciler.conditionsOf(named('lonely')))).toMatchObject({ reason: 'TopicMissing' });
  });
});
