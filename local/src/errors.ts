export type LocalErrorCode =
  | 'java-missing'
  | 'maven-missing'
  | 'fetch-failed'
  | 'port-busy'
  | 'data-in-use'
  | 'process-ended'
  | 'not-ready'
  | 'no-broker'
  | 'no-registry'
  | 'read-back-failed'
  | 'unknown-tool'
  | 'unmappable';

/** Why the platform cannot run on this machine, and what its user can do about it; shown to them as it is. */
export class LocalError extends Error {
  readonly code: LocalErrorCode;

  constructor(code: LocalErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LocalError';
    this.code = code;
  }
}
