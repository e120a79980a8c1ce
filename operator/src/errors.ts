export type OperatorErrorCode =
  /** The step names a connection that the operator's values do not have. */
  | 'connection-unknown'
  /** No topic is there, and no step emits to one, that a glob matches. */
  | 'glob-matches-nothing'
  /** A ConfigMap, or a key of it, that the step refers to is missing. */
  | 'config-map-missing';

/** The step cannot be rendered as things are; the manifest, the values or the facts have to change. */
export class OperatorError extends Error {
  readonly code: OperatorErrorCode;

  constructor(code: OperatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OperatorError';
    this.code = code;
  }
}
