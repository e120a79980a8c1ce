import { DEAD_LETTER_HEADERS as NAMES, TRACEPARENT, type DeadLetterStage } from '@sagafleet/schemas';
import type { Headers, InputRecord, OutputRecord } from '../driver.ts';
import { consequenceOf, messageOf } from '../errors.ts';

/** Broker and tools show it whole; a stack or a value has no place in it. */
const MAX_MESSAGE_CHARACTERS = 500;

export interface Failure { stage: DeadLetterStage; error: unknown; schemaId: number | null }
export interface DeadLetterTarget { topic: string; partitions: number; group: string; step: string }

/**
 * The record as it came, key, value and headers byte for byte, with what happened in headers of our
 * own. What is said of the original is kept when a dead letter fails again. The record's timestamp
 * is the time of failure: brokers delete by it and refuse one far ahead.
 */
export function deadLetterOf(record: InputRecord, failure: Failure, target: DeadLetterTarget, nowMs: number): OutputRecord {
  const written = new Map<string, string>([
    [NAMES.group, target.group],
    [NAMES.step, target.step],
    [NAMES.attempt, '1'],
    [NAMES.stage, failure.stage],
    [NAMES.errorClass, consequenceOf(failure.error, 'permanent')],
    [NAMES.errorMessage, messageOf(failure.error).slice(0, MAX_MESSAGE_CHARACTERS)],
    [NAMES.replayCount, '0'],
  ]);
  if (failure.schemaId !== null) written.set(NAMES.schemaId, String(failure.schemaId));
  const traceId = traceIdOf(record.headers);
  if (traceId) written.set(NAMES.traceId, traceId);
  const original = new Map<string, string>([
    [NAMES.originalTopic, record.topic],
    [NAMES.originalPartition, String(record.partition)],
    [NAMES.originalOffset, record.offset],
    [NAMES.originalTimestamp, record.timestamp],
    [NAMES.firstFailure, new Date(nowMs).toISOString()],
  ]);
  return {
    topic: target.topic,
    partition: record.partition % target.partitions,
    key: record.key,
    value: record.value,
    constantHeaders: [],
    headers: [...record.headers.filter(([name]) => !written.has(name)), ...missingFrom(record.headers, original), ...written],
  };
}

function missingFrom(headers: Headers, wanted: ReadonlyMap<string, string>): [string, string][] {
  const present = new Set(headers.map(([name]) => name));
  return [...wanted].filter(([name]) => !present.has(name));
}

/** W3C Trace Context: version-traceid-parentid-flags. */
function traceIdOf(headers: Headers): string | undefined {
  const traceparent = headers.find(([name]) => name === TRACEPARENT)?.[1]?.toString('latin1');
  return traceparent?.split('-')[1];
}
