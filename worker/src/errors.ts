import type { Consequence } from '@sagafleet/schemas';

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
  | 'consumer-crashed'
  /** The record ended its worker each time that it was processed. */
  | 'ended-worker';

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

/** The code of an error of ours, whichever package it is from. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
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

/** Log fields: where in our code a defect is, which its message alone does not tell. */
export function stackOf({ cause }: { cause?: unknown }): { stack?: string } {
  return cause instanceof Error ? { stack: cause.stack ?? '' } : {};
}
