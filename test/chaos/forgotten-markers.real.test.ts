/**
 * A broker that is killed between the answer to EndTxn and the markers calls the transaction complete when it comes back, and
 * writes none (ADR 10). Kills until that has happened, under a step that commits as often as it can. The worker goes with the
 * broker: its successor knows only what the brokers say.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connections, createKafka, KafkaAdmin, listOffsets, LOG_END, readTopics, type KafkaConnection } from '@sagafleet/kafka';
import type { Platform } from '@sagafleet/local';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import type { WorkerSettings } from '@sagafleet/schemas';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startOwnBroker } from '../support/own-broker.ts';
import { settingsFor } from '../support/settings.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const NAME = 'gate';
const [INPUT, OUTPUT, GROUP] = [`${NAME}-in`, `${NAME}-out`, `default.${NAME}`];
const PARTITIONS = 8;
const RECORDS_PER_PARTITION = 4_000;
const RECORDS = PARTITIONS * RECORDS_PER_PARTITION;
const MOST_KILLS = 12;
const ENOUGH = 12;
const TEST_MS = 400_000;
const TICKET = JSON.stringify({ type: 'record', name: 'Ticket', fields: [{ name: 'seat', type: 'int' }] });

let platform: Platform;
let connection: KafkaConnection;
let admin: KafkaAdmin;

beforeAll(async () => {
  platform = await startOwnBroker();
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
  for (const topic of [INPUT, OUTPUT]) await registry.register(`${topic}-value`, TICKET);
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

function settings(): WorkerSettings {
  const all = settingsFor(NAME, { brokers: connection.brokers, registryUrl: inject('registryUrl') });
  return { ...all, delivery: { ...all.delivery, maxRecords: 5 }, kafka: { ...all.kafka, sessionTimeoutMs: 6_000 } };
}

const position = async () => (await admin.committedOffsets(GROUP, [INPUT])).reduce((sum, { offset }) => sum + Number(offset ?? 0n), 0);
const skipped = () =>
  readFileSync(join(platform.logsDir, 'kafka-1.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('hence can be skipped')).length;

async function keysOf(topic: string): Promise<number[]> {
  const keys: number[] = [];
  await readTopics({
    connection,
    topics: [topic],
    until: 'end',
    log: () => {},
    onRecord: ({ key }) => {
      keys.push(Number(key));
    },
  });
  return keys;
}

test('a broker that leaves markers out loses no record and duplicates none', { timeout: TEST_MS }, async () => {
  const topic = (name: string, partitions: number) => ({ name, partitions, replicationFactor: 1, config: {} });
  await admin.createTopics([topic(INPUT, PARTITIONS), topic(OUTPUT, PARTITIONS), topic(`${GROUP}.dlq`, 1)]);
  await admin.commitOffsets(
    GROUP,
    Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: INPUT, partition, offset: 0n })),
  );
  await sell();
  let worker = await WorkerProcess.start(settings());
  const broker = platform.kafka!.brokers[0]!;
  let kills = 0;
  for (; kills < MOST_KILLS && skipped() < ENOUGH; kills++) {
    const before = await until('the position', () => position().catch(() => null));
    await until('the step to go on', async () => (await position().catch(() => 0)) > before, 60_000);
    await Promise.all([broker.kill(), worker.stop('SIGKILL')]);
    await broker.start();
    worker = await WorkerProcess.start(settings());
  }
  console.error(`${skipped()} transactions without markers in ${kills} kills`);
  await until('all records', async () => (await position().catch(() => 0)) >= RECORDS, 120_000);
  await worker.stop();
  expect(skipped()).toBeGreaterThan(0);

  const connections = new Connections(createKafka(connection, { log: () => {} }));
  const [stable, end] = await Promise.all(
    [true, false].map((isCommitted) => listOffsets(connections, OUTPUT, { time: LOG_END, isCommitted })),
  );
  await connections.close();
  expect(stable).toEqual(end);
  const [keys, deadLetters] = await Promise.all([OUTPUT, `${GROUP}.dlq`].map(keysOf));
  const seen = new Set(keys);
  expect({ lost: RECORDS - seen.size, duplicates: keys!.length - seen.size, deadLetters }).toEqual({
    lost: 0,
    duplicates: 0,
    deadLetters: [],
  });
});
