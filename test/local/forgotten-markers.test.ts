/**
 * A broker that is killed between the answer to EndTxn and the markers calls the transaction complete when it comes back, and
 * writes none (ADR 10). Kills until that has happened, under a step that commits as often as it can.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort, startPlatform, startSession, untilReady, type Platform, type Session } from '@sagafleet/cli';
import { Connections, createKafka, KafkaAdmin, listOffsets, LOG_END, readTopics, type KafkaConnection } from '@sagafleet/kafka';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import type { SagaStep } from '@sagafleet/schemas';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { until } from '../support/until.ts';

const [INPUT, OUTPUT, GROUP] = ['ticket_sold', 'ticket_checked', 'default.gate'];
const PARTITIONS = 8;
const RECORDS_PER_PARTITION = 4_000;
const RECORDS = PARTITIONS * RECORDS_PER_PARTITION;
const MOST_KILLS = 12;
const ENOUGH = 2;
const TEST_MS = 240_000;
const TICKET = JSON.stringify({ type: 'record', name: 'Ticket', fields: [{ name: 'seat', type: 'int' }] });

const STEP: SagaStep = {
  apiVersion: 'sagafleet.dev/v1alpha1', kind: 'SagaStep', metadata: { name: 'gate' },
  spec: {
    consumes: [{ topic: INPUT }], outcomes: { checked: { emit: [{ topic: OUTPUT }] } },
    delivery: { transaction: { maxRecords: 5 } },
  },
} as SagaStep;

let platform: Platform;
let connection: KafkaConnection;
let admin: KafkaAdmin;

beforeAll(async () => {
  platform = await startPlatform({
    env: process.env, kafkaPort: await findFreePort(), registryUrl: inject('registryUrl'), onProgress: () => {}, onCrash: (error) => console.error(error.message),
  });
  connection = { brokers: [platform.brokers], tls: false, sasl: null, clientId: 'test' };
  admin = new KafkaAdmin(connection, { log: () => {} });
  await admin.connect();
}, 60_000);

afterAll(async () => {
  await admin.close();
  await platform.stop();
});

async function sell(): Promise<void> {
  const registry = new RegistryClient({ url: inject('registryUrl') });
  await registry.register(`${INPUT}-value`, TICKET);
  const encoder = await new AvroCodecs(registry).loadEncoder({ kind: 'subject', subject: `${INPUT}-value`, version: 'latest' });
  const producer = createKafka(connection, { log: () => {} }).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const messages = Array.from({ length: RECORDS_PER_PARTITION }, (_, at) => {
      const seat = partition * RECORDS_PER_PARTITION + at;
      return { key: String(seat), value: encoder.encode({ seat }), partition };
    });
    await producer.send({ topic: INPUT, messages });
  }
  await producer.disconnect();
}

function start(): Promise<Session> {
  const sink = { write: () => true };
  const silent = () => {};
  return startSession([STEP], { kafka: platform.brokers, registry: inject('registryUrl'), ingressPort: 0, replicas: new Map() }, {
    io: { stdout: sink, stderr: sink, env: process.env, cwd: process.cwd(), isTerminal: false },
    reporter: { progress: silent, logLine: silent, notice: silent, crashed: silent },
  });
}

const position = async () => (await admin.committedOffsets(GROUP, [INPUT])).reduce((sum, { offset }) => sum + Number(offset ?? 0n), 0);
const skipped = () => readFileSync(join(platform.logsDir, 'kafka-1.log'), 'utf8').split('\n').filter((line) => line.includes('hence can be skipped')).length;

test('a broker that leaves markers out loses no record and duplicates none', { timeout: TEST_MS }, async () => {
  await admin.createTopics([{ name: INPUT, partitions: PARTITIONS, replicationFactor: 1, config: {} }]);
  await sell();
  const session = await start();
  await untilReady(session);
  const broker = platform.kafka!.brokers[0]!;
  let kills = 0;
  for (; kills < MOST_KILLS && skipped() < ENOUGH; kills++) {
    const before = await until('the position', () => position().catch(() => null));
    await until('the step to go on', async () => (await position().catch(() => 0)) > before, 60_000);
    await broker.kill();
    await broker.start();
  }
  console.error(`${skipped()} transactions without markers in ${kills} kills`);
  await until('all records', async () => (await position().catch(() => 0)) >= RECORDS, 120_000);
  await session.stop();
  expect(skipped()).toBeGreaterThan(0);

  const connections = new Connections(createKafka(connection, { log: () => {} }));
  const [stable, end] = await Promise.all([true, false].map((isCommitted) => listOffsets(connections, OUTPUT, { time: LOG_END, isCommitted })));
  await connections.close();
  expect(stable).toEqual(end);
  const keys: number[] = [];
  await readTopics({ connection, topics: [OUTPUT], until: 'end', log: () => {}, onRecord: ({ key }) => { keys.push(Number(key)); } });
  const seen = new Set(keys);
  expect({ lost: RECORDS - seen.size, duplicates: keys.length - seen.size }).toEqual({ lost: 0, duplicates: 0 });
});
