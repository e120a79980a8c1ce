import { expect, test } from 'vitest';
import { partitionOf, sendRecord } from '../src/index.ts';
import { connection, createTopic, options, readAll, uniqueName } from './cluster-under-test.ts';

test('a record lands in the partition of its key', async () => {
  const topic = await createTopic(7);
  for (const key of Array.from({ length: 20 }, (_, at) => `order-${at}`)) {
    const { partition } = await sendRecord(connection, { topic, key, value: null }, options);
    expect({ key, partition }).toEqual({ key, partition: partitionOf(Buffer.from(key), 7) });
  }
});

test('a record is read back as it was sent, at the offset that was told', async () => {
  const topic = await createTopic();
  const [key, value] = [Buffer.from([0, 255]), Buffer.from('v')];
  await sendRecord(connection, { topic, key: null, value: null }, options);
  const sent = await sendRecord(connection, { topic, key, value, headers: { trace: 'x', raw: Buffer.from([1]) } }, options);
  expect(sent).toEqual({ partition: 0, offset: 1n });
  expect(await readAll(topic)).toMatchObject([
    { offset: 0n, key: null, value: null, headers: [] },
    {
      offset: 1n,
      key,
      value,
      headers: [
        ['trace', Buffer.from('x')],
        ['raw', Buffer.from([1])],
      ],
    },
  ]);
});

test('a topic that is not there is not made', async () => {
  const topic = uniqueName('missing');
  await expect(sendRecord(connection, { topic, key: 'k', value: null }, { ...options, patienceMs: 300 })).rejects.toMatchObject({
    code: 'unknown-topic',
    message: expect.stringMatching(`topic ${topic}: .*create the topic first`),
  });
});

test('no broker: the address and the topic are said', async () => {
  const nowhere = { ...connection, brokers: ['localhost:1'] };
  await expect(sendRecord(nowhere, { topic: 'orders', key: 'k', value: null }, { ...options, patienceMs: 300 })).rejects.toMatchObject({
    code: 'no-broker',
    message: expect.stringContaining('write to topic orders: no broker answers at localhost:1'),
  });
});
