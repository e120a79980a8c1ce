import type { SagaStep, SagaStepSpec } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { desiredOf } from '../desired/desired.ts';
import { DEFAULT_VALUES } from '../values.ts';

/** smallrye/smallrye-reactive-messaging#2270: a compacted topic refuses records without a key, and keeps one a key. */
const COMPACTING = {
  'cleanup.policy': 'compact,delete',
  'min.cleanable.dirty.ratio': '0.1',
  'max.compaction.lag.ms': '1000',
  'retention.ms': '5000',
};

function configsOf(spec: Partial<SagaStepSpec>): Record<string, Record<string, string>> {
  const step = {
    apiVersion: 'sagafleet.dev/v1alpha1',
    kind: 'SagaStep',
    metadata: { name: 'stock' },
    spec: { topics: { config: COMPACTING }, outcomes: { kept: { emit: [{ topic: 'stock_kept' }] } }, ...spec },
  } as SagaStep;
  const { needs } = desiredOf(step, DEFAULT_VALUES, { topics: [], steps: [step], hasKeda: false, hasStrimzi: false });
  return Object.fromEntries(needs.topics.map(({ name, config }) => [name, config]));
}

const INTERNAL = { 'cleanup.policy': 'delete', 'retention.ms': '5000' };
const DEAD_LETTERS = { ...INTERNAL, 'compression.type': 'producer' };

test('compaction that is asked for reaches what is emitted and never dead letters', () => {
  expect(configsOf({ consumes: [{ topic: 'stock_moved' }] })).toEqual({ stock_kept: COMPACTING, 'default.stock.dlq': DEAD_LETTERS });
});

test('nor the inbox of a step with ingress', () => {
  expect(configsOf({ ingress: { http: { path: '/moves', key: "'one'" } } })).toEqual({
    stock_kept: COMPACTING,
    'default.stock.inbox': INTERNAL,
    'default.stock.dlq': DEAD_LETTERS,
  });
});

test('nor what the brokers do by default', () => {
  expect(configsOf({ consumes: [{ topic: 'stock_moved' }], topics: {} })).toEqual({
    stock_kept: {},
    'default.stock.dlq': { 'cleanup.policy': 'delete', 'compression.type': 'producer' },
  });
});

test.each(['uncompressed', 'gzip'])('dead letters are stored as they are sent, also where the topics are to be %s', (codec) => {
  const config = { 'compression.type': codec };
  expect(configsOf({ consumes: [{ topic: 'stock_moved' }], topics: { config } })).toEqual({
    stock_kept: config,
    'default.stock.dlq': { 'cleanup.policy': 'delete', 'compression.type': 'producer' },
  });
});
