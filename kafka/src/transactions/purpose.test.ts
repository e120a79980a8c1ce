import { describe, expect, test } from 'vitest';
import type { TransactionState } from '../wire/transactions.ts';
import { type Ending, lastEnding, type Purpose, purposeOf, timeoutFor } from './purpose.ts';

const PURPOSES: Purpose[] = ['work', 'commit', 'abort', 'unknown'];

test.each(PURPOSES)('a time-out says that the purpose is %s, and is never longer than allowed', (purpose) => {
  for (const atMostMs of [100, 15_000, 15_007, 900_000]) {
    expect(purposeOf(timeoutFor(purpose, atMostMs))).toBe(purpose);
    expect(timeoutFor(purpose, atMostMs)).toBeLessThanOrEqual(atMostMs);
  }
});

describe('the last transaction', () => {
  test.each(Object.entries({
    'of a producer at work was committed': ['work', 'CompleteCommit', 'commit'],
    'of a producer at work was aborted': ['work', 'CompleteAbort', 'abort'],
    'of a producer that was fenced by a client without purposes may have ended in either way': ['work', 'Empty', 'unknown'],
    'is still to be committed': ['commit', 'Empty', 'commit'],
    'is still to be committed where more is left than the last taker could end': ['commit', 'CompleteCommit', 'commit'],
    'was to be committed, and was discarded in part': ['commit', 'CompleteAbort', 'unknown'],
    'is still to be aborted': ['abort', 'Empty', 'abort'],
    'is still to be aborted where more is left than the last taker could end': ['abort', 'CompleteAbort', 'abort'],
    'of a taker that did not know is not known': ['unknown', 'Empty', 'unknown'],
  } satisfies Record<string, [Purpose, TransactionState, Ending]>))('%s', (_, [purpose, state, ending]) => {
    expect(lastEnding({ state, timeoutMs: timeoutFor(purpose, 15_000) })).toBe(ending);
  });
});
