import { createKafka, KafkaAdmin, type KafkaConnection } from '@sagafleet/kafka';
import { beforeAll, expect, inject, test } from 'vitest';
import { defaultCacheDir } from '../src/jvm/cache.ts';
import { findJava } from '../src/jvm/java.ts';
import { type KafkaTools, prepareKafka } from '../src/jvm/prepare.ts';
import { readBack } from '../src/jvm/read-back.ts';

const brokers = inject('brokers');
const topic = `read_back_${process.pid}`;
const content = { key: Buffer.from('k'), value: Buffer.from([0, 1, 2, 253]), headers: { trace: Buffer.from([0, 255]) } };
let tools: KafkaTools;

beforeAll(async () => {
  const { env } = process;
  tools = await prepareKafka({ env, java: await findJava(env), cacheDir: defaultCacheDir(env), onProgress: () => {} });
  await write();
});

/** One committed record, one aborted, one plain, and on another partition one whose transaction stays open. */
async function write(): Promise<void> {
  const connection: KafkaConnection = { brokers: [brokers], tls: false, sasl: null, clientId: 'test' };
  const kafka = createKafka(connection, { log: () => {} });
  const admin = new KafkaAdmin(connection, { log: () => {} });
  await admin.createTopics([{ name: topic, partitions: 2, replicationFactor: 1, config: {} }]);
  await admin.commitOffsets(`${topic}_group`, [{ topic, partition: 0, offset: 3n }]);
  await admin.close();

  const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true, transactionTimeout: 30_000 });
  await producer.connect();
  const committed = await producer.transaction();
  await committed.send({ topic, messages: [{ partition: 0, ...content, timestamp: '1700000000000' }] });
  await committed.commit();
  const aborted = await producer.transaction();
  await aborted.send({ topic, messages: [{ partition: 0, value: 'aborted' }] });
  await aborted.abort();
  const plain = kafka.producer();
  await plain.connect();
  await plain.send({ topic, messages: [{ partition: 0, key: null, value: null, timestamp: '1700000000001' }] });
  await plain.disconnect();
  const open = await producer.transaction();
  await open.send({ topic, messages: [{ partition: 1, value: 'open' }] });
  await producer.disconnect();
}

test('sees what a read-committed consumer sees, and where topics end and groups stand', async () => {
  const result = await readBack(tools, { brokers, topics: [topic], groups: [`${topic}_group`, 'no_such_group'] });
  expect(result.records).toEqual([
    { topic, partition: 0, offset: 0, timestamp: 1_700_000_000_000, ...content, headers: [['trace', content.headers.trace]] },
    { topic, partition: 0, offset: 4, timestamp: 1_700_000_000_001, key: null, value: null, headers: [] },
  ]);
  expect(result.ends.toSorted((a, b) => a.partition - b.partition)).toEqual([
    { topic, partition: 0, highWatermark: 5, lastStable: 5 },
    { topic, partition: 1, highWatermark: 1, lastStable: 0 },
  ]);
  expect(result.committed).toEqual([{ group: `${topic}_group`, topic, partition: 0, offset: 3 }]);
});

test('an unknown topic is an error that says so', async () => {
  await expect(readBack(tools, { brokers, topics: ['never_made'] })).rejects.toMatchObject({
    code: 'read-back-failed',
    message: expect.stringContaining('UnknownTopicOrPartition'),
  });
});
