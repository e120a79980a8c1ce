import { expect, inject, onTestFinished, test } from 'vitest';
import { API, KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { type BatchProducer, Connections, createKafka, NO_MEMBER, RecordBatchBuilder, TransactionalProducers } from '../src/index.ts';
import { sequenceAfter } from '../src/produce/batch-producer.ts';
import { client, connectAdmin, connection, createTopic, options, readUntil, texts, uniqueName } from './cluster-under-test.ts';

async function open(transactionalId: string, { kafka = client(), throwIfOver = () => {}, group = '' } = {}): Promise<BatchProducer> {
  const connections = new Connections(kafka);
  onTestFinished(() => connections.close());
  const producers = new TransactionalProducers(connections, {
    group: group || uniqueName('group'),
    outputs: [],
    transactionTimeoutMs: 15_000,
  });
  const producer = await producers.open({ transactionalId, inputs: [], throwIfOver, isBehind: () => false, toldPosition: () => null });
  await producer.activate();
  return producer;
}

const batchOf = (topic: string, ...values: string[]) => [
  {
    topic,
    partition: 0,
    records: RecordBatchBuilder.of(values.map((value) => ({ key: null, value: Buffer.from(value), constantHeaders: [], headers: [] }))),
  },
];

test('transactions that follow each other at once all commit, with their positions', async () => {
  const [topic, group, admin] = [await createTopic(), uniqueName('group'), await connectAdmin()];
  await admin.commitOffsets(group, [{ topic, partition: 0, offset: 0n }]);
  const producer = await open(uniqueName('producer'), { group });
  for (let at = 1; at <= 20; at++) {
    await Promise.all([
      producer.send(batchOf(topic, `a${at}`, `b${at}`)),
      producer.sendOffsets(group, NO_MEMBER, [{ topic, partition: 0, offset: BigInt(at) }]),
    ]);
    await producer.commit();
  }
  expect(texts(await readUntil(topic, 'b20'))).toEqual(Array.from({ length: 20 }, (_, at) => [`a${at + 1}`, `b${at + 1}`]).flat());
  await expect.poll(async () => (await admin.committedOffsets(group, [topic]))[0]!.offset).toBe(20n);
});

/** The id of the only member of a group, whose generation is 1. */
async function joinGroup(groupId: string, topic: string): Promise<string> {
  const consumer = client().consumer({ groupId, sessionTimeout: 6_000, allowAutoTopicCreation: false });
  const joined = new Promise<string>((resolve) => {
    consumer.on('consumer.group_join', ({ payload }) => resolve(payload.memberId));
  });
  await consumer.connect();
  onTestFinished(() => consumer.disconnect());
  await consumer.subscribe({ topic });
  await consumer.run({ autoCommit: false, eachBatch: async () => undefined });
  return joined;
}

test('positions are taken of a member of the present generation, and are refused to others without an effect', async () => {
  const [one, other, group, admin] = [await createTopic(2), await createTopic(), uniqueName('group'), client().admin()];
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  const producer = await open(uniqueName('producer'), { group });
  const positions = (offset: bigint) => [
    { topic: one, partition: 0, offset, metadata: `ü ${offset}` },
    { topic: other, partition: 0, offset: offset + 1n },
    { topic: one, partition: 1, offset: offset + 2n },
  ];
  const memberId = await joinGroup(group, one);
  const refused = async (membership: typeof NO_MEMBER) => {
    const error: unknown = await producer.sendOffsets(group, membership, positions(10n)).catch((cause: unknown) => cause);
    return (error as { type?: string } | undefined)?.type;
  };
  expect(await refused({ memberId, generation: 0 })).toBe('ILLEGAL_GENERATION');
  expect(await refused({ memberId: 'somebody', generation: 1 })).toBe('UNKNOWN_MEMBER_ID');
  expect(await refused({ memberId: '', generation: 1 })).toBe('UNKNOWN_MEMBER_ID');
  await producer.sendOffsets(group, { memberId, generation: 1 }, positions(20n));
  await producer.commit();
  await producer.settled;
  const committed = async () =>
    (await admin.fetchOffsets({ groupId: group, topics: [one, other] })).map(({ topic, partitions }) => ({
      topic,
      offsets: partitions.map(({ offset, metadata }) => `${offset} ${metadata ?? ''}`),
    }));
  expect(await committed()).toEqual([
    { topic: one, offsets: ['20 ü 20', '22 '] },
    { topic: other, offsets: ['21 '] },
  ]);

  // Nothing but the guard on the read of offsets keeps a member from going back
  await producer.sendOffsets(group, { memberId, generation: 1 }, positions(5n));
  await producer.commit();
  await producer.settled;
  expect(await committed()).toEqual([
    { topic: one, offsets: ['5 ü 5', '7 '] },
    { topic: other, offsets: ['6 '] },
  ]);
});

test('the next holder of an id ends the transaction of the one before, which cannot write any more', async () => {
  const [topic, id] = [await createTopic(), uniqueName('producer')];
  const before = await open(id);
  await before.send(batchOf(topic, 'never committed'));
  const next = await open(id);
  await expect(before.send(batchOf(topic, 'too late'))).rejects.toThrow(/epoch|fenced/i);
  await next.send(batchOf(topic, 'last'));
  await next.commit();
  expect(texts(await readUntil(topic, 'last'))).toEqual(['last']);
});

test('whoever is not the owner any more stops fencing between two attempts', async () => {
  const [topic, id] = [await createTopic(), uniqueName('producer')];
  const owner = await open(id);
  // Its end is what the coordinator is busy with when it is asked for the first time
  await owner.send(batchOf(topic, 'open'));
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  let sent = 0;
  const counting = proxy.hold(({ api }) => {
    sent += Number(api === API.initProducerId);
    return false;
  });
  const throwIfOver = () => {
    if (sent > 0) throw new Error('task 0 was lost');
  };
  await expect(open(id, { kafka: createKafka({ ...connection, brokers: proxy.brokers }, options), throwIfOver })).rejects.toThrow(
    'task 0 was lost',
  );
  counting.release();
  expect(sent).toBe(1);
});

test.each([
  [0, 5, 5],
  [2 ** 31 - 6, 5, 2 ** 31 - 1],
  [2 ** 31 - 1, 1, 0],
  [2 ** 31 - 2, 5, 3],
])('after sequence number %i and %i records comes %i', (first, records, next) => {
  expect(sequenceAfter(first, records)).toBe(next);
});
