/**
 * What a holder of a transactional id wants with its epoch, kept by the coordinator itself: InitProducerId stores the
 * transaction time-out together with the new epoch, and DescribeTransactions shows it. So a mark in
 * the time-out survives whatever happens to the process that fenced (ADR 10).
 */
import type { TransactionDescription } from '../wire/transactions.ts';

/** How the last transaction of an id ended, for its records that no marker has reached. */
export type Ending = 'commit' | 'abort' | 'unknown';
/** `work`: to write. Else: to end what is open in the way that is named. */
export type Purpose = 'work' | Ending;

/** The last three digits of the time-out. No one of these is set by chance, so other clients, also workers from before, are at work. */
const MARKS: Record<Ending, number> = { commit: 991, abort: 992, unknown: 993 };
const DIGITS = 1_000;
const LAST_UNMARKED = 990;
/** `transaction.max.timeout.ms` of a broker that is not told otherwise: an ending that waits for a broker is not to expire. */
export const LONGEST_TIMEOUT_MS = 900_000;

/** The largest time-out that says so, up to `atMostMs`; the mark alone where that is less. */
export function timeoutFor(purpose: Purpose, atMostMs: number): number {
  if (purpose === 'work') return purposeOf(atMostMs) === 'work' ? atMostMs : atMostMs - (atMostMs % DIGITS) + LAST_UNMARKED;
  const mark = MARKS[purpose];
  return Math.max(mark, Math.floor((atMostMs - mark) / DIGITS) * DIGITS + mark);
}

export function purposeOf(timeoutMs: number): Purpose {
  const marked = (Object.keys(MARKS) as Ending[]).find((ending) => MARKS[ending] === timeoutMs % DIGITS);
  return marked ?? 'work';
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
