import { expect, test } from 'vitest';
import { committedPartitions, keptMetadata } from './kept-offsets.ts';

const answer = (partition: number, offset: string, metadata: string | null = '') => ({ partition, offset, metadata });

const CASES: Record<string, [answers: ReturnType<typeof answer>[], offsets: (bigint | null)[], forgotten: number[]]> = {
  'offsets are numbers': [[answer(0, '0'), answer(1, '12', null)], [0n, 12n], []],
  'none is none, also in the words of kafkajs': [[answer(0, '-1'), answer(1, '-2')], [null, null], []],
  'a partition beside others may be new': [[answer(0, '5', 'of somebody else'), answer(1, '-1')], [5n, null], []],
  'one that was there when another was kept is forgotten': [[answer(0, '5', keptMetadata(3)), answer(1, '-1'), answer(2, '6')], [5n, null, 6n], [1]],
  'one that came later is new': [[answer(0, '5', keptMetadata(2)), answer(1, '5', keptMetadata(1)), answer(2, '-1')], [5n, 5n, null], []],
};

test.each(Object.entries(CASES))('%s', (_, [answers, offsets, forgotten]) => {
  const committed = committedPartitions(answers);
  expect(committed.map(({ offset }) => offset)).toEqual(offsets);
  expect(committed.filter(({ isForgotten }) => isForgotten).map(({ partition }) => partition)).toEqual(forgotten);
});
