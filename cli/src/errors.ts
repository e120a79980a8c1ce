export type CliErrorCode = 'no-event' | 'no-ingress' | 'unknown-step';

/** What a command cannot do and what its user can do about it; shown to them as it is. */
export class CliError extends Error {
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}
