import type { Consumer, ConsumerConfig, EachBatchHandler, Kafka } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { AssignerProtocol, onOffsetOutOfRange, sendRecord } from '../src/index.ts';
import { client, connectAdmin, connection, createTopic, options, uniqueName } from './cluster-under-test.ts';
import { privateCopy } from './private-copy.ts';

function published(): Kafka {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  return new Kafka({ brokers: connection.brokers, logLevel: logLevel.NOTHING });
}

async function consume(kafka: Kafka, topic: string, config: ConsumerConfig, eachBatch: EachBatchHandler): Promise<Consumer> {
  const consumer = kafka.consumer({ maxWaitTimeInMs: 100, ...config });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatch });
  return consumer;
}

/** An aborted record and its control record, nothing else. */
async function writeNothingVisible(topic: string): Promise<void> {
  const producer = client().producer({ transactionalId: uniqueName('producer'), idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: [{ value: 'aborted' }] });
  await transaction.abort();
  await producer.disconnect();
}

interface Handed { count: number; lastOffset: string }

/** The batches that a consumer is handed up to the first that holds a record. */
async function batchesBeforeRecord(kafka: Kafka, topic: string): Promise<Handed[]> {
  const batches: Handed[] = [];
  await new Promise<void>((resolve, reject) => {
    consume(kafka, topic, { groupId: uniqueName('group') }, async ({ batch }) => {
      batches.push({ count: batch.messages.length, lastOffset: batch.lastOffset() });
      if (batch.messages.length > 0) resolve();
      else await sendRecord(connection, { topic, key: null, value: null }, options);
    }).catch(reject);
  });
  return batches;
}

test('a batch without a visible record is handed over, with its end', async () => {
  const topic = await createTopic();
  await writeNothingVisible(topic);
  expect(await batchesBeforeRecord(client(), topic)).toEqual([{ count: 0, lastOffset: '1' }, { count: 1, lastOffset: '2' }]);
});

test('kafkajs as published hands over no such batch', async () => {
  const topic = await createTopic();
  await writeNothingVisible(topic);
  await sendRecord(connection, { topic, key: null, value: null }, options);
  expect((await batchesBeforeRecord(published(), topic)).map(({ count }) => count)).toEqual([1]);
});

const FAR = 1_000n;

/** A group whose committed offset lies behind the end of its topic. */
async function groupBehindTheEnd(): Promise<{ topic: string; groupId: string; committed(): Promise<bigint | null> }> {
  const admin = await connectAdmin();
  const [topic, groupId] = [await createTopic(), uniqueName('group')];
  await admin.commitOffsets(groupId, [{ topic, partition: 0, offset: FAR }]);
  return { topic, groupId, committed: async () => (await admin.committedOffsets(groupId, [topic]))[0]!.offset };
}

test('a position out of range is told to the handler, and nothing is committed', async () => {
  const { topic, groupId, committed } = await groupBehindTheEnd();
  const told = await new Promise((resolve, reject) => {
    const assigner: NonNullable<ConsumerConfig['partitionAssigners']>[number] = ({ cluster }) => {
      onOffsetOutOfRange(cluster, resolve);
      return {
        name: 'alone',
        version: 0,
        protocol: ({ topics }) => ({ name: 'alone', metadata: AssignerProtocol.MemberMetadata.encode({ version: 0, topics, userData: Buffer.alloc(0) }) }),
        assign: async ({ members }) => members.map(({ memberId }) => ({
          memberId, memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 0, assignment: { [topic]: [0] }, userData: Buffer.alloc(0) }),
        })),
      };
    };
    consume(client(), topic, { groupId, partitionAssigners: [assigner] }, async () => {}).catch(reject);
  });
  expect(told).toEqual({ topic, partition: 0 });
  expect(await committed()).toBe(FAR);
});

test('without a handler, as in kafkajs as published, the offset of the group is lost', async () => {
  for (const kafka of [client(), published()]) {
    const { topic, groupId, committed } = await groupBehindTheEnd();
    await consume(kafka, topic, { groupId }, async () => {});
    await expect.poll(committed, { timeout: 20_000 }).toBe(null);
  }
});
