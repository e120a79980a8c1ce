import type { Kafka } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { API, KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { createKafka } from '../src/index.ts';
import { connection, createTopic, options, uniqueName } from './cluster-under-test.ts';
import { privateCopy } from './private-copy.ts';

/** Whether a consumer that is told to stop has left its group while its fetch still waits for an answer. */
async function leavesWhileItFetches(createClient: (brokers: string[]) => Kafka): Promise<boolean> {
  const proxy = await KafkaProxy.open(connection.brokers);
  onTestFinished(() => proxy.shut());
  const consumer = createClient(proxy.brokers).consumer({ groupId: uniqueName('group'), sessionTimeout: 6_000, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: await createTopic() });
  await consumer.run({ autoCommit: false, eachBatch: async () => {} });
  const fetches = proxy.hold(({ api }) => api === API.fetch);
  await expect.poll(() => fetches.requests.length, { timeout: 10_000 }).toBeGreaterThan(0);
  const leaves: object[] = [];
  const counting = proxy.hold((request) => {
    if (request.api === API.leaveGroup) leaves.push(request);
    return false;
  });
  const stopping = consumer.stop();
  // A question of its own on the way to the same broker and back: what was to be sent at once is sent
  const other = createClient(proxy.brokers).admin();
  await other.connect();
  await other.listTopics();
  await other.disconnect();
  const hasLeft = leaves.length > 0;
  fetches.release();
  await stopping;
  counting.release();
  expect(leaves).toHaveLength(1);
  await consumer.disconnect();
  return hasLeft;
}

test('a consumer leaves its group before the answer to its fetch comes', async () => {
  expect(await leavesWhileItFetches((brokers) => createKafka({ ...connection, brokers }, options))).toBe(true);
});

test('kafkajs as published waits for that answer', async () => {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  expect(await leavesWhileItFetches((brokers) => new Kafka({ brokers, logLevel: logLevel.NOTHING }))).toBe(false);
});
