import { randomUUID } from 'node:crypto';
import { RegistryClient } from '@sagafleet/registry';
import type { SagaStep, SchemaRef } from '@sagafleet/schemas';
import { expect, inject, onTestFinished, test } from 'vitest';
import { KafkaAdmin } from '@sagafleet/kafka';
import { KAFKA_OPTIONS, kafkaConnection } from '../src/connections.ts';
import { Fleet } from '../src/local/fleet.ts';
import { localValues } from '../src/local/local-values.ts';

/** Suspended, so that no worker is started. */
function stepReading(input: string, schema?: SchemaRef): SagaStep {
  return {
    apiVersion: 'sagafleet.dev/v1alpha1', kind: 'SagaStep', metadata: { name: `reader-of-${input}` },
    spec: { consumes: [{ topic: input }], suspend: true, outcomes: { done: { emit: [{ topic: `${input}-out`, ...(schema ? { schema } : {}) }] } } },
  };
}

async function fleetOn({ isKafkaOwn }: { isKafkaOwn: boolean }) {
  const told: string[] = [];
  const fleet = new Fleet({
    brokers: inject('brokers'), registryUrl: inject('registryUrl'), dataDir: '', logsDir: '', ingressPort: 0, replicas: new Map(),
    program: { command: '', args: [], env: {} }, values: localValues, isKafkaOwn,
    onLine: () => {}, onExit: () => {}, onProvision: (_step, kind, text) => { told.push(`${kind}: ${text}`); },
  });
  await fleet.connect();
  onTestFinished(() => fleet.stop());
  return { fleet, told };
}

async function partitionsOf(topic: string): Promise<number[]> {
  const admin = new KafkaAdmin(kafkaConnection(inject('brokers')), KAFKA_OPTIONS);
  await admin.connect();
  onTestFinished(() => admin.close());
  return (await admin.describeTopics([topic])).map(({ partitions }) => partitions);
}

test('a topic that no step emits is made in a Kafka of our own', async () => {
  const input = `foreign-${randomUUID()}`;
  const { fleet } = await fleetOn({ isKafkaOwn: true });
  await fleet.apply([stepReading(input)]);
  expect(await partitionsOf(input)).toEqual([3]);
});

test('in somebody else\'s Kafka it is waited for', async () => {
  const input = `foreign-${randomUUID()}`;
  const { fleet, told } = await fleetOn({ isKafkaOwn: false });
  await fleet.apply([stepReading(input)]);
  expect(await partitionsOf(input)).toEqual([]);
  expect(told).toContainEqual(expect.stringContaining(`pending: topic ${input}, which step reader-of-${input} consumes, does not exist yet`));
});

test('a step that is to write with a schema that can not be written with is not started until the schema is mended', async () => {
  const input = `parcels-${randomUUID()}`;
  const registry = new RegistryClient({ url: inject('registryUrl') });
  const parcel = (fallback: unknown) => JSON.stringify(
    { type: 'record', name: 'Parcel', fields: [{ name: 'door', type: ['int', 'null'], default: fallback }] });
  await registry.register(`${input}-value`, parcel(null));
  await registry.setCompatibilityLevel(`${input}-value`, 'NONE');
  const { fleet, told } = await fleetOn({ isKafkaOwn: true });
  const step = stepReading(input, { subject: `${input}-value` });
  expect(await fleet.apply([step])).toEqual([]);
  expect(told).toContainEqual(expect.stringMatching(`problem: schema of subject ${input}-value refused.*field "door".*it is not started`));

  await registry.register(`${input}-value`, parcel(1));
  expect(await fleet.apply([step])).toEqual([step.metadata.name]);
});
