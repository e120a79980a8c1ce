import { expect, test } from 'vitest';
import { planOffsets } from './offsets.ts';

const ends = new Map([['a', [0, 1].map((partition) => ({ partition, earliest: 5n, latest: 9n }))]]);
const committed = (...offsets: (bigint | null | 'forgotten')[]) =>
  offsets.map((offset, partition) => ({
    topic: 'a',
    partition,
    offset: offset === 'forgotten' ? null : offset,
    isForgotten: offset === 'forgotten',
  }));

const CASES = {
  'a new group begins at the earliest offset': ['earliest', committed(null, null), [5n, 5n]],
  'a new group that starts from latest begins at the end': ['latest', committed(null, null), [9n, 9n]],
  'a partition added to a known input begins at its beginning, also with latest': ['latest', committed(7n, null), [5n]],
  'an offset that the broker dropped is not made up': ['earliest', committed('forgotten', 8n), []],
  'what is committed stays': ['earliest', committed(7n, 8n), []],
} as const;

test.each(Object.entries(CASES))('%s', (_, [startFrom, before, expected]) => {
  expect(planOffsets(startFrom, before, ends).map(({ offset }) => offset)).toEqual(expected);
});
