import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../../test/private-copy.ts';
import { membershipOnly } from './membership-only.ts';
import type { Override } from './override.ts';

interface ConsumerGroup {
  fetch(nodeId: string): Promise<unknown[]>;
}

/** A member that owns one partition, and what it does in one fetch. */
async function fetchOnce(
  {
    stale = false,
    memberId = 'member',
    refresh = async () => {},
  }: { stale?: boolean; memberId?: string | null; refresh?: () => Promise<void> },
  ...overrides: Override[]
): Promise<string[]> {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  const { prototype } = copy.internals.load('consumer/consumerGroup') as { prototype: ConsumerGroup };
  const done: string[] = [];
  const group: ConsumerGroup = Object.assign(Object.create(prototype) as ConsumerGroup, {
    memberId,
    logger: { warn: () => {}, debug: () => {} },
    cluster: {
      refreshMetadataIfNecessary: refresh,
      brokerPool: { metadata: {} },
      findBroker: async () => ({
        fetch: async () => {
          done.push('fetch');
          return { responses: [] };
        },
      }),
    },
    subscriptionState: { assigned: () => [{ topic: 't', partitions: [0] }] },
    offsetManager: { committedOffsets: () => ({ t: { 0: '0' } }), nextOffset: () => 0n },
    filterPartitionsByNode: (_: string, topics: unknown) => topics,
    getActiveTopicPartitions: () => ({ t: new Set([0]) }),
    seekOffsets: async () => {},
    checkForStaleAssignment: () => {
      if (stale) throw Object.assign(new Error('partitions were added'), { name: 'KafkaJSStaleTopicMetadataAssignment' });
    },
    joinAndSync: async () => {
      done.push('join');
    },
  });
  expect(await group.fetch('1')).toEqual([]);
  return done;
}

test('kafkajs as published fetches what the member owns', async () => {
  expect(await fetchOnce({})).toEqual(['fetch']);
});

test('nothing is fetched', async () => {
  expect(await fetchOnce({}, membershipOnly)).toEqual([]);
});

test('partitions that were added make the member join again', async () => {
  expect(await fetchOnce({ stale: true }, membershipOnly)).toEqual(['join']);
});

test('metadata that cannot be had is no reason to join', async () => {
  expect(await fetchOnce({ refresh: () => Promise.reject(new Error('no broker')) }, membershipOnly)).toEqual([]);
});

test('kafkajs as published goes on without an id where the join after "unknown member" failed', async () => {
  expect(await fetchOnce({ memberId: null })).toEqual(['fetch']);
});

test('a member without an id joins again', async () => {
  expect(await fetchOnce({ memberId: null }, membershipOnly)).toEqual(['join']);
});
