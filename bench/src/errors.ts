export type BenchErrorCode = 'BadOption' | 'NoProcFiles' | 'PeerMissing' | 'WrongOutput' | 'NotMeasured';

/** Why there is no figure, or none to be believed. */
export class BenchError extends Error {
  override readonly name = 'BenchError';
  readonly code: BenchErrorCode;

  constructor(code: BenchErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
