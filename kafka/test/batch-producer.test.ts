import { expect, inject, onTestFinished, test } from 'vitest';
import { API, KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { type BatchProducer, Connections, createKafka, RecordBatchBuilder, TransactionalProducers } from '../src/index.ts';
import { sequenceAfter } from '../src/produce/batch-producer.ts';
import { client, connectAdmin, connection, createTopic, options, readUntil, texts, uniqueName } from './cluster-under-test.ts';

async function open(transactionalId: string, { kafka = client(), throwIfOver = () => {}, group = '' } = {}): Promise<BatchProducer> {
  const connections = new Connections(kafka);
  onTestFinished(() => connections.close());
  const producers = new TransactionalProducers(connections, { group: group || uniqueName('group'), outputs: [], transactionTimeoutMs: 15_000 });
  const producer = await producers.open({ transactionalId, inputs: [], throwIfOver, isBehind: () => false, toldPosition: () => null });
  await producer.activate();
  return producer;
}

const batchOf = (topic: string, ...values: string[]) => [{
  topic, partition: 0, records: RecordBatchBuilder.of(values.map((value) => ({ key: null, value: Buffer.from(value), constantHeaders: [], headers: [] }))),
}];

test('transactions that follow each other at once all commit, with their positions', async () => {
  const [topic, group, admin] = [await createTopic(), uniqueName('group'), await connectAdmin()];
  await admin.commitOffsets(group, [{ topic, partition: 0, offset: 0n }]);
  const producer = await open(uniqueName('producer'), { group });
  for (let at = 1; at <= 20; at++) {
    await Promise.all([
      producer.send(batchOf(topic, `a${at}`, `b${at}`)), producer.sendOffsets(group, [{ topic, partition: 0, offset: BigInt(at) }]),
    ]);
    await producer.commit();
  }
  expect(texts(await readUntil(topic, 'b20'))).toEqual(Array.from({ length: 20 }, (_, at) => [`a${at + 1}`, `b${at + 1}`]).flat());
  await expect.poll(async () => (await admin.committedOffsets(group, [topic]))[0]!.offset).toBe(20n);
});

test('the next holder of an id ends the transaction of the one before, which can not write any more', async () => {
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
  const throwIfOver = () => { if (sent > 0) throw new Error('task 0 was lost'); };
  await expect(open(id, { kafka: createKafka({ ...connection, brokers: proxy.brokers }, options), throwIfOver })).rejects.toThrow('task 0 was lost');
  counting.release();
  expect(sent).toBe(1);
});

test.each([[0, 5, 5], [2 ** 31 - 6, 5, 2 ** 31 - 1], [2 ** 31 - 1, 1, 0], [2 ** 31 - 2, 5, 3]])(
  'after sequence number %i and %i records comes %i', (first, records, next) => {
    expect(sequenceAfter(first, records)).toBe(next);
  });
