/** Offsets of UTF-16 units in the text of an expression, `end` exclusive. */
export interface TextRange {
  start: number;
  end: number;
}

export type ExpressionErrorCode =
  | 'syntax'
  | 'unknown-name'
  | 'unknown-field'
  | 'unknown-outcome'
  | 'type'
  /** A value that may be null stands where null fails. */
  | 'may-be-null'
  | 'result-type'
  | 'evaluation'
  /** One evaluation would take too many steps or build too much. */
  | 'cost';

/**
 * An expression that cannot be compiled, or fails on a record. It fails on that record each time,
 * so the consequence is permanent. Messages hold no values of the record.
 */
export class ExpressionError extends Error {
  readonly code: ExpressionErrorCode;
  readonly consequence = 'permanent' as const;
  /** Where in the expression; null where the whole is meant. */
  readonly range: TextRange | null;

  constructor(code: ExpressionErrorCode, message: string, options: { range?: TextRange | null; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ExpressionError';
    this.code = code;
    this.range = options.range ?? null;
  }
}
