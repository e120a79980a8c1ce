import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import type { Override } from './override.ts';
import { pausedFetch } from './paused-fetch.ts';

interface Group { fetch(nodeId: string): Promise<unknown[]>; pause(partitions: object[]): void; resume(partitions: object[]): void }

const MAX_WAIT_MS = 250;
const PARTITION = [{ topic: 't', partitions: [0] }];

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

/** A group with one partition, which is paused, and what is asked of its broker. */
function pausedGroup(...overrides: Override[]): { group: Group; fetches: object[] } {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  const fetches: object[] = [];
  const ConsumerGroup = copy.internals.load('consumer/consumerGroup') as new (options: object) => Group;
  const cluster = {
    refreshMetadataIfNecessary: async () => {},
    findLeaderForPartitions: () => ({ 1: [0] }),
    findTopicPartitionMetadata: () => [{ partitionId: 0, leader: 1 }],
    findBroker: async () => ({ fetch: async (request: object) => {
      fetches.push(request);
      return { responses: [] };
    } }),
  };
  const logger = { namespace: () => logger, info: () => {}, debug: () => {}, warn: () => {} };
  const group = new ConsumerGroup({ cluster, logger, topics: ['t'], topicConfigurations: { t: {} }, maxWaitTimeInMs: MAX_WAIT_MS });
  const state = (group as unknown as { subscriptionState: { assign(partitions: object[]): void } }).subscriptionState;
  state.assign(PARTITION);
  Object.assign(group, {
    offsetManager: { committedOffsets: () => ({ t: { 0: '5' } }), nextOffset: () => 5, resolveOffsets: async () => {} },
    partitionsPerSubscribedTopic: new Map([['t', [0]]]),
  });
  group.pause(PARTITION);
  return { group, fetches };
}

/** What is fetched when the partition is resumed 10 ms after a fetch began to wait, 10 ms later. */
async function fetchedAfterResume(...overrides: Override[]): Promise<number> {
  const { group, fetches } = pausedGroup(...overrides);
  const first = group.fetch('1').then(() => group.fetch('1'));
  await vi.advanceTimersByTimeAsync(10);
  group.resume(PARTITION);
  await vi.advanceTimersByTimeAsync(10);
  const { length } = fetches;
  await vi.advanceTimersByTimeAsync(2 * MAX_WAIT_MS);
  await first;
  expect(fetches).toHaveLength(1);
  return length;
}

test('kafkajs as published sleeps on when a partition is resumed', async () => {
  expect(await fetchedAfterResume()).toBe(0);
});

test('a partition that is resumed is fetched at once', async () => {
  expect(await fetchedAfterResume(pausedFetch)).toBe(1);
});

test('while nothing is resumed a fetch waits for its time and asks nothing', async () => {
  const { group, fetches } = pausedGroup(pausedFetch);
  let isOver = false;
  void group.fetch('1').then(() => { isOver = true; });
  await vi.advanceTimersByTimeAsync(MAX_WAIT_MS - 10);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(20);
  expect({ isOver, asked: fetches.length }).toEqual({ isOver: true, asked: 0 });
});

test('a seek is followed also while everything is paused', async () => {
  const { group } = pausedGroup(pausedFetch);
  const followed: object[] = [];
  Object.assign(group, { seekOffsets: async (partitions: object) => { followed.push(partitions); } });
  const fetching = group.fetch('1');
  await vi.advanceTimersByTimeAsync(MAX_WAIT_MS + 10);
  await fetching;
  expect(followed).toHaveLength(1);
});

test('fetches of several brokers that wait at the same time wait as long afterwards', async () => {
  const { group } = pausedGroup(pausedFetch);
  const fetching = Promise.all(['1', '2', '3'].map((nodeId) => group.fetch(nodeId)));
  await vi.advanceTimersByTimeAsync(MAX_WAIT_MS + 10);
  await fetching;
  expect((group as unknown as { maxWaitTime: number }).maxWaitTime).toBe(MAX_WAIT_MS);
});
