import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { emptyPartitions } from './empty-partitions.ts';
import type { Override } from './override.ts';

interface Answer { responses: { topicName: string; partitions: { partition: number; messages: string[] }[] }[]; throttleTime: number }
interface Broker { fetch(request: object): Promise<Answer> }

const ANSWER: Answer = {
  throttleTime: 7,
  responses: [
    { topicName: 'a', partitions: [{ partition: 0, messages: [] }, { partition: 1, messages: ['x'] }] },
    { topicName: 'b', partitions: [{ partition: 0, messages: [] }] },
  ],
};

async function fetchWith(...overrides: Override[]): Promise<Answer> {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  const { prototype } = copy.internals.load('broker') as { prototype: Broker };
  const broker = Object.assign(Object.create(prototype) as Broker, {
    lookupRequest: () => (request: object) => request,
    connectionPool: { send: async () => ANSWER },
  });
  return broker.fetch({ isolationLevel: 1, topics: [{ topic: 'a', partitions: [{ partition: 0 }, { partition: 1 }] }] });
}

test('kafkajs as published goes on with every partition that it asked for', async () => {
  expect(await fetchWith()).toEqual(ANSWER);
});

test('a partition that brought nothing is not gone on with', async () => {
  expect(await fetchWith(emptyPartitions)).toEqual({
    throttleTime: 7,
    responses: [{ topicName: 'a', partitions: [{ partition: 1, messages: ['x'] }] }, { topicName: 'b', partitions: [] }],
  });
});
