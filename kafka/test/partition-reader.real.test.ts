import { expect, inject, onTestFinished, test } from 'vitest';
import { KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { createKafka, RecordBatchBuilder, BatchProducer, type Connections, sendRecord } from '../src/index.ts';
import { metadataRequest } from '../src/wire/metadata.ts';
import { client, connectAdmin, connection, createTopic, openReader, options } from './cluster-under-test.ts';

const TIMEOUT = { timeout: 15_000, interval: 10 };
const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'];

async function write(connections: Connections, topic: string, partition: number, values: readonly string[]): Promise<void> {
  const producer = await BatchProducer.openIdempotent(connections);
  const records = values.map((value) => ({ key: null, value: Buffer.from(value), constantHeaders: [], headers: [] }));
  await producer.send([{ topic, partition, records: RecordBatchBuilder.of(records) }]);
  await producer.close();
}

async function openProxy() {
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  return { proxy, kafka: createKafka({ ...connection, brokers: proxy.brokers }, options) };
}

test('many partitions of many topics, also compressed ones, are read in order over many fetches', async () => {
  const topics = await Promise.all([...CODECS, 'producer'].map((codec) => createTopic(3, { 'compression.type': codec })));
  const read = new Map<string, string[]>();
  const { reader, connections, troubles } = openReader({
    partitionBytes: 2_000,
    onBatch: ({ topic, partition, records }) => {
      const values = read.get(`${topic}/${partition}`) ?? [];
      read.set(`${topic}/${partition}`, [...values, ...records.map(({ value }) => String(value))]);
    },
  });
  const written = new Map<string, string[]>();
  for (const topic of topics) {
    for (const partition of [0, 1, 2]) {
      const values = Array.from({ length: 60 }, (_, at) => `${topic} ${partition} ${at} ${'v'.repeat(50)}`);
      written.set(`${topic}/${partition}`, values);
      for (let at = 0; at < 60; at += 20) await write(connections, topic, partition, values.slice(at, at + 20));
      reader.seek(topic, partition, 0n);
      reader.resume(topic, partition);
    }
  }
  await expect.poll(() => [...read.values()].flat().length, TIMEOUT).toBe(15 * 60);
  expect(new Map([...read].sort())).toEqual(new Map([...written].sort()));
  expect(troubles).toEqual([]);
});

test('what is written is read while other partitions have nothing to read, after connections were cut as well', async () => {
  const { proxy, kafka } = await openProxy();
  const topic = await createTopic(12);
  const read: string[] = [];
  const { reader } = openReader({ kafka, onBatch: ({ records }) => read.push(...records.map(({ value }) => String(value))) });
  for (let partition = 0; partition < 12; partition++) {
    reader.seek(topic, partition, 0n);
    reader.resume(topic, partition);
  }
  for (const value of ['before', 'after', 'at last']) {
    await sendRecord(connection, { topic, key: null, value: Buffer.from(value) }, options);
    await expect.poll(() => read.at(-1), TIMEOUT).toBe(value);
    await proxy.shut();
    await proxy.open();
  }
  expect(read).toEqual(['before', 'after', 'at last']);
});

test('requests that come at once to connections that were closed for idling are all answered', async () => {
  const { proxy, kafka } = await openProxy();
  const { connections } = openReader({ kafka, onBatch: () => {} });
  const { nodeId } = (await connections.metadata([])).brokers[0]!;
  const ask = () => connections.send({ nodeId, lane: 'offsets' }, metadataRequest([]));
  for (let time = 0; time < 3; time++) {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => (at % 2 ? ask() : connections.sendToAny(metadataRequest([])))));
    expect(answers.every(({ brokers }) => brokers[0]!.nodeId === nodeId)).toBe(true);
    await proxy.shut();
    await proxy.open();
    // A socket's end shows a moment later; what is on its way then is not sent again by anybody
    await expect
      .poll(
        () =>
          ask().then(
            () => true,
            () => false,
          ),
        TIMEOUT,
      )
      .toBe(true);
  }
});

test('a topic that is deleted and created again is told, and read from where the reader is told to', async () => {
  const [admin, topic] = [await connectAdmin(), await createTopic()];
  const read: string[] = [];
  const { reader, connections, troubles } = openReader({
    onBatch: ({ records }) => read.push(...records.map(({ value }) => String(value))),
  });
  await write(connections, topic, 0, ['a', 'b']);
  reader.seek(topic, 0, 0n);
  reader.resume(topic, 0);
  await expect.poll(() => read, TIMEOUT).toEqual(['a', 'b']);
  const kafkajsAdmin = client().admin();
  await kafkajsAdmin.connect();
  onTestFinished(() => kafkajsAdmin.disconnect());
  await kafkajsAdmin.deleteTopics({ topics: [topic] });
  await expect
    .poll(
      () =>
        admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1, config: {} }]).then(
          () => true,
          () => false,
        ),
      TIMEOUT,
    )
    .toBe(true);
  await expect.poll(() => troubles, TIMEOUT).toContain(`recreated: ${topic}/0`);
  await sendRecord(connection, { topic, key: null, value: Buffer.from('c') }, options);
  expect(read).toEqual(['a', 'b']);
  reader.seek(topic, 0, 0n);
  await expect.poll(() => read, TIMEOUT).toEqual(['a', 'b', 'c']);
});

test('a position that the broker does not have is told', async () => {
  const topic = await createTopic();
  const { reader, troubles } = openReader({ onBatch: () => {} });
  reader.seek(topic, 0, 1_000n);
  reader.resume(topic, 0);
  await expect.poll(() => troubles, TIMEOUT).toEqual([`out of range: ${topic}/0`]);
});
