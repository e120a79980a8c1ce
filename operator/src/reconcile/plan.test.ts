import type { SagaStep, SagaStepSpec } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { DEFAULT_VALUES } from '../values.ts';
import { keyOf, planSteps, refOf, type PlanInput } from './plan.ts';

const step = (name: string, spec: Partial<SagaStepSpec>): SagaStep => ({
  apiVersion: 'sagafleet.dev/v1alpha1',
  kind: 'SagaStep',
  metadata: { name },
  spec: { outcomes: { done: { emit: [{ topic: `${name}-out` }] } }, ...spec },
});
const reading = (topic: string, spec: Partial<SagaStepSpec> = {}) =>
  step(`reads-${topic.replace(/\W/g, '')}`, { consumes: [{ topic }], ...spec });

const plan = (steps: SagaStep[], changes: Partial<PlanInput> = {}, topics: PlanInput['facts']['topics'] = []) =>
  planSteps(steps, { values: DEFAULT_VALUES, facts: { topics, steps, hasKeda: false, hasStrimzi: false }, isKafkaOwn: true, ...changes });

const FOREIGN: Record<string, [steps: SagaStep[], topics: PlanInput['facts']['topics'], expected: string[]]> = {
  'an input that nobody emits': [[reading('a')], [], ['a']],
  'an input of two steps once': [[reading('a'), step('b', { consumes: [{ topic: 'a' }] })], [], ['a']],
  'no topic that exists': [[reading('a')], [{ name: 'a', partitions: 1 }], []],
  'no topic that a step emits': [[step('b', { consumes: [{ topic: 'a' }] }), reading('b-out')], [], ['a']],
};
test.each(Object.entries(FOREIGN))('in a Kafka of our own, %s is created', (_name, [steps, topics, expected]) => {
  expect(plan(steps, {}, topics).foreignTopics).toEqual(
    expected.map((name) => ({ name, partitions: 3, replicationFactor: 1, config: {} })),
  );
});

test("in somebody else's Kafka no input is created", () => {
  expect(plan([reading('a')], { isKafkaOwn: false }).foreignTopics).toEqual([]);
});

const UNPLANNED: Record<string, [step: SagaStep, reason: string, isPending: boolean]> = {
  'a glob that matches nothing may match later': [reading('shop.*'), 'NoMatchingTopic', true],
  'an unknown connection has to be changed': [reading('a', { kafka: 'elsewhere' }), 'ConnectionUnknown', false],
  'a missing ConfigMap may be created': [
    reading('a', { outcomes: { done: { emit: [{ topic: 'b', schema: { configMapKeyRef: { name: 'schemas', key: 'b' } } }] } } }),
    'ConfigMapMissing',
    true,
  ],
};
test.each(Object.entries(UNPLANNED))('%s, and the other steps are planned', (_name, [broken, reason, isPending]) => {
  const other = reading('other');
  const { plans, unplanned } = plan([broken, other]);
  expect(plans.map(({ step: { metadata } }) => metadata.name)).toEqual([other.metadata.name]);
  expect([...unplanned]).toEqual([[keyOf(refOf(broken)), { finding: { reason, message: expect.any(String) as string }, isPending }]]);
});
