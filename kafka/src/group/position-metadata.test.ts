import { expect, test } from 'vitest';
import { committedPartitions, partitionsWithOffset, positionMetadata } from './position-metadata.ts';

const ID = 'cQ6cJ0YtSAuPLzl-1FnCsw';
const answer = (partition: number, offset: bigint, metadata: string | null = '') => ({ partition, offset, metadata });
const kept = (partitions: number) => positionMetadata(ID, partitions);

const CASES: Record<string, [answers: ReturnType<typeof answer>[], offsets: (bigint | null)[], forgotten: number[]]> = {
  'offsets are numbers': [[answer(0, 0n), answer(1, 12n, null)], [0n, 12n], []],
  'none is none, also in the words of kafkajs': [[answer(0, -1n), answer(1, -2n)], [null, null], []],
  'a partition beside others may be new': [[answer(0, 5n, 'of another client'), answer(1, -1n)], [5n, null], []],
  'one that was there when another was kept is forgotten': [[answer(0, 5n, kept(3)), answer(1, -1n), answer(2, 6n)], [5n, null, 6n], [1]],
  'one that came later is new': [[answer(0, 5n, kept(2)), answer(1, 5n, kept(1)), answer(2, -1n)], [5n, 5n, null], []],
  'commits of versions before say the number of partitions alone': [[answer(0, 5n, 'partitions=2'), answer(1, -1n)], [5n, null], [1]],
};

test.each(Object.entries(CASES))('%s', (_, [answers, offsets, forgotten]) => {
  const committed = committedPartitions(answers, ID);
  expect(committed.map(({ offset }) => offset)).toEqual(offsets);
  expect(committed.filter(({ isForgotten }) => isForgotten).map(({ partition }) => partition)).toEqual(forgotten);
});

const TOPICS: Record<string, [metadata: string | null, isOfDeletedTopic: boolean]> = {
  'of this topic': [positionMetadata(ID), false],
  'of this topic, kept for good': [kept(3), false],
  'of a topic that had the name before': [positionMetadata('AAAAAAAAAAAAAAAAAAAAAQ'), true],
  'of a topic that had the name before, kept for good': [positionMetadata('AAAAAAAAAAAAAAAAAAAAAQ', 3), true],
  'of a version before, or of a tool': ['', false],
  'without metadata': [null, false],
};

test.each(Object.entries(TOPICS))('an offset %s', (_, [metadata, isOfDeletedTopic]) => {
  expect(committedPartitions([answer(0, 5n, metadata)], ID)).toMatchObject([{ offset: 5n, isOfDeletedTopic }]);
});

test.each([
  [[], 0],
  [[5n, 0n, 7n], 3],
  [[5n, null, 7n], 1],
  [[null, 3n], 0],
])('of partitions with the offsets %s the first %i have one', (offsets, count) => {
  const committed = offsets.map((offset, partition) => ({ partition, offset })).reverse();
  expect(partitionsWithOffset(committed)).toBe(count);
});

test('an offset that was deleted beside others is told from a partition that was added', () => {
  const answers = [answer(0, -1n), answer(1, 20n, positionMetadata(ID, 2)), answer(2, -1n)];
  expect(committedPartitions(answers, ID).map(({ isForgotten }) => isForgotten)).toEqual([true, false, false]);
});
