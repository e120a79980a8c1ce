import { KafkaAdmin, NO_MEMBER, RecordBatchBuilder, type KafkaConnection } from '@sagafleet/kafka';
import { RegistryClient } from '@sagafleet/registry';
import type { WorkerSettings } from '@sagafleet/schemas';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { GuardedBroker, type Grant } from '../../test/support/guarded-broker.ts';
import { settingsFor } from '../../test/support/settings.ts';
import { WorkerProcess } from '../../test/support/worker-process.ts';
import type { WorkerConfig } from '../src/config.ts';
import type { Driver, MemberEvents } from '../src/driver.ts';
import { createKafkajsDriver } from '../src/worker.ts';
import { EVENT_SCHEMA } from './support/step-fixture.ts';

const NAME = 'guarded';
const GROUP = `default.${NAME}`;
const [INPUT, OUTPUT, DEAD_LETTERS] = [`${NAME}-in`, `${NAME}-out`, `${GROUP}.dlq`];
const TRANSACTIONAL_ID = `sagafleet.${GROUP}.0`;

let broker: GuardedBroker;
const logged: string[] = [];

beforeAll(async () => {
  broker = await GuardedBroker.start();
  const admin = new KafkaAdmin(broker.admin, { log: () => undefined });
  await admin.connect();
  await admin.createTopics([INPUT, OUTPUT, DEAD_LETTERS].map((name) => ({ name, partitions: 1, replicationFactor: 1, config: {} })));
  await admin.commitOffsets(GROUP, [{ topic: INPUT, partition: 0, offset: 0n }]);
  await admin.close();
  const registry = new RegistryClient({ url: inject('registryUrl') });
  for (const topic of [INPUT, OUTPUT]) await registry.register(`${topic}-value`, EVENT_SCHEMA);
});
afterAll(async () => {
  await broker.stop();
});

type Guarantee = WorkerSettings['delivery']['guarantee'];

function settings(guarantee: Guarantee): WorkerSettings {
  const all = settingsFor(NAME, { brokers: broker.admin.brokers, registryUrl: inject('registryUrl') });
  return { ...all, delivery: { ...all.delivery, guarantee }, kafka: { ...all.kafka, sasl: 'plain' } };
}

function driverFor({ sasl }: KafkaConnection, guarantee: Guarantee): Driver {
  const config: WorkerConfig = {
    settings: settings(guarantee),
    clientId: 'test',
    logLevel: 'error',
    healthListen: { host: '', port: 0 },
    ingressListen: { host: '', port: 0 },
    kafkaCredentials: sasl,
    registryCredentials: null,
  };
  const driver = createKafkajsDriver(
    config,
    pino(
      { level: 'warn' },
      {
        write: (line) => {
          logged.push(line);
        },
      },
    ),
  );
  onTestFinished(() => driver.close());
  return driver;
}

const EVENTS: MemberEvents = {
  onAssigned: () => undefined,
  onBatch: () => undefined,
  isMemoryFull: () => false,
  onRecreated: () => undefined,
  onUnreadable: () => undefined,
  knownPositions: () => [],
  onOutOfRange: () => undefined,
  onCrash: () => undefined,
};

async function join(driver: Driver, events = EVENTS): Promise<void> {
  const member = driver.member(events);
  onTestFinished(() => member.leave([]));
  await member.join();
}

async function begin(driver: Driver) {
  // One that cannot join for what it is not allowed begins nothing
  Object.defineProperty(driver.member(EVENTS), 'membership', { value: NO_MEMBER });
  const producer = await driver.fenceTask(0, () => undefined);
  onTestFinished(() => producer.discard());
  await producer.activate?.();
  return producer.begin();
}

async function write(driver: Driver): Promise<void> {
  const records = RecordBatchBuilder.of([{ key: null, value: null, constantHeaders: [], headers: [] }]);
  await (await begin(driver)).send([{ topic: OUTPUT, partition: 0, records }]);
}

const SEES_TOPICS: Grant[] = [INPUT, OUTPUT, DEAD_LETTERS].map((topic): Grant => `DESCRIBE topic ${topic}`);
const FENCES: Grant[] = [...SEES_TOPICS, `WRITE transactional id ${TRANSACTIONAL_ID}`];

interface Case {
  has?: Grant[];
  guarantee?: Guarantee;
  does(driver: Driver): Promise<unknown>;
  grant: string;
}

const CASES: Record<string, Case> = {
  'partitions of a topic': { does: (driver) => driver.partitionCounts([INPUT, OUTPUT]), grant: `DESCRIBE on topic ${INPUT} and ${OUTPUT}` },
  'partitions of another topic': {
    has: [`DESCRIBE topic ${INPUT}`],
    does: (driver) => driver.partitionCounts([INPUT, OUTPUT]),
    grant: `DESCRIBE on topic ${OUTPUT}`,
  },
  'the coordinator of the group': { has: SEES_TOPICS, does: (driver) => join(driver), grant: `READ and DESCRIBE on group ${GROUP}` },
  'the coordinator of the transactional id': {
    has: SEES_TOPICS,
    does: begin,
    grant: `WRITE and DESCRIBE on transactional id ${TRANSACTIONAL_ID}`,
  },
  'to fence': {
    has: [...SEES_TOPICS, `DESCRIBE transactional id ${TRANSACTIONAL_ID}`],
    does: begin,
    grant: `WRITE and DESCRIBE on transactional id ${TRANSACTIONAL_ID}`,
  },
  'to write': { has: [...FENCES, `READ group ${GROUP}`], does: write, grant: `WRITE and DESCRIBE on topic ${OUTPUT}` },
  'to write without transactions': {
    has: [...SEES_TOPICS, `WRITE topic ${DEAD_LETTERS}`],
    guarantee: 'AtLeastOnce',
    does: write,
    grant: `WRITE and DESCRIBE on topic ${OUTPUT}`,
  },
  'to write at all': { has: SEES_TOPICS, guarantee: 'AtLeastOnce', does: write, grant: 'IDEMPOTENT_WRITE on the cluster' },
  'to look at the offsets of the group, and to set them': {
    has: FENCES,
    does: async (driver) => (await begin(driver)).sendOffsets([{ topic: INPUT, partition: 0, offset: 0n }]),
    grant: `READ and DESCRIBE on group ${GROUP}`,
  },
  'to set offsets on a topic': {
    has: [...FENCES, `READ group ${GROUP}`],
    does: async (driver) => (await begin(driver)).sendOffsets([{ topic: INPUT, partition: 0, offset: 0n }]),
    grant: `READ and DESCRIBE on topic ${INPUT}`,
  },
};

describe('a missing ACL is named, with its principal, and waited for', () => {
  test.each(Object.entries(CASES))('%s', async (_sentence, { has = [], guarantee = 'ExactlyOnce', does, grant }) => {
    const connection = await broker.connectionWith(...has);
    const error: unknown = await does(driverFor(connection, guarantee)).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'not-authorized', consequence: 'systemic' });
    expect((error as Error).message).toContain(`, grant ${grant} to User:${connection.sasl.username}: `);
  });

  test('to be a member, which joins once it is granted', async () => {
    const crashes: Error[] = [];
    const onCrash = (error: Error) => {
      crashes.push(error);
    };
    const connection = await broker.connectionWith(...SEES_TOPICS, `DESCRIBE group ${GROUP}`);
    const joined = join(driverFor(connection, 'ExactlyOnce'), { ...EVENTS, onCrash });
    await expect
      .poll(() => logged, { timeout: 10_000 })
      .toContainEqual(expect.stringContaining(`grant READ and DESCRIBE on group ${GROUP} to the user that connects`));
    await broker.grant(connection.sasl.username, [`READ group ${GROUP}`]);
    await joined;
    expect(crashes).toEqual([]);
  });

  test('by a worker, which goes on once it is granted', async () => {
    const { sasl } = await broker.connectionWith(...FENCES, `READ topic ${INPUT}`);
    const worker = await WorkerProcess.start(settings('ExactlyOnce'), {
      SAGAFLEET_KAFKA_USERNAME: sasl.username,
      SAGAFLEET_KAFKA_PASSWORD: sasl.password,
    });
    onTestFinished(() => worker.remove());
    await worker.logged(`grant READ and DESCRIBE on group ${GROUP} to User:${sasl.username}`);
    await broker.grant(sasl.username, [`READ group ${GROUP}`]);
    await worker.ready();
  });
});
