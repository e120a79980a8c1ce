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
const emitting = (emit: object, spec: object = {}): Record<string, unknown> => manifestOf({
  spec: { consumes: [{ topic: 'order_created' }], outcomes: { paid: { emit: [{ topic: 'order_paid', ...emit }] } }, ...spec },
});
const orderEvent = { type: 'record', name: 'OrderEvent', fields: [{ name: 'status', type: 'string' }, { name: 'price', type: 'double' }] };

const messages: Record<string, [manifest: unknown, problems: string[]]> = {
  'an unknown field names the nearest known one': [
    emitting({}, { retry: { maxAttemps: 9 } }), ['spec.retry.maxAttemps: unknown field "maxAttemps", did you mean "maxAttempts"?'],
  ],
  'an unknown field in other letters too': [
    emitting({}, { deadletter: { topic: 'x' } }), ['spec.deadletter: unknown field "deadletter", did you mean "deadLetter"?'],
  ],
  'several unknown fields are all named': [
    emitting({ event: 'event', evnt: 'x' }, { template: { resource: {} } }), [
      'spec.outcomes.paid.emit[0].evnt: unknown field "evnt", did you mean "event"?',
      'spec.template.resource: unknown field "resource", did you mean "resources"?',
    ],
  ],
  'an unknown field near to none lists a few known ones': [
    manifestOf({ spec: { consumes: [{ topic: 'a' }], outcomes: { x: { publish: [] } } } }),
    ['spec.outcomes.x.publish: unknown field "publish", known are emit, reject'],
  ],
  'an unknown word names the nearest known one': [
    emitting({}, { startFrom: 'earlyest' }), ['spec.startFrom: must be one of earliest, latest, did you mean "earliest"?'],
  ],
  'a number for a text says to quote it': [
    emitting({}, { topics: { config: { 'retention.ms': 1000 } } }),
    ['spec.topics.config["retention.ms"]: must be a text, not a number: put it in quotes, "1000"'],
  ],
  'an empty value is called empty': [manifestOf({ spec: { consumes: [null], outcomes: { x: { emit: [] } } } }), ['spec.consumes[0]: must be a map, not empty']],
  'another version of the API': [
    { ...emitting({}), apiVersion: 'sagafleet.dev/v1' }, ['apiVersion: must be sagafleet.dev/v1alpha1'],
  ],
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
    emitting({ event: 'evnt', key: 'saga.idd', headers: { tenant: 'recrd.topic' } }, { handler: { cel: { outcome: "'payd'" } } }), [
      'spec.handler.cel.outcome: no outcome "payd", did you mean "paid"?',
      'spec.outcomes.paid.emit[0].event: unknown name "evnt", did you mean "event"?',
      'spec.outcomes.paid.emit[0].key: no field "idd" in saga, did you mean "id"?',
      'spec.outcomes.paid.emit[0].headers.tenant: unknown name "recrd", did you mean "record"?',
    ],
  ],
  'a glob that matches its own outputs': [
    emitting({}, { consumes: [{ topic: 'order_*' }] }),
    ['spec.consumes[0].topic: the step would read what it emits, order_* matches order_paid: narrow the glob, or name the topics'],
  ],
  'its derived dead letters among the inputs': [
    emitting({}, { consumes: [{ topic: 'default.payment.dlq' }] }),
    ['spec.consumes[0].topic: the step would read its own dead letters: consume another topic, or set deadLetter.topic'],
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
    const [problem] = checkStep(emitting({ event: "merge(evnt, {})" }));
    expect(problem?.range).toEqual({ start: 6, end: 10 });
  });

  test('in events of which topic, where inputs differ', () => {
    const step = emitting({ event: "{'status': event.status}" }, { consumes: [{ topic: 'a' }, { topic: 'b' }] });
    const other = { type: 'record', name: 'Other', fields: [] };
    expect(found(checkStep(step, knowing({ topic: 'a', schema: orderEvent }, { topic: 'b', schema: other }))))
      .toEqual(['spec.outcomes.paid.emit[0].event: no field "status" in Other (in events of b)']);
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
