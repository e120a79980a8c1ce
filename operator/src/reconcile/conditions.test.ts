import { describe, expect, test } from 'vitest';
import type { Finding } from '../reasons.ts';
import { conditionsOf, formatCondition, haveChanged, notableChanges, type Condition, type StepObservation } from './conditions.ts';

const [FIRST, LATER] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:01:00Z')];
const READY: StepObservation = {
  generation: 1,
  isPlanned: true,
  pending: [],
  problems: [],
  workload: { replicas: 2, ready: 2 },
  isCurrent: true,
};
const topicMissing: Finding = { reason: 'TopicMissing', message: 'topic a does not exist yet: create it' };
const schemaMissing: Finding = { reason: 'SchemaMissing', message: 'subject a-value does not exist: register its schema' };
const incompatible: Finding = { reason: 'Incompatible', message: 'schema of subject a-value rejected: field "x"' };
const offsetsExpired: Finding = { reason: 'OffsetsExpired', message: 'the broker dropped the offset' };

const observe = (changes: Partial<StepObservation>, before: readonly Condition[] = [], now = FIRST) =>
  conditionsOf({ ...READY, ...changes }, before, now);
const short = (conditions: readonly Condition[]) =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status}/${reason}`]));
const messageOf = (conditions: readonly Condition[], type: string) => conditions.find((condition) => condition.type === type)?.message;

const GOOD = {
  Ready: 'True/WorkersReady',
  Reconciling: 'False/Reconciled',
  Stalled: 'False/NoProblem',
  TopicsReady: 'True/Provisioned',
  SchemasReady: 'True/Provisioned',
  WorkloadAvailable: 'True/WorkersReady',
};
const waitsFor = (reason: string) => ({ Ready: `False/${reason}`, Reconciling: `True/${reason}` });
const stalledBy = (reason: string) => ({ Ready: `False/${reason}`, Reconciling: `False/${reason}`, Stalled: `True/${reason}` });

const CASES: Record<string, [found: Partial<StepObservation>, expected: object]> = {
  'all is as it should be': [{}, GOOD],
  'no workers on purpose': [
    { workload: { replicas: 0, ready: 0 } },
    { ...GOOD, Ready: 'True/ScaledToZero', WorkloadAvailable: 'True/ScaledToZero' },
  ],
  'one worker is late': [
    { workload: { replicas: 2, ready: 1 } },
    { ...GOOD, ...waitsFor('WorkersStarting'), WorkloadAvailable: 'False/WorkersStarting' },
  ],
  'an input is missing': [{ pending: [topicMissing] }, { ...GOOD, ...waitsFor('TopicMissing'), TopicsReady: 'False/TopicMissing' }],
  'a topic and a schema are missing': [
    { pending: [topicMissing, schemaMissing] },
    { ...GOOD, ...waitsFor('TopicMissing'), TopicsReady: 'False/TopicMissing', SchemasReady: 'False/SchemaMissing' },
  ],
  'the registry does not answer': [
    { pending: [{ reason: 'RegistryUnavailable', message: 'it cannot be reached' }] },
    { ...GOOD, ...waitsFor('RegistryUnavailable'), SchemasReady: 'Unknown/RegistryUnavailable' },
  ],
  'a schema is rejected before the first start': [
    { problems: [incompatible], workload: null },
    { ...GOOD, ...stalledBy('Incompatible'), SchemasReady: 'False/Incompatible', WorkloadAvailable: 'False/NotStarted' },
  ],
  'a rejected change while the previous version runs': [
    { problems: [incompatible], isCurrent: false },
    { ...GOOD, ...stalledBy('Incompatible'), SchemasReady: 'False/Incompatible' },
  ],
  'a problem that no condition of its own shows': [{ problems: [offsetsExpired] }, { ...GOOD, ...stalledBy('OffsetsExpired') }],
  'a problem counts before what is missing': [
    { problems: [offsetsExpired], pending: [topicMissing] },
    { ...GOOD, ...stalledBy('OffsetsExpired'), TopicsReady: 'False/TopicMissing' },
  ],
  'workers that cannot be started': [
    { problems: [{ reason: 'ApplyFailed', message: 'port 1 is in use' }], workload: null },
    { ...GOOD, ...stalledBy('ApplyFailed'), WorkloadAvailable: 'False/ApplyFailed' },
  ],
  'a glob that matches nothing': [
    { pending: [{ reason: 'NoMatchingTopic', message: 'shop.*' }], isPlanned: false, workload: null },
    {
      ...GOOD,
      ...waitsFor('NoMatchingTopic'),
      TopicsReady: 'False/NoMatchingTopic',
      SchemasReady: 'Unknown/NotChecked',
      WorkloadAvailable: 'False/NotStarted',
    },
  ],
};
test.each(Object.entries(CASES))('conditions where %s', (_name, [found, expected]) => {
  expect(short(observe(found))).toEqual(expected);
});

describe('a condition', () => {
  test('says what runs while the step is stalled', () => {
    const stalled = (found: Partial<StepObservation>) => messageOf(observe({ problems: [offsetsExpired], ...found }), 'Stalled');
    expect(stalled({ workload: null })).toBe('the broker dropped the offset; the step is not started');
    expect(stalled({ isCurrent: false })).toBe('the broker dropped the offset; the previous version keeps running');
    expect(stalled({})).toBe('the broker dropped the offset; its workers keep running');
  });

  test('has the generation that was observed, and the time at which its status changed', () => {
    const first = observe({ pending: [topicMissing] });
    expect(first).toContainEqual(
      expect.objectContaining({ type: 'TopicsReady', observedGeneration: 1, lastTransitionTime: FIRST.toISOString() }),
    );
    const second = observe({ generation: 2 }, first, LATER);
    const timeOf = (type: string) => second.find((condition) => condition.type === type)!.lastTransitionTime;
    expect(timeOf('TopicsReady')).toBe(LATER.toISOString());
    expect(timeOf('SchemasReady')).toBe(FIRST.toISOString());
    expect(second.map(({ observedGeneration }) => observedGeneration)).toEqual([2, 2, 2, 2, 2, 2]);
    expect(observe({ generation: undefined })[0]).not.toHaveProperty('observedGeneration');
  });

  test('has changed where anything but its time differs', () => {
    const first = observe({});
    expect(haveChanged(first, observe({}, [], LATER))).toBe(false);
    expect(haveChanged([], first)).toBe(true);
    expect(haveChanged(first, observe({ generation: 2 }))).toBe(true);
    expect(haveChanged(observe({ pending: [topicMissing] }), observe({ pending: [{ ...topicMissing, message: 'b' }] }))).toBe(true);
  });
});

const NOTABLE: Record<string, [before: Partial<StepObservation> | null, after: Partial<StepObservation>, expected: string[]]> = {
  'a good start': [null, { workload: { replicas: 1, ready: 0 } }, []],
  'workers that become ready': [{ workload: { replicas: 1, ready: 0 } }, {}, []],
  'what is missing, each once': [
    null,
    { pending: [topicMissing, schemaMissing] },
    [`TopicsReady=False (TopicMissing): ${topicMissing.message}`, `SchemasReady=False (SchemaMissing): ${schemaMissing.message}`],
  ],
  'nothing where it is still missing': [{ pending: [topicMissing] }, { pending: [topicMissing] }, []],
  'the same again for a changed manifest': [
    { pending: [topicMissing] },
    { pending: [topicMissing], generation: 2 },
    [`TopicsReady=False (TopicMissing): ${topicMissing.message}`],
  ],
  'that it exists now': [
    { pending: [topicMissing] },
    {},
    ['TopicsReady=True (Provisioned): topics and offsets are as the step needs them'],
  ],
  'a rejection once, although three conditions have it': [
    {},
    { problems: [incompatible], isCurrent: false },
    [`Stalled=True (Incompatible): ${incompatible.message}; the previous version keeps running`],
  ],
  'a mended rejection': [{ problems: [incompatible] }, {}, ['Stalled=False (NoProblem): nothing has to be changed']],
  'what a mended step waits for': [
    { problems: [incompatible] },
    { pending: [topicMissing] },
    ['Stalled=False (NoProblem): nothing has to be changed', `TopicsReady=False (TopicMissing): ${topicMissing.message}`],
  ],
  'what only the summary has': [
    {},
    { pending: [{ reason: 'GroupInUse', message: 'group a has members' }] },
    ['Reconciling=True (GroupInUse): group a has members'],
  ],
};
test.each(Object.entries(NOTABLE))('the owner of a step is notified of %s', (_name, [before, after, expected]) => {
  const told = notableChanges(before ? observe(before) : [], observe(after)).map(formatCondition);
  expect(told.toSorted()).toEqual(expected.toSorted());
});
