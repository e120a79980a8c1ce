/** What happens next after a failure: the one place that says so. */
import { consequenceOf } from '@sagafleet/schemas';
import { RefusedBatch } from '../driver.ts';
import { codeOf } from '../errors.ts';
import { backoffMs } from '../timing.ts';

/**
 * - `record`: one record was decoded, handled or encoded, and nothing was written for it yet;
 * - `task`: a task was fenced, restored, or wrote a transaction, whose outcome is unknown now whatever the error says;
 * - `start`: the process was starting and is not a member of its group yet.
 */
export type Activity = 'record' | 'task' | 'start';

export interface Failure {
  error: unknown;
  during: Activity;
}

export type Decision =
  | { next: 'dead-letter' }
  /** The same again where it is, once what it needs may be back. */
  | { next: 'wait'; ms: number }
  /** Fences, reads the offsets and begins there. */
  | { next: 'restart-task'; ms: number }
  | { next: 'exit' };

export interface Policy {
  /** 0 ≤ x < 1. */
  random: () => number;
}

const NO_JITTER: Policy = { random: () => 0.5 };
const EXIT: Decision = { next: 'exit' };
/** Then what is held in memory may be at fault, and only a new process is without it. */
const DEFECTS_OF_A_PROCESS = 3;
/** Somebody has to act; each try costs an epoch of the producer. */
const HUNG_WAIT_MS = 30_000;

/** @param attempt how many failures of the kind came just before, with no progress between */
export function decide({ error, during }: Failure, attempt = 0, { random }: Policy = NO_JITTER): Decision {
  const consequence = consequenceOf(error);
  const waitMs = backoffMs(attempt, random);
  if (consequence === 'fatal') return EXIT;
  if (during === 'start') return { next: 'wait', ms: waitMs };
  if (during === 'record' && consequence === 'permanent') return { next: 'dead-letter' };
  if (during === 'record' && consequence === 'systemic') return { next: 'wait', ms: waitMs };
  if (during === 'record' || isDefect(error)) return attempt + 1 < DEFECTS_OF_A_PROCESS ? { next: 'restart-task', ms: waitMs } : EXIT;
  // The next try knows more of what is refused, so there is nothing to wait for
  if (error instanceof RefusedBatch) return { next: 'restart-task', ms: 0 };
  return { next: 'restart-task', ms: codeOf(error) === 'hung-transaction' ? HUNG_WAIT_MS : waitMs };
}

/** An error that no part of sagafleet has a class for, met by a record that may be as valid as any. */
export function isDefect(error: unknown): boolean {
  return codeOf(error) === 'defect';
}
