import { expect, test } from 'vitest';
import { OutputTopics } from './output-topics.ts';

function cluster(counts: Record<string, number>) {
  const asked: string[][] = [];
  return {
    asked,
    counts,
    partitionCounts: async (topics: readonly string[]) => {
      asked.push([...topics]);
      return new Map(topics.map((topic) => [topic, counts[topic]!]));
    },
    partitionOf: (key: Buffer, partitions: number) => key.length % partitions,
  };
}

test('counts are asked for once, each topic once', async () => {
  const driver = cluster({ a: 3, b: 5 });
  const topics = new OutputTopics(driver, ['a', 'b', 'a']);
  await topics.load();
  await topics.load();
  expect(driver.asked).toEqual([['a', 'b']]);
});

test('a key decides the partition; without one the number of the input partition is kept where there is such', async () => {
  const topics = new OutputTopics(cluster({ a: 3 }), ['a']);
  await topics.load();
  expect(topics.partitionFor('a', Buffer.alloc(7), 2)).toBe(1);
  expect([0, 2, 4].map((input) => topics.partitionFor('a', null, input))).toEqual([0, 2, 1]);
});

test('a refresh sees partitions that were added', async () => {
  const driver = cluster({ a: 3 });
  const topics = new OutputTopics(driver, ['a']);
  await topics.load();
  driver.counts['a'] = 6;
  await topics.refresh();
  expect(topics.countOf('a')).toBe(6);
});
