import { expect, test } from 'vitest';
import { FakeCluster, LIMITS } from '../../test/fake-cluster.ts';
import { storedBatch } from '../../test/stored-batch.ts';
import type { PartitionFetch } from '../wire/fetch.ts';
import { epochAfter, FetchSession } from './fetch-session.ts';

const NODE = 1;
const IDS = ['t-0', 't-1', 't-2'] as const;

function open() {
  const cluster = new FakeCluster();
  cluster.createTopic('t', { partitions: 3, leader: NODE });
  const session = new FetchSession(cluster, NODE, 'lane');
  const { id: topicId } = cluster.topic('t');
  const ask = (...partitions: number[]) =>
    partitions.map((partition): PartitionFetch => ({ topicId, partition, leaderEpoch: 0, offset: 0n, maxBytes: 1_000 }));
  return { cluster, ask, fetch: (wanted: readonly PartitionFetch[]) => session.fetch(wanted, { ...LIMITS, maxWaitMs: 1 }) };
}

test('after the first request only what changed is sent', async () => {
  const { cluster, ask, fetch } = open();
  await fetch(ask(0, 1, 2));
  await fetch(ask(0, 1, 2));
  const [first, second, third] = ask(0, 1, 2);
  await fetch([first!, { ...second!, offset: 5n }, { ...third!, maxBytes: 2_000 }]);
  await fetch([first!, { ...second!, offset: 5n }]);
  await fetch([{ ...first!, leaderEpoch: 1 }, { ...second!, offset: 5n }, third!]);
  expect(
    cluster.requests.map(({ session: { epoch }, partitions, forgotten }) => [epoch, partitions.map(({ name }) => name), forgotten]),
  ).toEqual([
    [0, [...IDS], []],
    [1, [], []],
    [2, ['t-1', 't-2'], []],
    [3, [], ['t-2']],
    [4, ['t-0', 't-2'], []],
  ]);
});

test('partitions that left are sent again when they come back, as they were', async () => {
  const { cluster, ask, fetch } = open();
  await fetch(ask(0, 1, 2));
  await fetch(ask(1));
  await fetch(ask(0, 1, 2));
  expect(cluster.requests.map(({ partitions, forgotten }) => [partitions.map(({ name }) => name), forgotten])).toEqual([
    [[...IDS], []],
    [[], ['t-0', 't-2']],
    [['t-0', 't-2'], []],
  ]);
});

test('a partition with records is answered, also when the request did not name it', async () => {
  const { cluster, ask, fetch } = open();
  expect(await fetch(ask(0, 1))).toEqual([]);
  cluster.append('t', 1, storedBatch({ firstOffset: 0n, records: [{}] }));
  expect(await fetch(ask(0, 1))).toMatchObject([{ partition: 1, errorCode: 0 }]);
});

test.each([70, 71, 106])('a session that the broker does not know any more begins again, and is closed there (%i)', async (errorCode) => {
  const { cluster, ask, fetch } = open();
  await fetch(ask(0, 1));
  cluster.failNext({ errorCode });
  expect(await fetch(ask(0, 1))).toEqual([]);
  await fetch(ask(0, 1));
  const [opened, , again] = cluster.requests.map(({ session }) => session);
  expect(opened).toEqual({ id: 0, epoch: 0 });
  expect(again).toEqual({ id: 1, epoch: 0 });
  expect(cluster.requests.at(-1)!.partitions).toHaveLength(2);
  expect(cluster.sessionIds).toEqual([2]);
});

test('a broker that does not take a new session either is an error', async () => {
  const { cluster, ask, fetch } = open();
  cluster.failNext({ errorCode: 70 });
  await expect(fetch(ask(0))).rejects.toMatchObject({ message: expect.stringMatching(/./) });
});

test('after an error, or an answer that was lost, everything is sent', async () => {
  const { cluster, ask, fetch } = open();
  await fetch(ask(0, 1));
  cluster.failNext(new Error('connection lost'));
  await expect(fetch(ask(0))).rejects.toThrow('connection lost');
  cluster.failNext({ errorCode: 56 });
  await expect(fetch(ask(0))).rejects.toMatchObject({ type: 'KAFKA_STORAGE_ERROR' });
  await fetch(ask(0, 1));
  expect(cluster.requests.map(({ session }) => session)).toEqual([
    { id: 0, epoch: 0 },
    { id: 1, epoch: 1 },
    { id: 1, epoch: 0 },
    { id: 0, epoch: 0 },
  ]);
  expect(cluster.requests.at(-1)!.partitions).toHaveLength(2);
});

test('without room for sessions each request is a whole one', async () => {
  const { cluster, ask, fetch } = open();
  cluster.hasSessions = false;
  for (let time = 0; time < 3; time++) await fetch(ask(0, 1));
  expect(cluster.requests.map(({ session, partitions }) => [session.id, session.epoch, partitions.length])).toEqual([
    [0, 0, 2],
    [0, 0, 2],
    [0, 0, 2],
  ]);
});

test.each([
  [0, 1],
  [1, 2],
  [2 ** 31 - 2, 2 ** 31 - 1],
  [2 ** 31 - 1, 1],
])('after epoch %i comes %i', (epoch, next) => {
  expect(epochAfter(epoch)).toBe(next);
});
