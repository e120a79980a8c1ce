/** What no override mends: how kafkajs as published behaves as a member of a group. The worker's use of it is shown by its own tests (docs/kafkajs.md). */
import type { Consumer, ConsumerConfig, EachBatchHandler } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { client, connection, createTopic, uniqueName } from './cluster-under-test.ts';
import { type PrivateCopy, privateCopy } from './private-copy.ts';

interface BrokerClass {
  prototype: { fetch(request: object): Promise<unknown> };
}

function published(): PrivateCopy {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  return copy;
}

async function subscribed({ kafkajs }: PrivateCopy, topic: string, config: ConsumerConfig): Promise<Consumer> {
  const kafka = new kafkajs.Kafka({ brokers: connection.brokers, logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ maxWaitTimeInMs: 100, heartbeatInterval: 250, sessionTimeout: 6_000, ...config });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  return consumer;
}

const run = (consumer: Consumer, eachBatch: EachBatchHandler) => consumer.run({ autoCommit: false, eachBatch });

/** Fails the next fetch of this copy. */
function failNextFetch({ internals }: PrivateCopy, fields: object): void {
  const { prototype } = internals.load('broker') as BrokerClass;
  const { fetch } = prototype;
  prototype.fetch = async () => {
    prototype.fetch = fetch;
    throw Object.assign(new Error('fetch failed'), fields);
  };
}

async function membersOf(groupId: string): Promise<{ count: number; state: string }> {
  const admin = client().admin();
  await admin.connect();
  const {
    groups: [group],
  } = await admin.describeGroups([groupId]).finally(() => admin.disconnect());
  return { count: group!.members.length, state: group!.state };
}

test('a consumer that ends for good tells nobody but who listens for it', async () => {
  const [copy, topic] = [published(), await createTopic()];
  const consumer = await subscribed(copy, topic, { groupId: uniqueName('group') });
  const crash = new Promise<boolean>((resolve) => {
    consumer.on('consumer.crash', ({ payload }) => resolve(payload.restart));
  });
  await expect(run(consumer, async () => {})).resolves.toBeUndefined();
  failNextFetch(copy, { name: 'KafkaJSNotImplemented', retriable: false });
  expect(await crash).toBe(false);
});

test('a consumer that is stopped while it joins is a member still', async () => {
  const [copy, topic, groupId] = [published(), await createTopic(), uniqueName('group')];
  const { promise: stopped, resolve } = Promise.withResolvers<void>();
  const { roundRobin } = copy.kafkajs.PartitionAssigners;
  const consumer = await subscribed(copy, topic, {
    groupId,
    partitionAssigners: [
      (config) => {
        const assigner = roundRobin(config);
        const assign: typeof assigner.assign = async (group) => {
          // Between the join and the sync
          await consumer.stop();
          resolve();
          return assigner.assign(group);
        };
        return { ...assigner, assign };
      },
    ],
  });
  void run(consumer, async () => {});
  await stopped;
  await expect.poll(() => membersOf(groupId), { timeout: 5_000 }).toEqual({ count: 1, state: 'Stable' });
});
