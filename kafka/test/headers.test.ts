import type { Kafka } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import type { HeaderPair } from '../src/index.ts';
import { client, connection, createTopic, readAll } from './cluster-under-test.ts';
import { privateCopy } from './private-copy.ts';

function published(): Kafka {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  return new Kafka({ brokers: connection.brokers, logLevel: logLevel.NOTHING });
}

/** Pairs, which the hardened encoder takes and kafkajs' types do not know. */
async function write(kafka: Kafka, topic: string, headers: unknown): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  await producer.send({ topic, messages: [{ value: 'v', headers: headers as Record<string, string> }] });
}

const CASES: Record<string, HeaderPair[]> = {
  'names that look like numbers, behind others': [['b', Buffer.from('1')], ['2', Buffer.from('2')], ['a', Buffer.from('3')], ['1', Buffer.from('4')]],
  'a name that stands twice, with another between': [['trace', Buffer.from('1')], ['id', Buffer.from('2')], ['trace', Buffer.from('3')]],
  'no value, and an empty one': [['none', null], ['empty', Buffer.alloc(0)], ['none', null]],
  'a name from the prototype of objects': [['constructor', Buffer.from('1')], ['__proto__', Buffer.from('2')]],
  'an empty name': [['', Buffer.from('1')]],
};

test.each(Object.entries(CASES))('headers come back as they stood: %s', async (_sentence, headers) => {
  const topic = await createTopic();
  await write(client(), topic, headers);
  expect((await readAll(topic)).map((record) => record.headers)).toEqual([headers]);
});

test('headers given as kafkajs documents them are written in their order', async () => {
  const topic = await createTopic();
  await write(client(), topic, { b: 'x', a: [Buffer.from('y'), 'z'], none: null });
  const [record] = await readAll(topic);
  expect(record!.headers).toEqual([['b', Buffer.from('x')], ['a', Buffer.from('y')], ['a', Buffer.from('z')], ['none', null]]);
});

test('kafkajs as published can not write a header without a value', async () => {
  await expect(write(published(), await createTopic(), { none: null })).rejects.toThrow(TypeError);
});
