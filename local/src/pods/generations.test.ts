import type { SagaStep } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { Generations } from './generations.ts';

const step = (name: string, suspend: boolean): SagaStep => ({
  apiVersion: 'sagafleet.dev/v1alpha1',
  kind: 'SagaStep',
  metadata: { name },
  spec: { consumes: [{ topic: 'a' }], outcomes: {}, suspend },
});

test('a generation counts the changes of one spec', () => {
  const generations = new Generations();
  const numbered = (...steps: SagaStep[]) => generations.number(steps).map(({ metadata }) => metadata.generation);
  expect(numbered(step('a', false), step('b', false))).toEqual([1, 1]);
  expect(numbered(step('a', false), step('b', true))).toEqual([1, 2]);
  expect(numbered(step('b', false))).toEqual([3]);
  expect(numbered(step('a', false))).toEqual([1]);
});
