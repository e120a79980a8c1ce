export type CliErrorCode =
  | 'JavaMissing'
  | 'MavenMissing'
  | 'FetchFailed'
  | 'PortBusy'
  | 'DataInUse'
  | 'ProcessEnded'
  | 'NotReady'
  | 'NoBroker'
  | 'NoRegistry'
  | 'ReadBackFailed'
  | 'UnknownTool'
  | 'Unmappable'
  | 'NoEvent'
  | 'NoIngress'
  | 'UnknownStep';

/** What a command can not do and what its user can do about it; shown to them as it stands. */
export class CliError extends Error {
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CliError';
    this.code = code;
  }
}
