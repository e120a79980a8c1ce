import { expect, test } from 'vitest';
import { takeoverIn } from './takeover.ts';

/** Seen a millisecond after it was sent, but in the silent span, after which all come at once. */
function probesOf(partition: number, silence: { fromMs: number; toMs: number }) {
  return Array.from({ length: 100 }, (_, at) => {
    const sentAtMs = at * 10;
    const isSilent = sentAtMs >= silence.fromMs && sentAtMs < silence.toMs;
    return { partition, sentAtMs, seenAtMs: isSilent ? silence.toMs : sentAtMs + 1 };
  });
}

test('the slowest of the moved partitions counts, from the end of its worker', () => {
  const sent = [
    ...probesOf(0, { fromMs: 300, toMs: 600 }),
    ...probesOf(1, { fromMs: 300, toMs: 700 }),
    ...probesOf(2, { fromMs: 310, toMs: 350 }),
  ];
  const { movedMs, unmovedGapsMs } = takeoverIn(sent, new Set([0, 1]), 305);
  expect(movedMs).toBe(395);
  expect(unmovedGapsMs).toEqual([49]);
});

test('what did not come out yet does not count as seen', () => {
  const sent = [...probesOf(0, { fromMs: 300, toMs: 600 }), { partition: 0, sentAtMs: 2_000, seenAtMs: NaN }];
  expect(takeoverIn(sent, new Set([0]), 305).movedMs).toBe(295);
});
