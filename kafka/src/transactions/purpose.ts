/**
 * What a holder of a transactional id wants with its epoch, kept by the coordinator itself: InitProducerId stores the
 * transaction time-out together with the new epoch, and DescribeTransactions shows it. So the last digit of the
 * time-out survives whatever happens to the process that fenced (ADR 10).
 */
import type { TransactionDescription } from '../wire/transactions.ts';

/** How the last transaction of an id ended, for its records that no marker has reached. */
export type Ending = 'commit' | 'abort' | 'unknown';
/** `work`: to write. Else: to end what is open in the way that is named. */
export type Purpose = 'work' | Ending;

const PURPOSES: readonly Purpose[] = ['work', 'commit', 'abort', 'unknown'];
const DIGIT = 10;
/** `transaction.max.timeout.ms` of a broker that is not told otherwise: an ending that waits for a broker is not to expire. */
export const LONGEST_TIMEOUT_MS = 900_000;

/** The largest time-out that says so, up to `atMostMs`. */
export function timeoutFor(purpose: Purpose, atMostMs: number): number {
  const tens = atMostMs - (atMostMs % DIGIT);
  return purpose === 'work' ? tens : tens - DIGIT + PURPOSES.indexOf(purpose);
}

export function purposeOf(timeoutMs: number): Purpose {
  return PURPOSES[timeoutMs % DIGIT] ?? 'work';
}

/**
 * For an id with no transaction open or being ended. A producer at work ends each transaction by a commit: an abort is
 * that of a successor or of the time-out. Its first transaction begins only when nothing is open, so all that is
 * open later is of its last one.
 */
export function lastEnding({ state, timeoutMs }: Pick<TransactionDescription, 'state' | 'timeoutMs'>): Ending {
  const purpose = purposeOf(timeoutMs);
  if (purpose === 'work') return state === 'CompleteCommit' ? 'commit' : state === 'CompleteAbort' ? 'abort' : 'unknown';
  // Transactions of such an epoch hold no records: they only repeat the ending
  if (purpose === 'commit' && state !== 'CompleteAbort') return 'commit';
  if (purpose === 'abort' && state !== 'CompleteCommit') return 'abort';
  return 'unknown';
}
