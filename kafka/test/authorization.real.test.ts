import type { SASLOptions } from 'kafkajs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { GuardedBroker, type Grant } from '../../test/support/guarded-broker.ts';
import { createKafka, ISOLATION, KafkaAdmin, openCluster, readTopics, sendRecord, type KafkaConnection } from '../src/index.ts';
import { options } from './cluster-under-test.ts';
import { privateCopy } from './private-copy.ts';

const TOPIC = 'orders';
const GROUP = 'default.payment';

let broker: GuardedBroker;

beforeAll(async () => {
  broker = await GuardedBroker.start();
  const admin = new KafkaAdmin(broker.admin, options);
  await admin.connect();
  await admin.createTopics([{ name: TOPIC, partitions: 1, replicationFactor: 1, config: {} }]);
  await admin.close();
  await sendRecord(broker.admin, { topic: TOPIC, key: null, value: null }, options);
});
afterAll(async () => {
  await broker.stop();
});

interface Case {
  has?: Grant[];
  does(admin: KafkaAdmin, connection: KafkaConnection): Promise<unknown>;
  message: string;
}

const SEES: Grant = `DESCRIBE topic ${TOPIC}`;
const OFFSET = { topic: TOPIC, partition: 0, offset: 1n };

const CASES: Record<string, Case> = {
  'the offsets of a topic': { does: (admin) => admin.offsets(TOPIC), message: 'grant DESCRIBE on topic orders' },
  'a topic': { does: (admin) => admin.describeTopics([TOPIC]), message: 'grant DESCRIBE on topic orders' },
  'the offsets of a group, for which its coordinator is asked': {
    has: [SEES],
    does: (admin) => admin.committedOffsets(GROUP, [TOPIC]),
    message: 'grant DESCRIBE on group default.payment',
  },
  'to set the offsets of a group, for which its coordinator is asked': {
    has: [SEES],
    does: (admin) => admin.commitOffsets(GROUP, [OFFSET]),
    message: 'grant READ on group default.payment',
  },
  'to set the offsets of a group that it may see': {
    has: [SEES, `DESCRIBE group ${GROUP}`],
    does: (admin) => admin.commitOffsets(GROUP, [OFFSET]),
    message: 'grant READ on group default.payment',
  },
  'to set offsets on a topic': {
    has: [SEES, `READ group ${GROUP}`],
    does: (admin) => admin.commitOffsets(GROUP, [OFFSET]),
    message: 'grant READ on topic orders',
  },
  'to create a topic': {
    does: (admin) => admin.createTopics([{ name: 'new', partitions: 1, replicationFactor: 1, config: {} }]),
    message: 'grant CREATE on topic new',
  },
  'to grow a topic': { has: [SEES], does: (admin) => admin.growPartitions(TOPIC, 9), message: 'grant ALTER on topic orders' },
  'the settings of a topic': {
    has: [SEES],
    does: (admin) => admin.topicConfigs([TOPIC]),
    message: 'grant DESCRIBE_CONFIGS on topic orders',
  },
  'to change the settings of a topic': {
    has: [`DESCRIBE_CONFIGS topic ${TOPIC}`],
    does: (admin) => admin.alterTopicConfig(TOPIC, { 'retention.ms': '-1' }),
    message: 'grant ALTER_CONFIGS on topic orders',
  },
  'the settings of brokers': { does: (admin) => admin.brokerSetting('log.retention.ms'), message: 'grant DESCRIBE_CONFIGS on the cluster' },
  'to read a topic': {
    has: [SEES],
    does: (_admin, connection) => readTopics({ connection, ...options, topics: [TOPIC], until: 'end', onRecord: () => undefined }),
    message: 'grant READ on topic orders',
  },
};

test.each(Object.entries(CASES))(
  'a missing ACL is named at once, with its principal: %s',
  async (_sentence, { has = [], does, message }) => {
    const connection = await broker.connectionWith(...has);
    const admin = new KafkaAdmin(connection, options);
    await admin.connect();
    onTestFinished(() => admin.close());
    const startedAt = performance.now();
    const error: unknown = await does(admin, connection).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'not-authorized', consequence: 'systemic' });
    expect((error as Error).message).toMatch(new RegExp(`, ${message} to User:${connection.sasl.username}$`));
    expect(performance.now() - startedAt).toBeLessThan(options.patienceMs! / 3);
  },
);

test('kafkajs as published says of a group that it refuses that it has no coordinator', async () => {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  const { brokers, sasl } = await broker.connectionWith(SEES);
  const admin = new Kafka({ brokers, sasl: sasl as SASLOptions, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  await expect(admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] })).rejects.toMatchObject({ name: 'KafkaJSGroupCoordinatorNotFound' });
});

test('the coordinator of a transactional id is refused as such', async () => {
  const connection = await broker.connectionWith(SEES);
  const cluster = openCluster(createKafka(connection, options), ISOLATION.readCommitted);
  await cluster.connect();
  onTestFinished(() => cluster.disconnect());
  await cluster.addTargetTopic(TOPIC);
  await expect(cluster.findGroupCoordinator({ groupId: 'sagafleet.default.payment.0', coordinatorType: 1 } as never)).rejects.toMatchObject(
    { type: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' },
  );
});
