import type { Message, Transaction } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { type ReadRecord, readTopics } from '../src/index.ts';
import { client, connection, createTopic, options, readAll, readUntil, texts, uniqueName } from './cluster-under-test.ts';

async function write(topic: string, ...messages: Message[]): Promise<void> {
  const producer = client().producer();
  await producer.connect();
  await producer.send({ topic, messages });
  await producer.disconnect();
}

/** A transaction of a producer of its own. */
async function begin(): Promise<Transaction> {
  const producer = client().producer({ transactionalId: uniqueName('producer'), idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  return producer.transaction();
}

/** The values of what is read until `isEnough`, with something to be done at each record. */
async function follow(topic: string, each: (read: string[]) => Promise<void>, isEnough: (read: string[]) => boolean): Promise<string[]> {
  const stop = new AbortController();
  const read: string[] = [];
  const onRecord = async ({ value }: ReadRecord) => {
    read.push(String(value));
    if (isEnough(read)) stop.abort();
    else await each(read);
  };
  await readTopics({ connection, ...options, topics: [topic], until: 'follow', signal: stop.signal, onRecord });
  return read;
}

test('every partition of every topic is read to its end, in order within a partition', async () => {
  const topics = [await createTopic(3), await createTopic(2)];
  const keys = Array.from({ length: 60 }, (_, at) => `key-${at}`).sort();
  for (const topic of topics) await write(topic, ...keys.map((key) => ({ key, value: topic })));

  const records: ReadRecord[] = [];
  const onRecord = (record: ReadRecord) => {
    records.push(record);
  };
  await readTopics({ connection, ...options, topics, until: 'end', onRecord });

  const lanes = [...Map.groupBy(records, ({ topic, partition }) => `${topic} ${partition}`).values()];
  expect(lanes.length).toBe(5);
  for (const lane of lanes) expect(lane.map(({ offset }) => offset)).toEqual(lane.map((_, at) => BigInt(at)));
  for (const topic of topics) {
    expect(
      records
        .filter((record) => record.topic === topic)
        .map(({ key }) => String(key))
        .sort(),
    ).toEqual(keys);
  }
});

test('key, value, time and headers are given as they were written', async () => {
  const topic = await createTopic();
  await write(topic, { key: null, value: null, timestamp: '1700000000123', headers: { a: 'x' } });
  expect(await readAll(topic)).toEqual([
    {
      topic,
      partition: 0,
      offset: 0n,
      timestampMs: 1_700_000_000_123,
      key: null,
      value: null,
      headers: [['a', Buffer.from('x')]],
    },
  ]);
});

test('aborted records are left out, and the end is found behind control records', async () => {
  const topic = await createTopic();
  const [kept, dropped] = [await begin(), await begin()];
  await dropped.send({ topic, messages: [{ value: 'aborted' }] });
  await kept.send({ topic, messages: [{ value: 'committed' }] });
  await dropped.abort();
  await kept.commit();
  expect(texts(await readUntil(topic, 'committed'))).toEqual(['committed']);
  const last = await begin();
  await last.send({ topic, messages: [{ value: 'aborted' }] });
  await last.abort();
  expect(texts(await readAll(topic))).toEqual(['committed']);
});

test('the end is before an open transaction', async () => {
  const topic = await createTopic();
  await write(topic, { value: 'before' });
  const open = await begin();
  await open.send({ topic, messages: [{ value: 'open' }] });
  await write(topic, { value: 'behind' });
  const read = texts(await readAll(topic));
  await open.abort();
  expect(read).toEqual(['before']);
});

test('an empty topic ends at once', async () => {
  expect(await readAll(await createTopic(2))).toEqual([]);
});

test('a topic is followed until the signal', async () => {
  const topic = await createTopic();
  await write(topic, { value: 'first' });
  const late = ['second', 'third'];
  const read = await follow(
    topic,
    () => write(topic, { value: late.shift()! }),
    ({ length }) => length === 3,
  );
  expect(read).toEqual(['first', 'second', 'third']);
});

test('reading goes on at what is left where records were deleted meanwhile', async () => {
  const topic = await createTopic();
  await write(topic, { value: 'one' });
  const admin = client().admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  await admin.fetchTopicOffsets(topic); // kafkajs deletes from topics alone whose leaders it has looked up
  const deleteAhead = async () => {
    await write(topic, { value: 'two' }, { value: 'three' });
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] });
  };
  expect(await follow(topic, deleteAhead, ({ length }) => length === 2)).toEqual(['one', 'three']);
});

test('what the reader throws ends the reading', async () => {
  const topic = await createTopic();
  await write(topic, { value: 'bad' });
  const onRecord = () => {
    throw new Error('no room');
  };
  await expect(readTopics({ connection, ...options, topics: [topic], until: 'end', onRecord })).rejects.toThrow('no room');
});

test('a topic that is not there is an error', async () => {
  await expect(readAll(uniqueName('missing'))).rejects.toMatchObject({ code: 'unknown-topic' });
});
