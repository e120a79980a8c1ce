/**
 * SagaSteps for each rule of the CRD. The local check and a real API server must agree on all of
 * them; `says` is the rule's message, or part of it.
 */
type Spec = Record<string, unknown>;
export interface CrdCase {
  name?: unknown;
  spec: Spec;
  says?: string;
  path?: string;
}

const consumes = [{ topic: 'order_created' }];
const outcomes = { paid: { emit: [{ topic: 'order_paid' }] } };
const ingress = { http: { path: '/orders', key: 'event.orderId' } };
const handler = { cel: { outcome: "'paid'" } };
const base = { consumes, outcomes };
const emitting = (emit: Spec): Spec => ({ consumes, outcomes: { paid: { emit: [{ topic: 'order_paid', ...emit }] } } });
const http = (fields: Spec): Spec => ({ ...base, handler: { http: { url: 'http://pay/charge', ...fields } } });
const scaling = (fields: Spec): Spec => ({ ...base, scaling: fields });
const avro = '{"type": "string"}';

export const goodSteps: Record<string, CrdCase> = {
  'the smallest useful step': { spec: base },
  'a name of 40 characters': { name: 'a'.repeat(40), spec: base },
  'a name of one digit': { name: '7', spec: base },
  'a glob': { spec: { ...base, consumes: [{ topic: 'shop.*' }] } },
  'an ingress': { spec: { ingress, outcomes } },
  'an ingress that ignores unknown fields': { spec: { ingress: { http: { ...ingress.http, unknownFields: 'Ignore' } }, outcomes } },
  'an ingress that rejects': {
    spec: { ingress, handler, outcomes: { ...outcomes, refused: { reject: { http: 422, message: 'no such user' } } } },
  },
  'nothing emitted': { spec: { consumes, outcomes: { seen: { emit: [] } } } },
  'several outcomes with a handler': { spec: { consumes, handler, outcomes: { ...outcomes, declined: { emit: [] } } } },
  'a handler without a kind': { spec: { ...base, handler: {} } },
  'a null where the field may be left out': { spec: { ...base, handler: null, scaling: null, group: null, retry: { backoff: null } } },
  'each way to give a schema': {
    spec: {
      consumes: [
        { topic: 'a', schema: { subject: 'a-value' } },
        { topic: 'b', schema: { subject: 'b-value', version: 'latest' } },
        { topic: 'c', schema: { subject: 'c-value', version: 3 } },
        { topic: 'd', schema: { avro } },
        { topic: 'f', schema: { subject: 'f-value', avro } },
        { topic: 'e', schema: { configMapKeyRef: { name: 'schemas', key: 'e.avsc' } } },
      ],
      outcomes,
    },
  },
  'every setting': {
    spec: {
      ...base,
      group: 'shop.payment',
      startFrom: 'latest',
      deadLetter: { topic: 'trouble' },
      kafka: 'main',
      registry: 'main',
      retry: { mode: 'InPlace', maxAttempts: 3, backoff: { initial: '1s', factor: 1.5, max: '1m30s', jitter: 0 } },
      delivery: { guarantee: 'AtLeastOnce', transaction: { maxRecords: 1, linger: '5ms', timeout: '15m' }, maxBatchBytes: 1_048_576 },
      scaling: { min: 0, max: 10, lagThreshold: 1, activationLag: 5, cooldown: '0s', pollingInterval: '30s' },
      topics: { manage: false, partitions: 6, replicationFactor: 3, config: { 'retention.ms': '-1' }, fieldOrder: 'Any' },
      template: {
        metadata: { labels: { team: 'shop' }, annotations: { note: 'x' } },
        resources: { limits: { cpu: '1' } },
        env: [{ name: 'A', value: 'b' }],
        affinity: { nodeAffinity: {} },
        terminationGracePeriodSeconds: 60,
      },
      deletionPolicy: 'Delete',
      suspend: true,
    },
  },
  'an HTTP handler': { spec: http({ timeout: '2s', concurrency: 1, outcome: "'paid'", retryOn: [404], headers: { a: 'b' } }) },
  'a module handler': { spec: { ...base, handler: { module: { path: '/handlers/pay.mjs' } } } },
  'min as large as max': { spec: scaling({ min: 3 }) },
};

export const badSteps: Record<string, CrdCase> = {
  'a name with a dot': {
    name: 'payment.v2',
    spec: base,
    says: 'metadata.name must be a DNS label of at most 40 characters',
    path: 'metadata.name',
  },
  'a name of 41 characters': { name: 'a'.repeat(41), spec: base, says: 'metadata.name must be a DNS label', path: 'metadata.name' },
  'neither consumes nor ingress': { spec: { outcomes }, says: 'set exactly one of consumes', path: 'spec' },
  'both consumes and ingress': { spec: { ...base, ingress }, says: 'set exactly one of consumes', path: 'spec' },
  'two handlers': {
    spec: { ...base, handler: { ...handler, http: { url: 'http://pay/' } } },
    says: 'set only one of cel, http and module',
    path: 'spec.handler',
  },
  'no outcome': { spec: { consumes, outcomes: {} }, says: 'set at least one outcome', path: 'spec.outcomes' },
  'two outcomes and no handler': {
    spec: { consumes, outcomes: { ...outcomes, declined: { emit: [] } } },
    says: 'several outcomes need a handler',
    path: 'spec.outcomes',
  },
  'an outcome that says nothing': {
    spec: { consumes, outcomes: { paid: {} } },
    says: 'set exactly one of emit',
    path: 'spec.outcomes.paid',
  },
  'an outcome that emits and rejects': {
    spec: { ingress, outcomes: { paid: { emit: [], reject: { http: 400, message: 'no' } } } },
    says: 'set exactly one of emit',
    path: 'spec.outcomes.paid',
  },
  'an unknown way to treat unknown fields': {
    spec: { ingress: { http: { ...ingress.http, unknownFields: 'Drop' } }, outcomes },
    says: '',
    path: 'spec.ingress.http.unknownFields',
  },
  'a reject without ingress': {
    spec: { consumes, outcomes: { no: { reject: { http: 400, message: 'no' } } } },
    says: 'reject requires an ingress',
    path: 'spec.outcomes',
  },
  'a reject behind an HTTP handler': {
    spec: { ingress, handler: { http: { url: 'http://pay/' } }, outcomes: { no: { reject: { http: 400, message: 'no' } } } },
    says: 'reject requires an ingress',
    path: 'spec.outcomes',
  },
  'a reject that is no client error': {
    spec: { ingress, outcomes: { no: { reject: { http: 500, message: 'no' } } } },
    path: 'spec.outcomes.no.reject.http',
  },
  'min above max': { spec: scaling({ min: 5, max: 2 }), says: 'min must not exceed max', path: 'spec.scaling.min' },
  'min above the default of max': { spec: scaling({ min: 5 }), says: 'min must not exceed max', path: 'spec.scaling.min' },
  'an ingress that sleeps': {
    spec: { ingress, outcomes, scaling: { min: 0 } },
    says: 'a step with an ingress cannot scale to zero',
    path: 'spec.scaling.min',
  },
  'its dead letters among the inputs': {
    spec: { ...base, deadLetter: { topic: 'order_created' } },
    says: 'consume its own dead letters',
    path: 'spec.deadLetter.topic',
  },
  'its outputs among the inputs': {
    spec: { consumes: [...consumes, { topic: 'order_paid' }], outcomes },
    says: 'consume what it emits',
    path: 'spec.outcomes',
  },
  'one topic consumed twice': { spec: { ...base, consumes: [...consumes, ...consumes] }, path: 'spec.consumes[1].topic' },
  'nothing consumed': { spec: { ...base, consumes: [] }, path: 'spec.consumes' },
  'a topic with a space': {
    spec: emitting({ topic: 'order paid' }),
    says: 'a topic name consists of',
    path: 'spec.outcomes.paid.emit[0].topic',
  },
  'a glob where a name is needed': {
    spec: emitting({ topic: 'order_*' }),
    says: 'a topic name consists of',
    path: 'spec.outcomes.paid.emit[0].topic',
  },
  'a topic called ..': { spec: { ...base, consumes: [{ topic: '..' }] }, says: 'a topic name consists of', path: 'spec.consumes[0].topic' },
  'a topic of 250 characters': { spec: emitting({ topic: 'a'.repeat(250) }), path: 'spec.outcomes.paid.emit[0].topic' },
  'a group with a space': { spec: { ...base, group: 'my group' }, says: 'group must start with a letter', path: 'spec.group' },
  'a schema in two ways': {
    spec: emitting({ schema: { avro, configMapKeyRef: { name: 'schemas', key: 'a' } } }),
    says: 'set only one of avro and configMapKeyRef',
    path: 'spec.outcomes.paid.emit[0].schema',
  },
  'a schema in no way': {
    spec: emitting({ schema: {} }),
    says: 'set one of subject, avro and configMapKeyRef',
    path: 'spec.outcomes.paid.emit[0].schema',
  },
  'a version without a subject': {
    spec: emitting({ schema: { avro, version: 1 } }),
    says: 'version requires a subject',
    path: 'spec.outcomes.paid.emit[0].schema.version',
  },
  'a version of a schema that is given in full': {
    spec: emitting({ schema: { subject: 'a', avro, version: 1 } }),
    says: 'version requires a subject',
    path: 'spec.outcomes.paid.emit[0].schema.version',
  },
  'version 0': { spec: emitting({ schema: { subject: 'a', version: 0 } }), path: 'spec.outcomes.paid.emit[0].schema.version' },
  'a version as a text': { spec: emitting({ schema: { subject: 'a', version: '3' } }), path: 'spec.outcomes.paid.emit[0].schema.version' },
  'a duration without a unit': { spec: scaling({ cooldown: '60' }), says: 'write a duration', path: 'spec.scaling.cooldown' },
  'a duration with a fraction': { spec: scaling({ cooldown: '1.5s' }), says: 'write a duration', path: 'spec.scaling.cooldown' },
  'a duration in days': { spec: scaling({ cooldown: '1d' }), says: 'write a duration', path: 'spec.scaling.cooldown' },
  'a duration of 0 where there must be one': {
    spec: http({ timeout: '0s' }),
    says: 'write a duration above 0',
    path: 'spec.handler.http.timeout',
  },
  'a duration that is too long': {
    spec: { ...base, delivery: { transaction: { timeout: '15m1s' } } },
    says: 'up to 15m',
    path: 'spec.delivery.transaction.timeout',
  },
  'batches that may not even hold what a default topic takes': {
    spec: { ...base, delivery: { maxBatchBytes: 1_000_000 } },
    path: 'spec.delivery.maxBatchBytes',
  },
  'a path without a slash': {
    spec: { ingress: { http: { ...ingress.http, path: 'orders' } }, outcomes },
    says: 'must start with /',
    path: 'spec.ingress.http.path',
  },
  'a URL of another kind': { spec: http({ url: 'ftp://pay/' }), says: 'must start with http://', path: 'spec.handler.http.url' },
  'a module from two places': {
    spec: { ...base, handler: { module: { path: 'a.mjs', configMapKeyRef: { name: 'a', key: 'b' } } } },
    says: 'set exactly one of configMapKeyRef and path',
    path: 'spec.handler.module',
  },
  'an unknown word': { spec: { ...base, startFrom: 'newest' }, path: 'spec.startFrom' },
  'a number for a text': { spec: { ...base, topics: { config: { 'retention.ms': 1000 } } }, path: 'spec.topics.config["retention.ms"]' },
  'a text for a number': { spec: scaling({ max: '3' }), path: 'spec.scaling.max' },
  'an empty expression': { spec: emitting({ event: '' }), path: 'spec.outcomes.paid.emit[0].event' },
  'a map without what it needs': { spec: { ingress: { http: { path: '/orders' } }, outcomes }, path: 'spec.ingress.http.key' },
  'no outcomes at all': { spec: { consumes }, path: 'spec.outcomes' },
};

export function manifestOf({ name = 'payment', spec }: CrdCase): Record<string, unknown> {
  return { apiVersion: 'sagafleet.dev/v1alpha1', kind: 'SagaStep', metadata: { name }, spec };
}
