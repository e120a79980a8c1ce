import { describe, expect, test } from 'vitest';
import { type CheckFacts, checkSteps, wellShapedSteps } from './check-steps.ts';
import { subjectKey, subjectsOf } from './event-schemas.ts';
import { formatPath, type Problem } from './problem.ts';
import { unsupported } from './unsupported.ts';

interface Metadata {
  name: string;
  namespace?: string;
}
const manifest = (metadata: Metadata, spec: object) => ({ apiVersion: 'sagafleet.dev/v1alpha1', kind: 'SagaStep', metadata, spec });
const emit = (...topics: (string | object)[]) => ({
  outcomes: { done: { emit: topics.map((topic) => (typeof topic === 'string' ? { topic } : topic)) } },
});
const reads = (...topics: string[]) => ({ consumes: topics.map((topic) => ({ topic })) });
const step = (name: string, spec: object, namespace?: string) => manifest({ name, ...(namespace ? { namespace } : {}) }, spec);
const found = (problems: readonly Problem[]): string[] =>
  problems.map(
    ({ object, path, message, severity }) =>
      `${(object as { metadata: Metadata }).metadata.name} ${severity === 'warning' ? '(warning) ' : ''}${formatPath(path)}: ${message}`,
  );

const order = step('order', { ...reads('a'), ...emit('order_created') });
const payment = step('payment', { ...reads('order_created'), ...emit('order_paid') });

const sets: Record<string, [manifests: unknown[], problems: string[], facts?: CheckFacts]> = {
  'steps that have nothing to do with each other are fine': [[order, payment], []],
  'two steps of one name': [
    [payment, step('payment', { ...reads('b'), ...emit('c') })],
    ['payment metadata.name: step "payment" is declared twice: rename one of them'],
  ],
  'one name in two namespaces is two names': [
    [payment, step('payment', { ...reads('order_created'), ...emit('order_paid') }, 'other')],
    [],
  ],
  'two steps with one group': [
    [step('a', { ...reads('x'), ...emit('y'), group: 'g' }), step('b', { ...reads('x'), ...emit('z'), group: 'g' })],
    ['b spec.group: group "g" is also that of step "a": records would go to either, choose another group'],
  ],
  'a group that another step has by derivation': [
    [step('a', { ...reads('x'), ...emit('y'), group: 'default.b' }), step('b', { ...reads('x'), ...emit('z') })],
    ['b metadata.name: group "default.b" is also that of step "a": records would go to either, choose another group'],
  ],
  'one group on two Kafkas is two groups': [
    [step('a', { ...reads('x'), ...emit('y'), group: 'g' }), step('b', { ...reads('x'), ...emit('z'), group: 'g', kafka: 'second' })],
    [],
  ],
  'a glob that matches an output': [[order, step('note', { ...reads('order_*'), ...emit() })], []],
  'a glob that matches an existing topic': [[step('note', { ...reads('shop_*'), ...emit() })], [], { topics: ['shop_x'] }],
  'a glob that matches nothing': [
    [order, step('note', { ...reads('ordr_*'), ...emit() })],
    [
      'note spec.consumes[0].topic: "ordr_*" matches no topic, neither of these steps nor an existing one: correct it (they emit order_created)',
    ],
    { topics: ['shop_x'] },
  ],
  'a glob that matches nothing, as far as is known': [
    [step('note', { ...reads('ordr_*'), ...emit() })],
    [
      'note (warning) spec.consumes[0].topic: "ordr_*" matches no topic of these steps, they emit none: correct it, unless other topics exist that it matches',
    ],
  ],
  'a glob does not reach another namespace': [
    [step('order', { ...reads('a'), ...emit('order_created') }, 'other'), step('note', { ...reads('order_*'), ...emit() })],
    [
      'note (warning) spec.consumes[0].topic: "order_*" matches no topic of these steps, they emit none: correct it, unless other topics exist that it matches',
    ],
  ],
  'a glob does not reach internal topics': [
    [order, step('note', { ...reads('default.*'), ...emit() })],
    [
      'note spec.consumes[0].topic: "default.*" matches no topic, neither of these steps nor an existing one: correct it (they emit order_created)',
    ],
    { topics: ['default.order.dlq'] },
  ],
  'dead letters among events': [
    [step('a', { ...reads('x'), ...emit('y'), deadLetter: { topic: 'z' } }), step('b', { ...reads('x'), ...emit('z') })],
    [
      'a spec.deadLetter.topic: "z" is to hold the dead letters of this step and is emitted by step "b": choose another topic for one of them',
    ],
  ],
  'events among the derived dead letters': [
    [step('a', { ...reads('x'), ...emit('default.a.dlq') })],
    [
      'a metadata.name: "default.a.dlq" is to hold the dead letters of this step and is emitted by step "a": choose another topic for one of them',
    ],
  ],
  'dead letters of two steps in one topic': [
    [
      step('a', { ...reads('x'), ...emit('y'), deadLetter: { topic: 'z' } }),
      step('b', { ...reads('x'), ...emit(), deadLetter: { topic: 'z' } }),
    ],
    [],
  ],
  'names that a broker takes for one': [
    [step('payment', { ...reads('order_created'), ...emit('order.paid', 'order_paid') })],
    [
      'payment spec.outcomes.done.emit[1].topic: topic "order_paid" collides with "order.paid": a broker takes one of two names that differ in . and _ alone, rename one',
    ],
  ],
  'names of two steps that a broker takes for one': [
    [order, step('payment', { ...reads('order.created'), ...emit('order_paid') })],
    [
      'payment spec.consumes[0].topic: topic "order.created" collides with "order_created": a broker takes one of two names that differ in . and _ alone, rename one',
    ],
  ],
  'a derived dead-letter topic and an existing topic': [
    [payment],
    [
      'payment metadata.name: topic "default.payment.dlq" collides with "default_payment_dlq": a broker takes one of two names that differ in . and _ alone, rename one',
    ],
    { topics: ['default_payment_dlq', 'order_paid'] },
  ],
  'names that differ in more are fine': [
    [step('payment', { ...reads('order_created'), ...emit('order_paid', 'order-paid', 'Order_Paid') })],
    [],
  ],
  'a topic that two steps set differently': [
    [
      step('a', { ...reads('x'), ...emit('y'), topics: { partitions: 3, config: { 'retention.ms': '1' } } }),
      step('b', { ...reads('x'), ...emit('y'), topics: { partitions: 6, config: { 'retention.ms': '2', 'segment.ms': '1' } } }),
    ],
    [
      'b spec.topics.partitions: partitions of topic "y" is set differently by step "a": set both alike',
      'b spec.topics.config["retention.ms"]: config["retention.ms"] of topic "y" is set differently by step "a": set both alike',
    ],
  ],
  'a topic that one of two steps sets': [
    [step('a', { ...reads('x'), ...emit('y'), topics: { partitions: 3 } }), step('b', { ...reads('x'), ...emit('y') })],
    [],
  ],
  'a manifest of wrong shape takes no part': [
    [payment, step('payment', { outcomes: 7 })],
    ['payment spec.outcomes: must be a map, not a number'],
  ],
};

describe('a set of steps:', () => {
  test.each(Object.entries(sets))('%s', (_, [manifests, problems, facts]) => expect(found(checkSteps(manifests, facts))).toEqual(problems));

  test('of two steps that clash the other one is named', () => {
    const again = step('payment', { ...reads('b'), ...emit('c') });
    expect(checkSteps([payment, again])[0]).toMatchObject({ object: again, other: payment });
  });
});

const recordOf = (...fields: string[]) => ({
  type: 'record',
  name: 'OrderEvent',
  fields: fields.map((name) => ({ name, type: 'string' })),
});
const avro = JSON.stringify(recordOf('orderId', 'status'));
const wrong = { topic: 'out', event: "{'status': event.statsu}" };
const noField = 'no field "statsu" in OrderEvent, did you mean "status"?';
const ofEvent = `reader spec.outcomes.done.emit[0].event: ${noField}`;
const reader = step('reader', { ...reads('in'), ...emit(wrong) });

const typed: Record<string, [manifests: unknown[], problems: string[], facts?: CheckFacts]> = {
  'nothing known, nothing checked': [[reader], []],
  'its own reader schema': [[step('reader', { consumes: [{ topic: 'in', schema: { avro } }], ...emit(wrong) })], [ofEvent]],
  'the schema that another step emits with': [
    [step('writer', { ...reads('x'), ...emit({ topic: 'in', schema: { avro } }) }), reader],
    [ofEvent],
  ],
  'the schema of an ingress whose events are passed on': [
    [step('order', { ingress: { http: { path: '/', key: 'event.orderId', schema: { avro } } }, ...emit('in') }), reader],
    [ofEvent],
  ],
  'the same over two steps': [
    [
      step('order', { ingress: { http: { path: '/', key: 'event.orderId', schema: { avro } } }, ...emit('first') }),
      step('payment', { ...reads('first'), ...emit('in') }),
      reader,
    ],
    [ofEvent],
  ],
  'its own body, in an ingress': [
    [step('order', { ingress: { http: { path: '/', key: 'event.orderIdd', schema: { avro } } }, ...emit() })],
    ['order spec.ingress.http.key: no field "orderIdd" in OrderEvent, did you mean "orderId"?'],
  ],
  'a subject that is known': [
    [step('reader', { consumes: [{ topic: 'in', schema: { subject: 'events', version: 2 } }], ...emit(wrong) })],
    [ofEvent],
    { schemas: new Map([[subjectKey({ subject: 'events', version: 2 }), recordOf('status')]]) },
  ],
  'the subject of the topic': [[reader], [ofEvent], { schemas: new Map([['in-value latest', recordOf('status')]]) }],
  'a glob over outputs': [
    [step('writer', { ...reads('x'), ...emit({ topic: 'in_a', schema: { avro } }) }), step('reader', { ...reads('in_*'), ...emit(wrong) })],
    [ofEvent],
  ],
  'two schemas for one topic': [
    [
      step('one', { ...reads('x'), ...emit({ topic: 'in', schema: { avro: JSON.stringify(recordOf('statsu')) } }) }),
      step('two', { ...reads('x'), ...emit({ topic: 'in', schema: { avro } }) }),
      reader,
    ],
    [ofEvent],
  ],
  'topics in a loop': [[step('a', { ...reads('x'), ...emit('y') }), step('b', { ...reads('y'), ...emit('x') })], []],
  'values that are no Avro': [
    [
      step('writer', { ...reads('x'), ...emit({ topic: 'in', schema: { avro } }) }),
      step('reader', { consumes: [{ topic: 'in', format: 'json' }], ...emit(wrong) }),
    ],
    [],
  ],
};

describe('fields of an event are checked against', () => {
  test.each(Object.entries(typed))('%s', (_, [manifests, problems, facts]) =>
    expect(found(checkSteps(manifests, facts))).toEqual(problems),
  );
});

const patch = { event: "merge(event, {'statsu': 'PAID'})" };
const ofPatch = 'output schema OrderEvent has no field "statsu", did you mean "status"?';
const written: Record<string, [manifests: unknown[], problems: string[], facts?: CheckFacts]> = {
  'the schema that it emits with': [
    [step('a', { ...reads('x'), ...emit({ topic: 'y', schema: { avro }, ...patch }) })],
    [`a spec.outcomes.done.emit[0].event: ${ofPatch}`],
  ],
  'the subject of the topic': [
    [step('a', { ...reads('x'), ...emit({ topic: 'y', ...patch }) })],
    [`a spec.outcomes.done.emit[0].event: ${ofPatch}`],
    { schemas: new Map([['y-value latest', recordOf('status')]]) },
  ],
  'the schema of the input': [
    [step('a', { consumes: [{ topic: 'x', schema: { avro } }], ...emit({ topic: 'y', ...patch }) })],
    [`a spec.outcomes.done.emit[0].event: ${ofPatch}`],
  ],
  'nothing, where nothing is known': [[step('a', { ...reads('x'), ...emit({ topic: 'y', ...patch }) })], []],
};

describe('fields that an expression sets are checked against', () => {
  test.each(Object.entries(written))('%s', (_, [manifests, problems, facts]) =>
    expect(found(checkSteps(manifests, facts))).toEqual(problems),
  );
});

const known = (...subjects: string[]): CheckFacts => ({
  schemas: new Map(['in-value latest', ...subjects].map((key) => [key, recordOf('status')])),
  misfits: new Map([['in-value latest', 'field "lane": its default does not fit']]),
});
const nothingWith =
  'nothing can be read or written with subject "in-value", field "lane": its default does not fit: register a version without that default';
const misfits: Record<string, [manifests: unknown[], problems: string[], facts?: CheckFacts]> = {
  "the writer's own schema": [[step('a', { ...reads('in'), ...emit() })], []],
  'a reader schema': [
    [step('a', { consumes: [{ topic: 'x', schema: { subject: 'in-value' } }], ...emit() })],
    [`a spec.consumes[0].schema.subject: ${nothingWith}`],
  ],
  'an emit': [
    [step('a', { ...reads('in'), ...emit({ topic: 'out', schema: { subject: 'in-value' } }) })],
    [`a spec.outcomes.done.emit[0].schema.subject: ${nothingWith}`],
  ],
  'an ingress': [
    [step('a', { ingress: { http: { path: '/', key: "'k'", schema: { subject: 'in-value' } } }, ...emit() })],
    [`a spec.ingress.http.schema.subject: ${nothingWith}`],
  ],
  'another version of the subject': [
    [step('a', { ...reads('x'), ...emit({ topic: 'out', schema: { subject: 'in-value', version: 1 } }) })],
    [],
  ],
  'an output by its topic': [[step('a', { ...reads('x'), ...emit('in') })], [`a spec.outcomes.done.emit[0].topic: ${nothingWith}`]],
  'an output that falls back on it': [
    [step('a', { ...reads('in'), ...emit('out') })],
    [
      'a (warning) spec.outcomes.done.emit[0].topic: "out-value" will be made from subject "in-value", and leaves out a default: field "lane": its default does not fit',
    ],
  ],
  'an output that need not fall back on it': [[step('a', { ...reads('in'), ...emit('out') })], [], known('out-value latest')],
};

describe('a schema with a default that does not fit is told of where it is', () => {
  test.each(Object.entries(misfits))('%s', (_, [manifests, problems, facts = known()]) =>
    expect(found(checkSteps(manifests, facts))).toEqual(problems),
  );
});

test('the subjects to look up are those that say something of an event', () => {
  const steps = wellShapedSteps([
    step('a', {
      ...reads('in', 'glob_*'),
      ...emit('out', { topic: 'own', schema: { avro } }, { topic: 'x', schema: { subject: 's', version: 3 } }),
    }),
    step('b', { consumes: [{ topic: 'in', schema: { subject: 's' } }], ...emit('out') }),
  ]);
  expect(subjectsOf(steps).map(subjectKey)).toEqual(['in-value latest', 'out-value latest', 's 3', 's latest']);
});

test('what is not run yet is refused in a sentence, all else is not', () => {
  const refused = wellShapedSteps([
    step('a', { ...reads('x'), handler: { http: { url: 'http://x/' } }, ...emit({ topic: 'y', format: 'json' }) }),
    step('b', { consumes: [{ topic: 'x', format: 'bytes' }], handler: { module: { path: 'x.mjs' } }, ...emit() }),
    step('c', { ingress: { http: { path: '/', key: 'event.id', window: '1h', idempotencyKey: 'event.id' } }, ...emit() }),
    step('d', { ...reads('x'), retry: { mode: 'InPlace' }, handler: { cel: { outcome: "'done'" } }, ...emit('y') }),
  ]);
  expect(found(refused.flatMap(unsupported))).toEqual([
    'a spec.handler.http: handlers over HTTP are not run by this version: use cel, or no handler',
    'a spec.outcomes.done.emit[0].format: format json is not handled by this version: use avro',
    'b spec.handler.module: module handlers are not run by this version: use cel, or no handler',
    'b spec.consumes[0].format: format bytes is not handled by this version: use avro',
    'c spec.ingress.http.window: requests are not deduplicated yet: remove window',
    'c spec.ingress.http.idempotencyKey: requests are not deduplicated yet: remove idempotencyKey',
  ]);
});
