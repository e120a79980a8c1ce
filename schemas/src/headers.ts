/** Names of the record headers that sagafleet writes and reads. */

/** CloudEvents binary mode over Kafka (CloudEvents Kafka protocol binding 1.0.2, section 3.2). */
export const CE_SPECVERSION = 'ce_specversion';
export const CE_TYPE = 'ce_type';
export const CE_SOURCE = 'ce_source';
/** Deterministic: the same on every retry and replay of one input record. */
export const CE_ID = 'ce_id';
export const CE_TIME = 'ce_time';

/** The saga's id, written only where it is not the record's key. */
export const SAGA_ID = 'saga-id';
/** How many steps the event has passed, decimal text. */
export const SAGA_HOPS = 'saga-hops';
/** Choreographies can loop; a record with this many hops becomes a dead letter. */
export const SAGA_HOPS_LIMIT = 64;

/** W3C Trace Context. */
export const TRACEPARENT = 'traceparent';
export const TRACESTATE = 'tracestate';

/**
 * Headers of a dead letter. `original-*` and `first-failure` are written once and kept when a
 * dead letter fails again; all others are overwritten and describe the last failure.
 */
export const DEAD_LETTER_HEADERS = {
  originalTopic: 'sagafleet-original-topic',
  originalPartition: 'sagafleet-original-partition',
  originalOffset: 'sagafleet-original-offset',
  /** Where a dead letter stands for all records of a batch, from the original offset up to this one. */
  originalLastOffset: 'sagafleet-original-last-offset',
  originalTimestamp: 'sagafleet-original-timestamp',
  /** Where the record stood that failed last. Only where that record had such headers: else it is the original. */
  sourceTopic: 'sagafleet-source-topic',
  sourcePartition: 'sagafleet-source-partition',
  sourceOffset: 'sagafleet-source-offset',
  group: 'sagafleet-group',
  step: 'sagafleet-step',
  attempt: 'sagafleet-attempt',
  firstFailure: 'sagafleet-first-failure',
  stage: 'sagafleet-stage',
  errorClass: 'sagafleet-error-class',
  /** Which error it was, from the closed list of the part that it arose in: `evaluation`, `ended-worker`. */
  errorCode: 'sagafleet-error-code',
  errorMessage: 'sagafleet-error-message',
  schemaId: 'sagafleet-schema-id',
  traceId: 'sagafleet-trace-id',
  replayCount: 'sagafleet-replay-count',
  /** Only on a stub, a dead letter without the value of its original: why it has none, and what else is left out. */
  stub: 'sagafleet-stub',
} as const;

/** Where on its way a record failed. */
export type DeadLetterStage = 'decode' | 'handle' | 'encode' | 'produce';
