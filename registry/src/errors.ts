import type { Consequence } from '@sagafleet/schemas';

export type RegistryErrorCode =
  /** No answer, a time-out, 429 or 5xx. */
  | 'unreachable'
  /** 401 or 403. */
  | 'unauthorized'
  /** An answer that no Confluent-compatible registry gives: most often a wrong URL. */
  | 'unexpected-answer'
  /** The registry answered that it holds no such schema (40403). */
  | 'schema-unknown'
  /** The registry answered that it holds no such subject or version (40401, 40402). */
  | 'subject-unknown'
  /** Refused by the subject's compatibility level, or reader and writer do not resolve. */
  | 'incompatible'
  /** Not an Avro schema, or one with a mistake. */
  | 'invalid-schema'
  /** The value has no Confluent frame. */
  | 'not-framed'
  /** Framed, but its body does not fit the schema of its id. */
  | 'undecodable'
  /** The event does not fit the schema it is to be written with. */
  | 'unencodable';

const SYSTEMIC: ReadonlySet<RegistryErrorCode> = new Set(['unreachable', 'unauthorized', 'unexpected-answer']);

/** The only error this package throws. Its message never holds a value of the record. */
export class RegistryError extends Error {
  readonly code: RegistryErrorCode;
  readonly consequence: Consequence;

  constructor(code: RegistryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryError';
    this.code = code;
    this.consequence = SYSTEMIC.has(code) ? 'systemic' : 'permanent';
  }
}

/** What is nested too deeply ends in a RangeError of the stack, which carries no consequence. Anything else stays. */
export function withoutStackOverflow(code: RegistryErrorCode, cause: unknown): unknown {
  return cause instanceof RangeError ? new RegistryError(code, 'nested too deeply', { cause }) : cause;
}
