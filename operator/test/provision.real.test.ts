import { randomUUID } from 'node:crypto';
import { KafkaAdmin, sendRecord, type KafkaConnection, type KafkaOptions } from '@sagafleet/kafka';
import { DEFAULT_VALUES, desiredOf, provisionStep, type OperatorValues, type StepReport } from '@sagafleet/operator';
import { RegistryClient } from '@sagafleet/registry';
import type { SagaStep, SagaStepSpec } from '@sagafleet/schemas';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

const brokers = inject('brokers').split(',');
const connection: KafkaConnection = { brokers, tls: false, sasl: null, clientId: 'operator-test' };
const options: KafkaOptions = { log: () => undefined, level: 'error', patienceMs: 30_000 };
const admin = new KafkaAdmin(connection, options);
const registry = new RegistryClient({ url: inject('registryUrl') });

beforeAll(() => admin.connect());
afterAll(() => admin.close());

const VALUES: OperatorValues = {
  ...DEFAULT_VALUES,
  kafka: { default: { brokers, tls: false, sasl: null } },
  registry: { default: { url: inject('registryUrl'), secretRef: null } },
  topicManager: 'admin',
};

function order(...more: unknown[]): string {
  return JSON.stringify({
    type: 'record',
    name: 'OrderEvent',
    fields: [{ name: 'orderId', type: 'string' }, { name: 'timestamp', type: 'long' }, ...more],
  });
}

/** Names of its own for each test: broker and registry are shared. */
function newSaga() {
  const id = randomUUID().slice(0, 8);
  const [created, paid] = [`order_created_${id}`, `order_paid_${id}`];
  const step = (name: string, spec: Partial<SagaStepSpec>): SagaStep => ({
    apiVersion: 'sagafleet.dev/v1alpha1',
    kind: 'SagaStep',
    metadata: { name: `${name}-${id}` },
    spec: { outcomes: { done: { emit: [] } }, ...spec },
  });
  const payment = (spec: Partial<SagaStepSpec> = {}) =>
    step('payment', { consumes: [{ topic: created }], outcomes: { paid: { emit: [{ topic: paid }] } }, ...spec });
  return { created, paid, step, payment };
}

async function provision(step: SagaStep, others: SagaStep[] = [], from = registry): Promise<StepReport> {
  const { needs } = desiredOf(step, VALUES, {
    topics: await admin.describeTopics(),
    steps: [step, ...others],
    hasKeda: false,
    hasStrimzi: false,
  });
  return await provisionStep(needs, { admin, registry: from });
}

const topicsOf = async (...names: string[]) => (await admin.describeTopics(names)).map(({ name, partitions }) => ({ name, partitions }));
const finding = (reason: string, message: RegExp) => ({ reason, message: expect.stringMatching(message) as string });
const IDLE = { done: [], pending: [], problems: [], warnings: [], topicLimits: expect.anything() as object };

describe('a step that is applied', () => {
  test('gets topics, schemas and offsets, and nothing more the second time', async () => {
    const { step, created } = newSaga();
    const entry = step('order', {
      ingress: { http: { path: '/orders', key: 'event.orderId', schema: { avro: order() } } },
      outcomes: { created: { emit: [{ topic: created }] } },
    });
    const inbox = `default.${entry.metadata.name}.inbox`;
    const report = await provision(entry);
    expect(report).toMatchObject({ pending: [], problems: [] });
    expect(await topicsOf(created, inbox, `default.${entry.metadata.name}.dlq`)).toHaveLength(3);
    expect(await registry.latest(`${inbox}-value`)).toMatchObject({ schema: order() });
    expect(await registry.latest(`${created}-value`)).toMatchObject({ schema: order() });
    expect(await registry.compatibilityLevel(`${created}-value`)).toBe('FULL_TRANSITIVE');
    const committed = await admin.committedOffsets(`default.${entry.metadata.name}`, [inbox]);
    expect(committed.map(({ offset }) => offset)).toEqual([0n, 0n, 0n]);
    expect(await provision(entry)).toEqual(IDLE);
  });

  test('gets its offsets also while the registry is away', async () => {
    const { payment, created } = newSaga();
    await admin.createTopics([{ name: created, partitions: 2, replicationFactor: 1, config: {} }]);
    const away = new RegistryClient({ url: 'http://127.0.0.1:1' });
    expect(await provision(payment(), [], away)).toMatchObject({
      pending: [finding('RegistryUnavailable', /cannot be reached/)],
      problems: [],
    });
    const committed = await admin.committedOffsets(`default.${payment().metadata.name}`, [created]);
    expect(committed.map(({ offset }) => offset)).toEqual([0n, 0n]);
  });

  test('waits for an input and its schema, then goes on', async () => {
    const { payment, created, paid } = newSaga();
    const waiting = await provision(payment());
    expect(waiting.pending).toEqual([
      finding('TopicMissing', new RegExp(`topic ${created}`)),
      finding('SchemaMissing', new RegExp(`subject ${paid}-value does not exist and neither does ${created}-value`)),
    ]);
    await admin.createTopics([{ name: created, partitions: 5, replicationFactor: 1, config: {} }]);
    await registry.register(`${created}-value`, order());
    expect(await provision(payment())).toMatchObject({ pending: [], problems: [] });
    expect(await registry.latest(`${paid}-value`)).toMatchObject({ schema: order() });
    const committed = await admin.committedOffsets(`default.${payment().metadata.name}`, [created]);
    expect(committed.map(({ offset }) => offset)).toEqual([0n, 0n, 0n, 0n, 0n]);
  });

  test('has a dead-letter topic that takes whatever its inputs take, and keeps all of it', async () => {
    const { payment, created } = newSaga();
    await admin.createTopics([{ name: created, partitions: 1, replicationFactor: 1, config: { 'max.message.bytes': '16777216' } }]);
    const compacting = payment({ topics: { config: { 'cleanup.policy': 'compact' } } });
    await provision(compacting);
    const deadLetters = `default.${compacting.metadata.name}.dlq`;
    expect((await admin.topicConfigs([deadLetters])).get(deadLetters)).toMatchObject({
      'cleanup.policy': 'delete',
      'max.message.bytes': String(16 * 1024 * 1024 + 64 * 1024),
    });
  });

  test('is told what its topics take: as it set it, as it is set elsewhere, and as it was found', async () => {
    const { payment, created, paid } = newSaga();
    await admin.createTopics([
      { name: created, partitions: 1, replicationFactor: 1, config: { 'max.message.bytes': '2000000', 'compression.type': 'gzip' } },
    ]);
    const deadLetters = `default.${payment().metadata.name}.dlq`;
    const config = { 'max.message.bytes': '50000', 'compression.type': 'uncompressed' };
    const limits = async (step: SagaStep) => (await provision(step)).topicLimits;
    const others = {
      [created]: { maxMessageBytes: 2_000_000, compressionType: 'gzip' },
      [deadLetters]: { maxMessageBytes: 2_065_536, compressionType: 'producer' },
    };
    expect(await limits(payment({ topics: { config } }))).toEqual({
      ...others,
      [paid]: { maxMessageBytes: 50_000, compressionType: 'uncompressed' },
    });
    await admin.alterTopicConfig(paid, { 'max.message.bytes': '70000' });
    expect(await limits(payment())).toEqual({ ...others, [paid]: { maxMessageBytes: 70_000, compressionType: 'uncompressed' } });
    const missing = payment({ topics: { manage: false }, outcomes: { paid: { emit: [{ topic: `${paid}-missing` }] } } });
    expect(await limits(missing)).toEqual(others);
  });

  test('is warned where it may sleep longer than its offsets are kept', async () => {
    const { payment } = newSaga();
    const warnings = async (spec: Partial<SagaStepSpec>) => (await provision(payment(spec))).warnings;
    const sleeping = [expect.stringMatching(/^step payment-\w+ may sleep for longer than the 10080 minutes.*offsets\.retention\.minutes/)];
    expect(await warnings({ scaling: { min: 0 } })).toEqual(sleeping);
    expect(await warnings({ suspend: true })).toEqual(sleeping);
    expect(await warnings({ scaling: { min: 1 } })).toEqual([]);
  });

  test('grows its topics and keeps settings that it does not name', async () => {
    const { payment, created, paid } = newSaga();
    await admin.createTopics([
      { name: created, partitions: 1, replicationFactor: 1, config: {} },
      { name: paid, partitions: 1, replicationFactor: 1, config: { 'max.message.bytes': '2000000' } },
    ]);
    await provision(payment({ topics: { partitions: 4, config: { 'retention.ms': '60000' } } }));
    expect(await topicsOf(paid)).toEqual([{ name: paid, partitions: 4 }]);
    expect((await admin.topicConfigs([paid])).get(paid)).toMatchObject({ 'max.message.bytes': '2000000', 'retention.ms': '60000' });
  });
});

describe('a schema given in a step', () => {
  const note = (extra: object = { default: '' }) => ({ name: 'note', type: 'string', ...extra });
  const emitting = (saga: ReturnType<typeof newSaga>, avro: string, spec: Partial<SagaStepSpec> = {}) =>
    saga.payment({ outcomes: { paid: { emit: [{ topic: saga.paid, schema: { avro } }] } }, ...spec });

  const rejections: Record<string, { next: string; says: RegExp; reason?: string }> = {
    'a field without default': { next: order(note({})), says: /cannot be read: field "note" has no default/ },
    'a new field before the others': {
      next: JSON.stringify({
        type: 'record',
        name: 'OrderEvent',
        fields: [note(), { name: 'orderId', type: 'string' }, { name: 'timestamp', type: 'long' }],
      }),
      says: /field "note" is new and does not stand at the end/,
    },
    'a default of the wrong union branch': {
      next: order({ name: 'lane', type: ['string', 'null'], default: null }),
      says: /field "lane": its default does not fit/,
      reason: 'InvalidSchema',
    },
    'a type that changes': { next: order().replace('"long"', '"string"'), says: /field "timestamp": long cannot be read as string/ },
    'something that is no schema': { next: '{"type": "recrod"}', says: /not an Avro schema/, reason: 'InvalidSchema' },
  };
  test.each(Object.entries(rejections))(
    'is rejected for %s, and what is registered stays',
    async (_name, { next, says, reason = 'Incompatible' }) => {
      const saga = newSaga();
      await provision(emitting(saga, order()));
      const { problems } = await provision(emitting(saga, next));
      expect(problems).toEqual([finding(reason, says)]);
      expect(problems[0]!.message).toContain(`${saga.paid}-value`);
      expect(await registry.latest(`${saga.paid}-value`)).toMatchObject({ version: 1 });
    },
  );

  test("that falls back on an input's takes over what that refers to", async () => {
    const saga = newSaga();
    const seats = { name: 'Seat', subject: `${saga.created}-seat`, version: 1 };
    await admin.createTopics([{ name: saga.created, partitions: 1, replicationFactor: 1, config: {} }]);
    await registry.register(seats.subject, JSON.stringify({ type: 'record', name: 'Seat', fields: [{ name: 'row', type: 'int' }] }));
    const schema = order({ name: 'seat', type: 'Seat' });
    await registry.register(`${saga.created}-value`, schema, [seats]);
    expect((await provision(saga.payment())).problems).toEqual([]);
    expect(await registry.latest(`${saga.paid}-value`)).toMatchObject({ schema, references: [seats] });
    expect(await provision(saga.payment())).toEqual(IDLE);
  });

  test("that falls back on an input's leaves out a default that does not fit", async () => {
    const saga = newSaga();
    await admin.createTopics([{ name: saga.created, partitions: 1, replicationFactor: 1, config: {} }]);
    await registry.register(`${saga.created}-value`, order({ name: 'lane', type: ['string', 'null'], default: null }));
    const { done, problems } = await provision(saga.payment());
    expect(problems).toEqual([]);
    expect(done).toContain(`registered ${saga.paid}-value version 1, without the default of lane, which does not fit`);
    expect(await registry.latest(`${saga.paid}-value`)).toMatchObject({ schema: order({ name: 'lane', type: ['string', 'null'] }) });
    expect(await provision(saga.payment())).toEqual(IDLE);
  });

  test('grows by a defaulted field at its end', async () => {
    const saga = newSaga();
    await provision(emitting(saga, order()));
    expect(await provision(emitting(saga, order(note())))).toMatchObject({
      done: [`registered ${saga.paid}-value version 2`],
      problems: [],
    });
  });

  test('is refused where a step that reads the topic could not read it', async () => {
    const saga = newSaga();
    const shipping = saga.step('shipping', {
      consumes: [{ topic: saga.paid, schema: { avro: order({ name: 'address', type: 'string' }) } }],
    });
    const { problems } = await provision(emitting(saga, order()), [shipping]);
    expect(problems).toEqual([
      finding('Incompatible', /step shipping-\w+ could not read it with its own schema: field "address" has no default/),
    ]);
  });
});

test('a group from latest skips what is there, and reads partitions added later from their beginning', async () => {
  const { payment, created } = newSaga();
  await admin.createTopics([{ name: created, partitions: 1, replicationFactor: 1, config: {} }]);
  for (const value of ['a', 'b']) await sendRecord(connection, { topic: created, key: null, value: Buffer.from(value) }, options);
  const step = payment({ startFrom: 'latest' });
  await provision(step);
  await admin.growPartitions(created, 3);
  await provision(step);
  const committed = await admin.committedOffsets(`default.${step.metadata.name}`, [created]);
  expect(committed.map(({ partition, offset }) => [partition, offset])).toEqual([
    [0, 2n],
    [1, 0n],
    [2, 0n],
  ]);
});
