export type LocalErrorCode =
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
  | 'Unmappable';

/** Why the platform cannot run on this machine, and what its user can do about it; shown to them as it is. */
export class LocalError extends Error {
  readonly code: LocalErrorCode;

  constructor(code: LocalErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'LocalError';
    this.code = code;
  }
}
