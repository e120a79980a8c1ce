import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { sendRecord } from '../src/index.ts';
import { connection, createTopic, options, readAll } from './cluster-under-test.ts';

const VALUES = {
  'that shrinks': Buffer.from('order_created order_paid '.repeat(20_000)),
  'that does not shrink': randomBytes(300_000),
  'that is empty': Buffer.alloc(0),
};

// The broker compresses with the classes that Java producers use.
test.each(['gzip', 'snappy', 'lz4', 'zstd'])('records that a broker compressed with %s are read', async (codec) => {
  const topic = await createTopic(1, { 'compression.type': codec });
  for (const value of Object.values(VALUES)) await sendRecord(connection, { topic, key: codec, value }, options);
  const values = (await readAll(topic)).map(({ value }) => value);
  expect(values.map((value, at) => value?.equals(Object.values(VALUES)[at]!))).toEqual([true, true, true]);
});
