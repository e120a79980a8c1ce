import { STEP_DEFAULTS } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { manifestOf } from '../../test/crd-cases.ts';
import { withDefaults } from './defaults.ts';

const base = { consumes: [{ topic: 'a' }], outcomes: { done: { emit: [{ topic: 'b' }] } } };
const completed = (spec: Record<string, unknown>) => withDefaults(manifestOf({ spec }))['spec'];

test('what is left out is filled in, nested and in lists', () => {
  const { retry, delivery, scaling, topics } = STEP_DEFAULTS;
  expect(completed({ ...base, retry: { backoff: { max: '5s' } } })).toEqual({
    consumes: [{ topic: 'a', format: 'avro' }],
    outcomes: { done: { emit: [{ topic: 'b', format: 'avro' }] } },
    startFrom: 'earliest',
    retry: { ...retry, backoff: { ...retry.backoff, max: '5s' } },
    delivery,
    scaling,
    topics,
    kafka: 'default',
    registry: 'default',
    deletionPolicy: 'Retain',
    suspend: false,
  });
});

test('a null counts as left out', () => {
  expect(completed({ ...base, scaling: null, group: null })).toEqual(completed(base));
});

test('parts of a pod stay as they are', () => {
  const template = { affinity: { nodeAffinity: null }, env: [{ name: 'A', value: null }] };
  expect(completed({ ...base, template })).toMatchObject({ template });
});

test('the manifest given is not changed', () => {
  const manifest = Object.freeze(manifestOf({ spec: Object.freeze({ ...base }) }));
  expect(withDefaults(manifest)).not.toBe(manifest);
  expect(manifest).toEqual(manifestOf({ spec: base }));
});

test('what is no manifest is left to the check', () => {
  for (const value of [null, 7, 'text', [], { spec: [] }, { spec: null }]) expect(() => withDefaults(value)).not.toThrow();
});
