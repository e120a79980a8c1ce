/** SagaSteps as the CRD takes them, every field now and then, for properties that must hold for any step. */
import { SAGASTEP_API_VERSION, SAGASTEP_KIND, type Emit, type SagaStep, type SagaStepSpec, type SchemaRef } from '@sagafleet/schemas';
import fc from 'fast-check';

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
const topic = fc.stringMatching(/^[a-zA-Z0-9_-]([a-zA-Z0-9._-]{0,30}[a-zA-Z0-9_-])?$/);
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const duration = fc.tuple(fc.integer({ min: 1, max: 59 }), fc.constantFrom('ms', 's')).map(([amount, unit]) => `${amount}${unit}`);
const format = fc.constantFrom('avro', 'json', 'bytes' as const);
const texts = fc.dictionary(fc.stringMatching(/^[a-z][a-z.-]{0,10}$/), text, { maxKeys: 3 });

export const CONFIG_MAP = 'files';
export const CONFIG_MAP_KEY = 'order.avsc';

const schema: fc.Arbitrary<SchemaRef> = fc.oneof(
  fc.record(
    { subject: text, version: fc.oneof(fc.constant('latest' as const), fc.integer({ min: 1, max: 99 })) },
    { requiredKeys: ['subject'] },
  ),
  fc.record({ avro: text, subject: text }, { requiredKeys: ['avro'] }),
  fc.constant({ configMapKeyRef: { name: CONFIG_MAP, key: CONFIG_MAP_KEY } }),
);

const optional = { requiredKeys: [] };
const emit: fc.Arbitrary<Emit> = fc.record(
  { topic: topic.map((name) => `out.${name}`), event: text, key: text, headers: texts, schema, format },
  { requiredKeys: ['topic'] },
);
const outcomes = fc.dictionary(label, fc.record({ emit: fc.array(emit, { maxLength: 3 }) }), { minKeys: 1, maxKeys: 3 });

const handler = fc.oneof(
  fc.record({ cel: fc.record({ outcome: text }) }),
  fc.record({
    http: fc.record(
      {
        url: fc.constantFrom('http://payments/charge', 'https://payments:8443/{event.orderId}'),
        method: fc.constantFrom('POST', 'PUT' as const),
        headers: texts,
        timeout: duration,
        concurrency: fc.integer({ min: 1, max: 99 }),
        outcome: text,
        retryOn: fc.uniqueArray(fc.integer({ min: 300, max: 599 }), { maxLength: 3 }),
      },
      { requiredKeys: ['url'] },
    ),
  }),
  fc.record({
    module: fc.record(
      { configMapKeyRef: fc.constant({ name: CONFIG_MAP, key: CONFIG_MAP_KEY }), export: label, timeout: duration },
      { requiredKeys: ['configMapKeyRef'] },
    ),
  }),
);

const running = {
  group: label,
  startFrom: fc.constantFrom('earliest', 'latest' as const),
  handler,
  retry: fc.record(
    {
      mode: fc.constantFrom('ParkKey', 'InPlace', 'None' as const),
      maxAttempts: fc.integer({ min: 1, max: 99 }),
      backoff: fc.record(
        { initial: duration, factor: fc.integer({ min: 1, max: 9 }), max: duration, jitter: fc.constantFrom(0, 0.2, 1) },
        optional,
      ),
    },
    optional,
  ),
  deadLetter: fc.record({ topic: topic.map((name) => `dead.${name}`) }),
  delivery: fc.record(
    {
      guarantee: fc.constantFrom('ExactlyOnce', 'AtLeastOnce' as const),
      transaction: fc.record({ maxRecords: fc.integer({ min: 1, max: 9999 }), linger: duration, timeout: duration }, optional),
      maxBatchBytes: fc.integer({ min: 1_048_576, max: 1_073_741_824 }),
    },
    optional,
  ),
  scaling: fc.record(
    {
      min: fc.integer({ min: 1, max: 3 }),
      max: fc.integer({ min: 3, max: 99 }),
      lagThreshold: fc.integer({ min: 1, max: 999 }),
      activationLag: fc.nat(99),
      cooldown: duration,
      pollingInterval: duration,
    },
    optional,
  ),
  topics: fc.record(
    {
      manage: fc.boolean(),
      partitions: fc.integer({ min: 1, max: 24 }),
      replicationFactor: fc.integer({ min: 1, max: 3 }),
      config: fc.dictionary(fc.constantFrom('retention.ms', 'cleanup.policy'), fc.constantFrom('1', 'compact')),
      fieldOrder: fc.constantFrom('Append', 'Any' as const),
    },
    optional,
  ),
  template: fc.record(
    {
      metadata: fc.record({ labels: texts, annotations: texts }, optional),
      env: fc.uniqueArray(fc.record({ name: fc.constantFrom('TZ', 'NODE_OPTIONS'), value: text }), {
        selector: ({ name }) => name,
        maxLength: 2,
      }),
      nodeSelector: texts,
      priorityClassName: label,
      serviceAccountName: label,
      terminationGracePeriodSeconds: fc.integer({ min: 1, max: 99 }),
    },
    optional,
  ),
  deletionPolicy: fc.constantFrom('Retain', 'Delete' as const),
  suspend: fc.boolean(),
};

const consumes = fc.record({
  consumes: fc.uniqueArray(fc.record({ topic: topic.map((name) => `in.${name}`), format, schema }, { requiredKeys: ['topic'] }), {
    selector: (input) => input.topic,
    minLength: 1,
    maxLength: 4,
  }),
});
const ingress = fc.record({
  ingress: fc.record({
    http: fc.record(
      {
        path: fc.constantFrom('/orders', '/'),
        key: text,
        schema,
        unknownFields: fc.constantFrom('Reject', 'Ignore'),
        idempotencyKey: text,
        window: duration,
      },
      { requiredKeys: ['path', 'key'] },
    ),
  }),
});

export const anyStep: fc.Arbitrary<SagaStep> = fc
  .tuple(label, fc.option(label, { nil: undefined }), fc.oneof(consumes, ingress), outcomes, fc.record(running, optional))
  .map(([name, namespace, entry, outcomes, rest]) => ({
    apiVersion: SAGASTEP_API_VERSION,
    kind: SAGASTEP_KIND,
    metadata: namespace === undefined ? { name } : { name, namespace, uid: `uid-of-${name}` },
    spec: { ...entry, outcomes: rest.handler ? outcomes : firstOf(outcomes), ...rest } as SagaStepSpec,
  }));

/** Without a handler nothing chooses among several. */
function firstOf<T>(map: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).slice(0, 1));
}
