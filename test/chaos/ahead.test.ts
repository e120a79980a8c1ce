import { expect, test } from 'vitest';
import { aheadIn } from './ahead.ts';
import type { InputRecord } from './judge.ts';
import type { Disturbance } from './standstill.ts';

const INPUTS = [0, 1, 2].map((offset): InputRecord => ({ topic: 'in', partition: 0, offset, key: 'key', value: `event-${offset}` }));
/** The outputs of the three inputs stand at 5, 6 and 7, and that of the first once more at 8. */
const RECORDS = [0, 1, 2, 0].map((offset, at) => ({ partition: 0, offset: 5 + at, key: 'key', value: '', source: `in/0/${offset}` }));

/** What is ahead where the group is at `position` and the output ends at `end`. */
function ahead(position: number, end: number, disturbances: Disturbance[] = []) {
  const sample = {
    atMs: 10_000,
    committed: [{ topic: 'in', partition: 0, offset: position }],
    ends: [
      { topic: 'out', partition: 0, highWatermark: end, lastStable: end },
      { topic: 'out', partition: 1, highWatermark: 0, lastStable: 0 },
    ],
  };
  return aheadIn({
    inputs: INPUTS,
    outputs: [{ topic: 'out', records: RECORDS, wanted: ({ key, value }) => ({ key, value }) }],
    watched: { input: 'in', samples: [sample], disturbances, limitMs: 1 },
  });
}

const CASES: Record<string, [position: number, end: number, needed: number | null]> = {
  'nothing is committed yet': [0, 0, null],
  'what is below the position is written': [2, 7, null],
  'more than that is written': [2, 9, null],
  'the last one below the position is not written': [2, 6, 7],
  'nothing is written': [1, 0, 6],
  'all is committed, and what came again is not written yet': [3, 8, null],
};

test.each(Object.entries(CASES))('%s', (_, [position, end, needed]) => {
  expect(ahead(position, end).map((each) => each.needed)).toEqual(needed === null ? [] : [needed]);
});

test('an end that a broker tells under a disturbance, or just after it, proves nothing', () => {
  expect(ahead(2, 6, [{ fromMs: 9_000, toMs: Infinity }])).toEqual([]);
  expect(ahead(2, 6, [{ fromMs: 0, toMs: 9_000 }])).toEqual([]);
  expect(ahead(2, 6, [{ fromMs: 0, toMs: 5_000 }])).toHaveLength(1);
});
