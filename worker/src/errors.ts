/** What went wrong in a worker, and what happens next because of it. */

/**
 * - `permanent`: the record can never be handled; it becomes a dead letter.
 * - `transient`: trying the record again may help.
 * - `systemic`: no record can be handled now; the task waits, nothing is dead-lettered.
 * - `fatal`: the process ends; whoever started it starts it again or reads the message.
 */
export type Consequence = 'permanent' | 'transient' | 'systemic' | 'fatal';

export type WorkerErrorCode =
  | 'bad-settings'
  | 'unsupported'
  | 'unknown-outcome'
  | 'no-schema'
  | 'hops-exceeded'
  | 'output-too-large'
  | 'output-refused'
  | 'unexpected'
  /** An error that no part of sagafleet has a class for. */
  | 'defect'
  | 'broker-unavailable'
  | 'not-a-member'
  | 'not-authorized'
  | 'offsets-missing'
  | 'offsets-stale'
  | 'offset-out-of-range'
  | 'markers-missing'
  /** Only an administrator can end it: each further try only looks, so it may come late. */
  | 'hung-transaction'
  | 'topic-missing'
  | 'topic-recreated'
  | 'record-corrupt'
  | 'batch-unreadable'
  | 'consumer-crashed';

export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  readonly code: WorkerErrorCode;
  readonly consequence: Consequence;

  constructor(code: WorkerErrorCode, consequence: Consequence, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.consequence = consequence;
  }
}

const CONSEQUENCES: readonly unknown[] = ['permanent', 'transient', 'systemic', 'fatal'] satisfies Consequence[];

/** The consequence an error carries; `otherwise` for one that carries none. */
export function consequenceOf(error: unknown, otherwise: Consequence): Consequence {
  const carried = (error as { consequence?: unknown } | null)?.consequence;
  return CONSEQUENCES.includes(carried) ? (carried as Consequence) : otherwise;
}

export function carriesConsequence(error: unknown): boolean {
  return CONSEQUENCES.includes((error as { consequence?: unknown } | null)?.consequence);
}

/** The message of an error with those of its causes, for one log line or header. */
export function messageOf(error: unknown): string {
  const messages: string[] = [];
  for (let at: unknown = error; at instanceof Error && messages.length < 5; at = at.cause) {
    // Some errors draw a picture of the place below their first line
    const [text] = at.message.split('\n') as [string];
    if (!messages.some((message) => message.includes(text))) messages.push(text);
  }
  return messages.length > 0 ? messages.join(': ') : String(error);
}
