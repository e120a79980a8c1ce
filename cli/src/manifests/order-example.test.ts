/** `examples/order`: what README and design promise of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { checkExpression } from '@sagafleet/expressions';
import type { SagaStep } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const ROOT = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

const ORDER_SCHEMA = read('schemas/order_schema.avsc');
const FILES = readdirSync(new URL('examples/order/', ROOT)).filter((name) => name.endsWith('.yaml'));
const STEPS = FILES.map((name) => parse(read(`examples/order/${name}`)) as SagaStep);

const FLOW = {
  order: { consumes: [], emits: ['order_created'], status: 'CREATED' },
  payment: { consumes: ['order_created'], emits: ['order_paid'], status: 'PAID' },
  inventory: { consumes: ['order_created'], emits: ['inventory_reserved'], status: 'RESERVED' },
  shipping: { consumes: ['order_paid'], emits: ['order_shipped'], status: 'SHIPPED' },
  delivery: { consumes: ['order_shipped'], emits: ['order_delivered'], status: 'DELIVERED' },
  notification: { consumes: ['order_*'], emits: [], status: undefined },
};

const emitsOf = ({ spec }: SagaStep) => Object.values(spec.outcomes).flatMap(({ emit = [] }) => emit);

test('each step has a file of its own, named after it', () => {
  expect(FILES.toSorted()).toEqual(
    Object.keys(FLOW)
      .map((name) => `sagastep-${name}.yaml`)
      .toSorted(),
  );
  expect(STEPS.map(({ metadata }) => `sagastep-${metadata.name}.yaml`)).toEqual(FILES);
});

test('the order step registers the text of schemas/order_schema.avsc as order_events-value', () => {
  const order = STEPS.find(({ spec }) => spec.ingress);
  expect(order?.spec.ingress?.http.schema).toEqual({ subject: 'order_events-value', avro: ORDER_SCHEMA });
});

test.each(Object.entries(FLOW))('%s reads, writes and marks as documented', (name, { consumes, emits, status }) => {
  const step = STEPS.find(({ metadata }) => metadata.name === name)!;
  expect((step.spec.consumes ?? []).map(({ topic }) => topic)).toEqual(consumes);
  expect(emitsOf(step).map(({ topic }) => topic)).toEqual(emits);
  for (const { event } of emitsOf(step)) expect(event).toBe(`merge(event, {'status': '${status}', 'timestamp': now()})`);
});

test('every expression fits the order record', () => {
  const eventSchema: unknown = JSON.parse(ORDER_SCHEMA);
  for (const step of STEPS) {
    const key = step.spec.ingress?.http.key;
    if (key !== undefined) expect(checkExpression(key, { kind: 'ingressKey', eventSchema })).toMatchObject({ ok: true });
    for (const { event } of emitsOf(step)) expect(checkExpression(event!, { kind: 'event', eventSchema })).toMatchObject({ ok: true });
  }
});
