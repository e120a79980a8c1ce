import { expect, onTestFinished, test } from 'vitest';
import { KafkaAdmin, sendRecord } from '../src/index.ts';
import { client, connectAdmin, connection, createTopic, options, uniqueName } from './cluster-under-test.ts';
import { privateCopy } from './private-copy.ts';

test('a topic is described as it was created, and one that does not exist is not', async () => {
  const admin = await connectAdmin();
  const name = uniqueName('topic');
  await admin.createTopics([{ name, partitions: 3, replicationFactor: 1, config: {} }]);
  expect(await admin.describeTopics([name, 'no-such-topic'])).toEqual([{ name, partitions: 3, replicationFactor: 1 }]);
});

test('all topics are listed but for internal ones', async () => {
  const admin = await connectAdmin();
  const name = await createTopic();
  await admin.committedOffsets(uniqueName('group'), [name]); // makes the broker create __consumer_offsets
  const names = (await admin.describeTopics()).map((topic) => topic.name);
  expect(names).toContain(name);
  expect(names.filter((each) => each.startsWith('__'))).toEqual([]);
});

test('a topic that exists stays as it is when it is created again, others are created', async () => {
  const admin = await connectAdmin();
  const name = await createTopic(2);
  const other = uniqueName('topic');
  const again = { name, partitions: 5, replicationFactor: 1, config: { 'retention.ms': '1' } };
  await admin.createTopics([again, { name: other, partitions: 1, replicationFactor: 1, config: {} }]);
  expect(await admin.describeTopics([name, other])).toMatchObject([{ partitions: 2 }, { partitions: 1 }]);
  expect((await admin.topicConfigs([name])).get(name)).not.toHaveProperty(['retention.ms']);
});

test('a topic that cannot be is refused with what was asked for', async () => {
  const admin = await connectAdmin();
  const name = uniqueName('topic');
  await expect(admin.createTopics([{ name, partitions: 1, replicationFactor: 1, config: { nonsense: 'x' } }])).rejects.toMatchObject({
    code: 'invalid-topic',
    message: expect.stringContaining(`${name} (partitions=1, replicationFactor=1, nonsense=x)`),
  });
});

test('changing one setting keeps the others', async () => {
  const admin = await connectAdmin();
  const name = await createTopic(1, { 'max.message.bytes': '2000000', 'cleanup.policy': 'compact' });
  await admin.alterTopicConfig(name, { 'retention.ms': '60000' });
  await admin.alterTopicConfig(name, { 'segment.ms': '50000' });
  expect((await admin.topicConfigs([name])).get(name)).toEqual({
    'max.message.bytes': '2000000',
    'compression.type': 'producer',
    'cleanup.policy': 'compact',
    'retention.ms': '60000',
    'segment.ms': '50000',
  });
});

test('kafkajs as published puts every setting that it is not given back to its default', async () => {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  const name = await createTopic(1, { 'cleanup.policy': 'compact' });
  const published = new Kafka({ brokers: connection.brokers, logLevel: logLevel.NOTHING }).admin();
  await published.connect();
  onTestFinished(() => published.disconnect());
  const configEntries = [{ name: 'retention.ms', value: '60000' }];
  await published.alterConfigs({ validateOnly: false, resources: [{ type: 2, name, configEntries }] });
  const admin = await connectAdmin();
  await expect.poll(async () => (await admin.topicConfigs([name])).get(name)).toMatchObject({ 'retention.ms': '60000' });
  expect((await admin.topicConfigs([name])).get(name)).not.toHaveProperty(['cleanup.policy']);
});

test('the size and compression of batches that hold are told also where the topic did not set it', async () => {
  const admin = await connectAdmin();
  const name = await createTopic();
  expect((await admin.topicConfigs([name])).get(name)).toEqual({
    'max.message.bytes': expect.stringMatching(/^\d+$/),
    'compression.type': 'producer',
  });
});

test('partitions grow and never shrink', async () => {
  const admin = await connectAdmin();
  const name = await createTopic(2);
  await admin.growPartitions(name, 4);
  await admin.growPartitions(name, 3);
  expect(await admin.describeTopics([name])).toMatchObject([{ partitions: 4 }]);
});

test('offsets reach to the high watermark, records of an open transaction included', async () => {
  const admin = await connectAdmin();
  const topic = await createTopic(2);
  const producer = client().producer({ transactionalId: uniqueName('producer'), idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  const open = await producer.transaction();
  await open.send({ topic, messages: [{ partition: 1, value: 'open' }] });
  expect(await admin.offsets(topic)).toEqual([
    { partition: 0, earliest: 0n, latest: 0n },
    { partition: 1, earliest: 0n, latest: 1n },
  ]);
  await open.abort();
});

test('a group has the offsets that were set for it, 0 included, and none elsewhere', async () => {
  const admin = await connectAdmin();
  const [topic, group] = [await createTopic(3), uniqueName('group')];
  await admin.commitOffsets(group, [
    { topic, partition: 0, offset: 0n },
    { topic, partition: 2, offset: 2n ** 40n },
  ]);
  expect(await admin.committedOffsets(group, [topic])).toMatchObject([
    { topic, partition: 0, offset: 0n },
    { topic, partition: 1, offset: null },
    { topic, partition: 2, offset: 2n ** 40n },
  ]);
});

test('"none" is asked twice, but for a topic that is new', async () => {
  const settleMs = 1_000;
  const admin = await connectAdmin(settleMs);
  const [fresh, old, group] = [uniqueName('topic'), await createTopic(), uniqueName('group')];
  await admin.createTopics([{ name: fresh, partitions: 1, replicationFactor: 1, config: {} }]);
  const isSettled = async (topic: string) => {
    const start = performance.now();
    await admin.committedOffsets(group, [topic]);
    return performance.now() - start >= settleMs;
  };
  expect(await isSettled(fresh)).toBe(false);
  expect(await isSettled(old)).toBe(true);
});

test('offsets of a group with members are not touched', async () => {
  const admin = await connectAdmin();
  const [topic, group] = [await createTopic(), uniqueName('group')];
  const consumer = client().consumer({ groupId: group, maxWaitTimeInMs: 100 });
  const joined = new Promise((resolve) => {
    consumer.on('consumer.group_join', resolve);
  });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topic });
  await consumer.run({ eachMessage: async () => {} });
  await joined;
  const offsets = [{ topic, partition: 0, offset: 5n }];
  await expect(admin.commitOffsets(group, offsets)).rejects.toMatchObject({
    code: 'group-in-use',
    message: expect.stringMatching(`group ${group}: .*stop the members of the group first$`),
  });
  await consumer.disconnect();
  await admin.commitOffsets(group, offsets);
  expect(await admin.committedOffsets(group, [topic])).toMatchObject(offsets);
});

test("a topic that was looked at and is deleted stands in nobody's way", async () => {
  const [admin, gone, fresh] = [await connectAdmin(), await createTopic(), uniqueName('topic')];
  await admin.offsets(gone);
  const other = client().admin();
  await other.connect();
  onTestFinished(() => other.disconnect());
  await other.deleteTopics({ topics: [gone] });
  await expect.poll(() => admin.describeTopics([gone])).toEqual([]);
  await admin.createTopics([{ name: fresh, partitions: 1, replicationFactor: 1, config: {} }]);
  expect(await admin.offsets(fresh)).toEqual([{ partition: 0, earliest: 0n, latest: 0n }]);
});

const ON_MISSING: Record<string, (admin: KafkaAdmin, missing: string) => Promise<unknown>> = {
  'reading its offsets': (admin, missing) => admin.offsets(missing),
  'reading those of a group on it': (admin, missing) => admin.committedOffsets('group', [missing]),
  'reading its settings': (admin, missing) => admin.topicConfigs([missing]),
  'changing its settings': (admin, missing) => admin.alterTopicConfig(missing, { 'retention.ms': '1' }),
  'growing it': (admin, missing) => admin.growPartitions(missing, 2),
};

test.each(Object.entries(ON_MISSING))('a topic that does not exist is named: %s', async (_sentence, attempt) => {
  await expect(attempt(await connectAdmin(), uniqueName('missing'))).rejects.toMatchObject({
    code: 'unknown-topic',
    message: expect.stringMatching(/^cannot .*(topic missing|group group).*create the topic first/),
  });
});

test('more replicas than brokers are refused', async () => {
  const topic = { name: uniqueName('topic'), partitions: 1, replicationFactor: 9, config: {} };
  await expect((await connectAdmin()).createTopics([topic])).rejects.toMatchObject({ code: 'invalid-topic', consequence: 'permanent' });
});

test('no broker: the address and what to do are said within the patience', async () => {
  const admin = new KafkaAdmin({ ...connection, brokers: ['localhost:1'] }, { log: () => {}, patienceMs: 300 });
  onTestFinished(() => admin.close());
  await expect(admin.connect()).rejects.toMatchObject({
    code: 'no-broker',
    consequence: 'systemic',
    message: expect.stringContaining('no broker answers at localhost:1, start Kafka'),
  });
});

test('a record that is too large, and one for a topic that does not exist, are refused', async () => {
  const topic = await createTopic(1, { 'max.message.bytes': '1000' });
  const record = { topic, key: null, value: Buffer.alloc(2_000) };
  await expect(sendRecord(connection, record, options)).rejects.toMatchObject({ code: 'record-too-large' });
  await expect(sendRecord(connection, { ...record, topic: 'no-such-topic' }, { ...options, patienceMs: 300 })).rejects.toMatchObject({
    code: 'unknown-topic',
  });
});
