/** What each expression of a SagaStep may look at, and what it must give. */

export interface ExpressionResults {
  /** Name of an outcome. */
  outcome: string;
  /** Name of an outcome, chosen from the answer of an HTTP handler. */
  httpOutcome: string;
  /** An event to emit; plain objects, `bigint` for int. */
  event: Record<string, unknown>;
  /** Key of an emitted record. An int becomes its decimal text. */
  key: string | Uint8Array | null;
  /** Value of a header; null = the header is left out. */
  header: string | Uint8Array | null;
  /** Key or idempotency key of an HTTP request. */
  ingressKey: string;
}
export type ExpressionKind = keyof ExpressionResults;

/** Values of the variables. Ints are `bigint`: a `number` is a CEL double. */
export interface ExpressionContext {
  event: unknown;
  record?: {
    topic: string;
    partition: bigint;
    offset: bigint;
    /** Milliseconds since the epoch. */
    timestamp: bigint;
    key: string | Uint8Array | null;
    headers: Record<string, string>;
  };
  saga?: { id: string };
  step?: { name: string; namespace: string };
  /** Headers of an HTTP request, names in lower case. */
  headers?: Record<string, string>;
  result?: unknown;
  response?: { status: bigint; headers: Record<string, string>; body: unknown };
}
export type VariableName = keyof ExpressionContext;

const OF_RECORD: readonly VariableName[] = ['event', 'record', 'saga', 'step'];
const OF_EMIT: readonly VariableName[] = [...OF_RECORD, 'result', 'response'];
const OF_INGRESS: readonly VariableName[] = ['event', 'headers'];

export const VARIABLES: Readonly<Record<ExpressionKind, readonly VariableName[]>> = {
  outcome: OF_RECORD,
  httpOutcome: [...OF_RECORD, 'response'],
  event: OF_EMIT,
  key: OF_EMIT,
  header: OF_EMIT,
  ingressKey: OF_INGRESS,
};

/** Of what each variable holds. */
export const VARIABLE_DESCRIPTIONS: Readonly<Record<VariableName, string>> = {
  event: 'The decoded value of the record, of an ingress the body of the request. Null where the record has no value.',
  record: 'The Kafka record. `timestamp` is in milliseconds since the epoch, `key` a string or null.',
  saga: 'The saga that the record belongs to: its header `saga-id`, else its key.',
  step: 'The step that evaluates the expression.',
  headers: 'Headers of the HTTP request, names in lower case.',
  result: 'What the handler returned. Only where the step has an HTTP or module handler.',
  response: 'The answer to the HTTP handler. Only where the step has an HTTP or module handler.',
};

/** Where each kind of expression stands in a SagaStep. */
export const KIND_PLACES: Readonly<Record<ExpressionKind, string>> = {
  outcome: '`handler.cel.outcome`',
  httpOutcome: '`handler.http.outcome`',
  event: '`outcomes.*.emit[].event`',
  key: '`outcomes.*.emit[].key`',
  header: '`outcomes.*.emit[].headers.*`',
  ingressKey: '`ingress.http.key`, `ingress.http.idempotencyKey`',
};

const TEXT_OR_NONE = ['string', 'int', 'bytes', 'null'];

/** CEL types that fit; `dyn` always may. */
export const RESULT_TYPES: Readonly<Record<ExpressionKind, readonly string[]>> = {
  outcome: ['string'],
  httpOutcome: ['string'],
  event: ['map'],
  key: TEXT_OR_NONE,
  header: TEXT_OR_NONE,
  ingressKey: ['string', 'int'],
};

export const MEANT: Readonly<Record<ExpressionKind, string>> = {
  outcome: 'the name of an outcome (string)',
  httpOutcome: 'the name of an outcome (string)',
  event: 'an event (map)',
  key: 'a key (string, int, bytes or null)',
  header: 'the value of a header (string, int, bytes or null)',
  ingressKey: 'a key (string or int)',
};

export function wrongResult(kind: ExpressionKind, type: string): string {
  return `the expression gives ${type}, but must give ${MEANT[kind]}`;
}
