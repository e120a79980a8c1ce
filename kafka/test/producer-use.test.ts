/**
 * What no override mends: how a kafkajs producer must not be used. Each test shows kafkajs as published
 * losing or doubling records without an error, and the way of use that does not. The worker's own tests
 * show that it uses producers in that way (docs/kafkajs.md).
 */
import type { Kafka, Producer, Transaction } from 'kafkajs';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Override } from '../src/hardening/override.ts';
import { connectAdmin, connection, createTopic, readUntil, texts, uniqueName } from './cluster-under-test.ts';
import { type PrivateCopy, privateCopy } from './private-copy.ts';

type BrokerCall = (this: unknown, request: object) => Promise<unknown>;
interface Published extends PrivateCopy { kafka(): Kafka; broker: Record<string, BrokerCall> }

/** kafkajs as published, whose requests can be tampered with at `broker`. */
function published(...spies: Override[]): Published {
  const copy = privateCopy(...spies);
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  return {
    ...copy,
    kafka: () => new Kafka({ brokers: connection.brokers, logLevel: logLevel.NOTHING }),
    broker: (copy.internals.load('broker') as { prototype: Record<string, BrokerCall> }).prototype,
  };
}

async function transactional(kafka: Kafka, transactionalId = uniqueName('producer')): Promise<Producer> {
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  return producer;
}

/** Makes the next call fail as with `type`, after the broker did it where `isDone`. */
function failNext({ broker }: Published, name: string, type: string, isDone = false): void {
  const original = broker[name]!;
  broker[name] = async function failOnce(request) {
    broker[name] = original;
    if (isDone) await original.call(this, request);
    throw Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type, retriable: false });
  };
}

/** A group that is at the beginning of a topic; returns its id. A cluster's first one has no coordinator at once. */
async function createGroup(topic: string): Promise<string> {
  const [group, admin] = [uniqueName('group'), await connectAdmin()];
  await admin.commitOffsets(group, [{ topic, partition: 0, offset: 0n }]);
  return group;
}

const write = (transaction: Transaction, topic: string, value: string) => transaction.send({ topic, messages: [{ value }] });

async function commitOne(producer: Producer, topic: string, value: string): Promise<void> {
  const transaction = await producer.transaction();
  await write(transaction, topic, value);
  await transaction.commit();
}

test('a producer that is used again after a failed send acknowledges a transaction that is not in the log', async () => {
  const [copy, topic, id] = [published(), await createTopic(), uniqueName('producer')];
  const producer = await transactional(copy.kafka(), id);
  failNext(copy, 'produce', 'REQUEST_TIMED_OUT', true);
  const failed = await producer.transaction();
  await expect(write(failed, topic, 'unknown')).rejects.toThrow('REQUEST_TIMED_OUT');
  await failed.abort();
  await commitOne(producer, topic, 'lost');

  await commitOne(await transactional(copy.kafka(), id), topic, 'by a new producer');
  expect(texts(await readUntil(topic, 'by a new producer'))).toEqual(['by a new producer']);
});

test.each(['INVALID_PRODUCER_ID_MAPPING', 'NOT_LEADER_FOR_PARTITION'])(
  'a commit after a first send that failed with %s resolves and asks no broker', async (type) => {
    const [copy, topic] = [published(), await createTopic()];
    const producer = await transactional(copy.kafka());
    failNext(copy, 'addPartitionsToTxn', type);
    const transaction = await producer.transaction();
    await expect(write(transaction, topic, 'never written')).rejects.toThrow(type);
    const endTxn = vi.spyOn(copy.broker, 'endTxn');
    await transaction.commit();
    expect(endTxn).not.toHaveBeenCalled();
  });

test('a producer that was disconnected connects again by itself and commits', async () => {
  const [copy, topic, admin] = [published(), await createTopic(), await connectAdmin()];
  const group = await createGroup(topic);
  const producer = await transactional(copy.kafka());
  const transaction = await producer.transaction();
  await write(transaction, topic, 'before');
  await producer.disconnect();
  await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions: [{ partition: 0, offset: '7' }] }] });
  await transaction.commit();
  expect(texts(await readUntil(topic, 'before'))).toEqual(['before']);
  await expect.poll(async () => (await admin.committedOffsets(group, [topic]))[0]!.offset).toBe(7n);
});


interface OffsetCache { committedOffsets(of: { groupId: string }): Record<string, Record<number, string>> }

/** The cache from which consumers of a client take where their group is. */
function offsetCacheOf(kafka: Kafka): OffsetCache {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster')!;
  return (kafka as unknown as Record<symbol, (options: object) => OffsetCache>)[symbol]!({});
}

test('offsets of an aborted transaction count as committed for consumers of the same client, not for those of another', async () => {
  const [copy, topic] = [published(), await createTopic()];
  const groupId = await createGroup(topic);
  const [producing, consuming] = [copy.kafka(), copy.kafka()];
  const transaction = await (await transactional(producing)).transaction();
  await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic, partitions: [{ partition: 0, offset: '7' }] }] });
  await transaction.abort();
  expect(offsetCacheOf(producing).committedOffsets({ groupId })).toEqual({ [topic]: { 0: '7' } });
  expect(offsetCacheOf(consuming).committedOffsets({ groupId })).toEqual({});
});

test('a send is one record batch, however large: what a topic does not take at once it takes in parts', async () => {
  const [copy, topic] = [published(), await createTopic()];
  const producer = copy.kafka().producer();
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  const messages = Array.from({ length: 1_500 }, (_, at) => ({ value: String(at).padEnd(1_000) }));
  await expect(producer.send({ topic, messages })).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' });
  for (const part of [messages.slice(0, 750), messages.slice(750)]) await producer.send({ topic, messages: part });
  const values = texts(await readUntil(topic, messages.at(-1)!.value));
  expect(values).toEqual(messages.map(({ value }) => value));
});

const LAST_SEQUENCE = 2 ** 31 - 1;

interface EosManager {
  initProducerId(): Promise<void>;
  updateSequence(topic: string, partition: number, increment: number): void;
}

test('a producer that comes to the last sequence number is refused', async () => {
  const [topic, managers] = [await createTopic(), [] as EosManager[]];
  const { kafka } = published({
    name: 'shows its managers',
    install: ({ replace }) => replace('producer/eosManager/index', (create: (options: object) => EosManager) => (options: object) => {
      managers.push(create(options));
      return managers.at(-1);
    }),
    isActive: () => true,
  });
  const producer = kafka().producer({ idempotent: true, retry: { retries: 1 } });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  managers[0]!.updateSequence(topic, 0, LAST_SEQUENCE - 2);
  const send = (...values: string[]) => producer.send({ topic, messages: values.map((value) => ({ value })) });
  await send('a', 'b');
  await expect(send('c')).rejects.toThrow(/out of order sequence/i);
});

/** A cluster of two brokers with one partition each, whose second partition moves to the first broker. */
function clusterThatMoves() {
  const log: string[] = [];
  const broker = (nodeId: number) => ({
    nodeId,
    produce: async ({ topicData }: { topicData: { partitions: { partition: number; messages: { value: string }[] }[] }[] }) => {
      const [{ partitions }] = topicData as [{ partitions: { partition: number; messages: { value: string }[] }[] }];
      if (partitions.some(({ partition }) => leaders[partition] !== nodeId)) {
        throw Object.assign(new Error('moved'), { name: 'KafkaJSProtocolError', type: 'NOT_LEADER_FOR_PARTITION', retriable: true });
      }
      for (const { messages } of partitions) log.push(...messages.map(({ value }) => value));
      return { topics: [] };
    },
  });
  const brokers = [broker(0), broker(1)];
  const leaders = [0, 0];
  const known = [0, 1];
  const cluster = {
    log,
    isConnected: () => true,
    addMultipleTargetTopics: async () => {},
    refreshMetadataIfNecessary: async () => {},
    refreshMetadata: async () => { known.splice(0, 2, ...leaders); },
    findTopicPartitionMetadata: () => [{ partitionId: 0 }, { partitionId: 1 }],
    findLeaderForPartitions: (_topic: string, partitions: string[]) => Object.groupBy(partitions.map(Number), (partition) => known[partition]!),
    findBroker: async ({ nodeId }: { nodeId: string }) => brokers[Number(nodeId)],
  };
  return cluster;
}

interface Sends { send(request: object): Promise<unknown> }

function sendsOn({ internals }: PrivateCopy, cluster: object): (...messages: [partition: number, value: string][]) => Promise<unknown> {
  const logger = { debug: () => {}, error: () => {}, warn: () => {}, namespace: () => logger };
  const createProducer = internals.load('producer/index') as (options: object) => Sends & { connect(): Promise<void> };
  const producer = createProducer({
    logger, cluster: { ...cluster, connect: async () => {} }, retry: { retries: 3, initialRetryTime: 1 },
    createPartitioner: () => ({ message }: { message: { partition: number } }) => message.partition,
  });
  return async (...messages) => {
    await producer.connect();
    return producer.send({ topic: 'topic', messages: messages.map(([partition, value]) => ({ partition, value })) });
  };
}

test('a send over several brokers loses what moves to a broker that has answered; one partition a send does not', async () => {
  const copy = published();
  const both = clusterThatMoves();
  await sendsOn(copy, both)([0, 'stays'], [1, 'moves']);
  expect(both.log).toEqual(['stays']);

  const apart = clusterThatMoves();
  const send = sendsOn(copy, apart);
  await send([0, 'stays']);
  await send([1, 'moves']);
  expect(apart.log).toEqual(['stays', 'moves']);
});
