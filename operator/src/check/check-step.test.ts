import { describe, expect, test } from 'vitest';
import { badSteps, goodSteps, manifestOf } from '../../test/crd-cases.ts';
import { checkStep } from './check-step.ts';
import type { EventSchema, StepSchemas } from './event-schemas.ts';
import { formatPath, type Problem } from './problem.ts';

const found = (problems: readonly Problem[]): string[] => problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);

describe('a step is accepted with', () => {
  test.each(Object.entries(goodSteps))('%s', (_, step) => expect(found(checkStep(manifestOf(step)))).toEqual([]));
});

describe('a step is refused for', () => {
  test.each(Object.entries(badSteps))('%s', (_, step) => {
    const [first, ...more] = checkStep(manifestOf(step));
    expect(more).toEqual([]);
    expect(formatPath(first?.path ?? ['nothing found'])).toBe(step.path);
    expect(first?.message).toContain(step.says ?? '');
  });
});

const knowing = (...inputs: EventSchema[]): StepSchemas => ({ inputs, outputOf: () => undefined });
const emitting = (emit: object, spec: object = {}): Record<string, unknown> =>
  manifestOf({
    spec: { consumes: [{ topic: 'order_created' }], outcomes: { paid: { emit: [{ topic: 'order_paid', ...emit }] } }, ...spec },
  });
const orderEvent = {
  type: 'record',
  name: 'OrderEvent',
  fields: [
    { name: 'status', type: 'string' },
    { name: 'price', type: 'double' },
  ],
};

const messages: Record<string, [manifest: unknown, problems: string[]]> = {
  'an unknown field names the nearest known one': [
    emitting({}, { retry: { maxAtempts: 4 } }),
    ['spec.retry.maxAtempts: unknown field "maxAtempts", did you mean "maxAttempts"?'],
  ],
  'an unknown field in other letters too': [
    emitting({}, { startfrom: 'latest' }),
    ['spec.startfrom: unknown field "startfrom", did you mean "startFrom"?'],
  ],
  'several unknown fields are all named': [
    emitting({ event: 'event', evnt: 'x' }, { template: { toleration: [] } }),
    [
      'spec.outcomes.paid.emit[0].evnt: unknown field "evnt", did you mean "event"?',
      'spec.template.toleration: unknown field "toleration", did you mean "tolerations"?',
    ],
  ],
  'an unknown field near to none lists a few known ones': [
    manifestOf({ spec: { consumes: [{ topic: 'a' }], outcomes: { x: { publish: [] } } } }),
    ['spec.outcomes.x.publish: unknown field "publish", known are emit, reject'],
  ],
  // kubernetes/kubernetes#111074: an unknown field is dropped in silence
  'a known field at a wrong level says where it belongs': [
    { ...emitting({}, { linger: '1ms', scaling: { topic: 'x' } }), retry: {} },
    [
      'retry: unknown field "retry", it belongs in spec',
      'spec.linger: unknown field "linger", it belongs in spec.delivery.transaction',
      'spec.scaling.topic: unknown field "topic", it belongs in spec.consumes[] or spec.outcomes.*.emit[] or spec.deadLetter',
    ],
  ],
  'a misspelt field in a list': [
    emitting({}, { consumes: [{ topic: 'a' }, { topic: 'b', fromat: 'avro' }] }),
    ['spec.consumes[1].fromat: unknown field "fromat", did you mean "format"?'],
  ],
  'a misspelt field two levels below': [
    emitting({}, { retry: { backoff: { Jitter: 0 } } }),
    ['spec.retry.backoff.Jitter: unknown field "Jitter", did you mean "jitter"?'],
  ],
  'a misspelt field in a part of the pod': [
    emitting({}, { template: { resources: { limit: {} }, env: [{ name: 'A' }, { name: 'B', valuefrom: {} }] } }),
    [
      'spec.template.resources.limit: unknown field "limit", did you mean "limits"?',
      'spec.template.env[1].valuefrom: unknown field "valuefrom", did you mean "valueFrom"?',
    ],
  ],
  'a field of the pod that is not known here': [emitting({}, { template: { volumes: [{ name: 'v', rbd: {} }] } }), []],
  'an unknown word names the nearest known one': [
    emitting({}, { startFrom: 'earlyest' }),
    ['spec.startFrom: must be one of earliest, latest, did you mean "earliest"?'],
  ],
  'a number for a text says to quote it': [
    emitting({}, { topics: { config: { 'retention.ms': 1000 } } }),
    ['spec.topics.config["retention.ms"]: must be a text, not a number: put it in quotes, "1000"'],
  ],
  'an empty value is called empty': [
    manifestOf({ spec: { consumes: [null], outcomes: { x: { emit: [] } } } }),
    ['spec.consumes[0]: must be a map, not empty'],
  ],
  'another version of the API': [{ ...emitting({}), apiVersion: 'sagafleet.dev/v1' }, ['apiVersion: must be sagafleet.dev/v1alpha1']],
  'no metadata': [{ ...emitting({}), metadata: undefined }, ['metadata: is missing']],
  'a manifest that is no map': [7, [': must be a map, not a number']],
  'a field of a known event': [
    emitting({ event: "merge(event, {'status': event.statsu})" }),
    ['spec.outcomes.paid.emit[0].event: no field "statsu" in OrderEvent, did you mean "status"?'],
  ],
  'double and int of a known event': [
    emitting({ event: "merge(event, {'price': event.price + 1})" }),
    ['spec.outcomes.paid.emit[0].event: double + int does not exist, convert one side with double() or int()'],
  ],
  'a typo in each place of an expression': [
    emitting({ event: 'evnt', key: 'saga.idd', headers: { tenant: 'recrd.topic' } }, { handler: { cel: { outcome: "'payd'" } } }),
    [
      'spec.handler.cel.outcome: no outcome "payd", did you mean "paid"?',
      'spec.outcomes.paid.emit[0].event: unknown name "evnt", did you mean "event"?',
      'spec.outcomes.paid.emit[0].key: no field "idd" in saga, did you mean "id"?',
      'spec.outcomes.paid.emit[0].headers.tenant: unknown name "recrd", did you mean "record"?',
    ],
  ],
  'a glob that matches its own outputs': [
    emitting({}, { consumes: [{ topic: 'order_*' }] }),
    ['spec.consumes[0].topic: the step would consume what it emits, order_* matches order_paid: narrow the glob, or name the topics'],
  ],
  'its derived dead letters among the inputs': [
    emitting({}, { consumes: [{ topic: 'default.payment.dlq' }] }),
    ['spec.consumes[0].topic: the step would consume its own dead letters: consume another topic, or set deadLetter.topic'],
  ],
};

describe('a problem says place and fix', () => {
  test.each(Object.entries(messages))('%s', (_, [manifest, problems]) => {
    expect(found(checkStep(manifest, knowing({ topic: 'order_created', schema: orderEvent })))).toEqual(problems);
  });

  test('an inline schema that is none', () => {
    const [problem] = checkStep(emitting({ schema: { avro: '{"type": "recrd"}' } }));
    expect(formatPath(problem?.path ?? [])).toBe('spec.outcomes.paid.emit[0].schema.avro');
    expect(problem?.message).toContain('recrd');
  });

  test('which part of the expression', () => {
    const [problem] = checkStep(emitting({ event: 'merge(evnt, {})' }));
    expect(problem?.range).toEqual({ start: 6, end: 10 });
  });

  test('in events of which topic, where inputs differ', () => {
    const step = emitting({ event: "{'status': event.status}" }, { consumes: [{ topic: 'a' }, { topic: 'b' }] });
    const other = { type: 'record', name: 'Other', fields: [] };
    expect(found(checkStep(step, knowing({ topic: 'a', schema: orderEvent }, { topic: 'b', schema: other })))).toEqual([
      'spec.outcomes.paid.emit[0].event: no field "status" in Other (in events of b)',
    ]);
  });
});

test('outcomes may have any name', () => {
  for (const name of ['constructor', '__proto__', '1', 'a b']) {
    const outcomes = JSON.parse(`{${JSON.stringify(name)}: {"emit": [{"topic": "order_paid", "event": "evnt"}]}}`);
    const [problem, ...more] = checkStep(manifestOf({ spec: { consumes: [{ topic: 'order_created' }], outcomes } }));
    expect(more).toEqual([]);
    expect(problem?.path).toEqual(['spec', 'outcomes', name, 'emit', 0, 'event']);
  }
});
