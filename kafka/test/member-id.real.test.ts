import type { Kafka } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { createKafka } from '../src/index.ts';
import { connection, createTopic, options, uniqueName } from './cluster-under-test.ts';
import { privateCopy } from './private-copy.ts';

/** The ids under which a consumer joins before and after its connections are cut. */
async function idsOverACrash(proxy: KafkaProxy, kafka: Kafka): Promise<string[]> {
  const topic = await createTopic();
  const consumer = kafka.consumer({ groupId: uniqueName('group'), sessionTimeout: 6_000, maxWaitTimeInMs: 100 });
  const ids: string[] = [];
  consumer.on('consumer.group_join', ({ payload }) => {
    ids.push(payload.memberId);
  });
  consumer.on('consumer.crash', () => void proxy.open());
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topic });
  await consumer.run({ autoCommit: false, eachBatch: async () => {} });
  // run() resolves also where the first join fails, as it does while a new broker loads its groups
  await expect.poll(() => ids.length, { timeout: 30_000 }).toBe(1);
  await proxy.shut();
  await expect.poll(() => ids.length, { timeout: 30_000 }).toBe(2);
  return ids;
}

async function openProxy(): Promise<KafkaProxy> {
  const proxy = await KafkaProxy.open(connection.brokers);
  onTestFinished(() => proxy.shut());
  return proxy;
}

test('a consumer that restarts after a crash is the same member', async () => {
  const proxy = await openProxy();
  const kafka = createKafka({ ...connection, brokers: proxy.brokers }, { ...options, patienceMs: 200 });
  const [before, after] = await idsOverACrash(proxy, kafka);
  expect(after).toBe(before);
});

test('with kafkajs as published it is another one, and the group waits for the first', async () => {
  const proxy = await openProxy();
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  const kafka = new Kafka({ brokers: proxy.brokers, logLevel: logLevel.NOTHING, retry: { retries: 2, initialRetryTime: 50 } });
  const [before, after] = await idsOverACrash(proxy, kafka);
  expect(after).not.toBe(before);
});
