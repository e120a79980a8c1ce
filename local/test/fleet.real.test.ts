import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KafkaAdmin } from '@sagafleet/kafka';
import { RegistryClient } from '@sagafleet/registry';
import type { SagaStep, SchemaRef, WorkerSettings } from '@sagafleet/schemas';
import { expect, inject, onTestFinished, test } from 'vitest';
import { plainConnection } from '../src/platform/connection.ts';
import { Fleet } from '../src/pods/fleet.ts';
import { openReconciler } from '../src/reconcile.ts';
import { stepReporter } from '../src/step-reporter.ts';

/** Suspended, so that no worker is started. */
function stepReading(input: string, schema?: SchemaRef): SagaStep {
  return {
    apiVersion: 'sagafleet.dev/v1alpha1',
    kind: 'SagaStep',
    metadata: { name: `reader-of-${input}` },
    spec: {
      consumes: [{ topic: input }],
      suspend: true,
      outcomes: { done: { emit: [{ topic: `${input}-out`, ...(schema ? { schema } : {}) }] } },
    },
  };
}

async function fleetOn({ isKafkaOwn }: { isKafkaOwn: boolean }) {
  const told: string[] = [];
  const dataDir = mkdtempSync(join(tmpdir(), 'sagafleet-fleet-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const fleet = new Fleet({
    dataDir,
    logsDir: dataDir,
    ingressPort: 0,
    replicas: new Map(),
    program: { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1_000)'], env: {} },
    onLine: () => {},
    onExit: () => {},
    onWorkload: () => {},
  });
  const { reconciler, stop } = await openReconciler({
    brokers: inject('brokers'),
    registryUrl: inject('registryUrl'),
    isKafkaOwn,
    applier: fleet,
    reporter: stepReporter((step, text) => told.push(`${step}: ${text}`)),
  });
  onTestFinished(async () => {
    reconciler.stop();
    await fleet.stop();
    await stop();
  });
  const apply = async (steps: SagaStep[]) => (await reconciler.apply(steps)).changed.map(({ name }) => name);
  return { fleet, apply, told };
}

async function partitionsOf(topic: string): Promise<number[]> {
  const admin = new KafkaAdmin(plainConnection(inject('brokers')), { log: () => {}, patienceMs: 3_000 });
  await admin.connect();
  onTestFinished(() => admin.close());
  return (await admin.describeTopics([topic])).map(({ partitions }) => partitions);
}

test('a worker receives the limits of the topics that provisioning has just created, and restarts only when they change', async () => {
  const input = `foreign-${randomUUID()}`;
  const { fleet, apply } = await fleetOn({ isKafkaOwn: true });
  const reader = stepReading(input);
  const running = { ...reader, spec: { ...reader.spec, suspend: false, topics: { config: { 'max.message.bytes': '50000' } } } };
  const limitsOf = () => (JSON.parse(Object.values(fleet.runners[0]!.pod.files)[0]!) as WorkerSettings).topicLimits;
  const deadLetters = { [`default.${reader.metadata.name}.dlq`]: { maxMessageBytes: 1_048_588 + 65_536, compressionType: 'producer' } };
  expect(await apply([running])).toEqual([reader.metadata.name]);
  expect(limitsOf()).toEqual({ [`${input}-out`]: { maxMessageBytes: 50_000, compressionType: 'producer' }, ...deadLetters });
  expect(await apply([running])).toEqual([]);
  const raised = { ...running, spec: { ...running.spec, topics: { config: { 'max.message.bytes': '70000' } } } };
  expect(await apply([raised])).toEqual([reader.metadata.name]);
  expect(limitsOf()).toEqual({ [`${input}-out`]: { maxMessageBytes: 70_000, compressionType: 'producer' }, ...deadLetters });
});

test('a topic that no step emits is made in a Kafka of our own', async () => {
  const input = `foreign-${randomUUID()}`;
  const { apply } = await fleetOn({ isKafkaOwn: true });
  await apply([stepReading(input)]);
  expect(await partitionsOf(input)).toEqual([3]);
});

test("in somebody else's Kafka it is waited for", async () => {
  const input = `foreign-${randomUUID()}`;
  const { apply, told } = await fleetOn({ isKafkaOwn: false });
  await apply([stepReading(input)]);
  expect(await partitionsOf(input)).toEqual([]);
  expect(told).toContainEqual(
    expect.stringContaining(`TopicsReady=False (TopicMissing): topic ${input}, which step reader-of-${input} consumes, does not exist yet`),
  );
});

test('a step that is to write with a schema that cannot be written with is not started until the schema is mended', async () => {
  const input = `parcels-${randomUUID()}`;
  const registry = new RegistryClient({ url: inject('registryUrl') });
  const parcel = (fallback: unknown) =>
    JSON.stringify({ type: 'record', name: 'Parcel', fields: [{ name: 'door', type: ['int', 'null'], default: fallback }] });
  await registry.register(`${input}-value`, parcel(null));
  await registry.setCompatibilityLevel(`${input}-value`, 'NONE');
  const { fleet, apply, told } = await fleetOn({ isKafkaOwn: true });
  const step = stepReading(input, { subject: `${input}-value` });
  const { name } = step.metadata;
  expect(await apply([step])).toEqual([]);
  expect(told.at(-1)).toMatch(/: Stalled=True \(InvalidSchema\): schema of subject .* rejected.*field "door".*; the step is not started$/);

  await registry.register(`${input}-value`, parcel(1));
  // Nobody applies it again
  const recovered = `${name}: Stalled=False (NoProblem): nothing has to be changed`;
  await expect.poll(() => told, { timeout: 20_000 }).toContain(recovered);
  expect(await fleet.workloadOf({ namespace: 'default', name })).toEqual({ replicas: 0, ready: 0 });
  expect(await apply([])).toEqual([]);
  expect(told.at(-1)).toBe(`${name}: Removed: workers stopped; topics, schemas and consumer group are retained`);
});

test('a change that is rejected leaves the workers of the previous version running', async () => {
  const input = `parcels-${randomUUID()}`;
  const { fleet, apply, told } = await fleetOn({ isKafkaOwn: true });
  const parcel = (...more: object[]) => ({
    avro: JSON.stringify({ type: 'record', name: 'Parcel', fields: [{ name: 'id', type: 'string' }, ...more] }),
  });
  const writing = (schema: SchemaRef) => {
    const { spec, ...rest } = stepReading(input, schema);
    return { ...rest, spec: { ...spec, suspend: false } };
  };
  const step = writing(parcel());
  const { name } = step.metadata;
  expect(await apply([step])).toEqual([name]);
  const [running] = fleet.runners;
  expect(await apply([writing(parcel({ name: 'weight', type: 'int' }))])).toEqual([]);
  expect(told.at(-1)).toMatch(/Stalled=True \(Incompatible\): .*field "weight" has no default.*; the previous version keeps running/);
  expect(fleet.runners).toEqual([running]);
  expect(running!.pid).toBeDefined();
  expect(await apply([writing(parcel({ name: 'weight', type: 'int', default: 0 }))])).toEqual([name]);
  expect(told.at(-1)).toBe(`${name}: Stalled=False (NoProblem): nothing has to be changed`);
  expect(fleet.runners).toHaveLength(1);
  expect(fleet.runners).not.toEqual([running]);
});
