import { describe, expect, test } from 'vitest';
import type { TransactionState } from '../wire/transactions.ts';
import { type Ending, lastEnding, type Purpose, purposeOf, timeoutFor } from './purpose.ts';

const ENDINGS: Ending[] = ['commit', 'abort', 'unknown'];
const PURPOSES: Purpose[] = ['work', ...ENDINGS];

test.each(PURPOSES)('a time-out says that the purpose is %s, and is never longer than allowed', (purpose) => {
  for (const atMostMs of [993, 1_000, 15_000, 15_007, 15_992, 15_993, 900_000]) {
    expect(purposeOf(timeoutFor(purpose, atMostMs))).toBe(purpose);
    expect(timeoutFor(purpose, atMostMs)).toBeLessThanOrEqual(atMostMs);
  }
});

test.each([1, 5, 990, 1_000, 15_000, 15_001, 15_002, 15_003, 900_000])(
  'the configured time-out of %d ms is kept, and of a worker at work',
  (configured) => {
    expect(timeoutFor('work', configured)).toBe(configured);
    expect(purposeOf(configured)).toBe('work');
  },
);

test.each([991, 992, 993, 15_991])('a configured time-out of %d ms is shortened, as it would say something else', (configured) => {
  expect(timeoutFor('work', configured)).toBe(Math.floor(configured / 10) * 10);
});

test.each(ENDINGS)('the ending %s can be said also where the configured time-out is very short', (ending) => {
  for (const atMostMs of [1, 5, 990]) expect(purposeOf(timeoutFor(ending, atMostMs))).toBe(ending);
});

describe('the last transaction', () => {
  test.each(
    Object.entries({
      'of a producer at work was committed': ['work', 'CompleteCommit', 'commit'],
      'of a producer at work was aborted': ['work', 'CompleteAbort', 'abort'],
      'of a producer that was fenced by a client without purposes may have ended in either way': ['work', 'Empty', 'unknown'],
      'is still to be committed': ['commit', 'Empty', 'commit'],
      'is still to be committed where more is left than the last taker could end': ['commit', 'CompleteCommit', 'commit'],
      'was to be committed, and was discarded in part': ['commit', 'CompleteAbort', 'unknown'],
      'is still to be aborted': ['abort', 'Empty', 'abort'],
      'is still to be aborted where more is left than the last taker could end': ['abort', 'CompleteAbort', 'abort'],
      'of a taker that did not know is not known': ['unknown', 'Empty', 'unknown'],
    } satisfies Record<string, [Purpose, TransactionState, Ending]>),
  )('%s', (_, [purpose, state, ending]) => {
    expect(lastEnding({ state, timeoutMs: timeoutFor(purpose, 15_000) })).toBe(ending);
  });
});
