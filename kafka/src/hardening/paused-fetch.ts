import type { Override, Prototype } from './override.ts';

interface TopicPartitions { topic: string; partitions: number[] }

interface ConsumerGroup {
  maxWaitTime: number;
  subscriptionState: { active(): TopicPartitions[]; paused(): TopicPartitions[] };
  filterPartitionsByNode(nodeId: string, topicPartitions: TopicPartitions[]): TopicPartitions[];
  fetch(nodeId: string): Promise<unknown[]>;
  resume(topicPartitions: TopicPartitions[]): void;
}

/** By consumer group: ends its waits. */
const waiting = new WeakMap<ConsumerGroup, PromiseWithResolvers<void>>();
const maxWaits = new WeakMap<ConsumerGroup, number>();
const repaired = new WeakSet<object>();

/**
 * Where all partitions of a broker are paused kafkajs sleeps for as long as a fetch may wait, whatever
 * is resumed meanwhile: one busy partition, which is paused and resumed many times a second, goes at a
 * tenth of its speed.
 */
function fetchOnceResumed(stock: ConsumerGroup['fetch']): ConsumerGroup['fetch'] {
  async function fetch(this: ConsumerGroup, nodeId: string): Promise<unknown[]> {
    if (!isAllPaused(this, nodeId)) return stock.call(this, nodeId);
    // It also looks for new metadata and follows seeks
    const batches = await withoutSleep(this, () => stock.call(this, nodeId));
    if (batches.length > 0 || !isAllPaused(this, nodeId)) return batches;
    const resumed = waiting.get(this) ?? Promise.withResolvers<void>();
    waiting.set(this, resumed);
    await within(maxWaitOf(this), resumed.promise);
    return [];
  }
  repaired.add(fetch);
  return fetch;
}

/** As it was at first: fetches of several brokers overlap. */
function maxWaitOf(group: ConsumerGroup): number {
  const maxWaitMs = maxWaits.get(group) ?? group.maxWaitTime;
  maxWaits.set(group, maxWaitMs);
  return maxWaitMs;
}

async function withoutSleep<T>(group: ConsumerGroup, work: () => Promise<T>): Promise<T> {
  const maxWaitTime = maxWaitOf(group);
  group.maxWaitTime = 0;
  try {
    return await work();
  } finally {
    group.maxWaitTime = maxWaitTime;
  }
}

function isAllPaused(group: ConsumerGroup, nodeId: string): boolean {
  // Looking for leaders costs an idle consumer more than all else
  if (group.subscriptionState.paused().every(({ partitions }) => partitions.length === 0)) return false;
  try {
    return group.filterPartitionsByNode(nodeId, group.subscriptionState.active()).every(({ partitions }) => partitions.length === 0);
  } catch {
    // Metadata is missing: the fetch loads it
    return false;
  }
}

async function within(ms: number, promise: Promise<void>): Promise<void> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}

export const pausedFetch: Override = {
  name: 'paused-fetch',
  install: (internals) => {
    const { prototype } = internals.load('consumer/consumerGroup') as Prototype<ConsumerGroup>;
    const { resume } = prototype;
    prototype.fetch = fetchOnceResumed(prototype.fetch);
    prototype.resume = function resumeAndWake(topicPartitions) {
      resume.call(this, topicPartitions);
      waiting.get(this)?.resolve();
      waiting.delete(this);
    };
  },
  isActive: (internals) => repaired.has((internals.load('consumer/consumerGroup') as Prototype<ConsumerGroup>).prototype.fetch),
};
