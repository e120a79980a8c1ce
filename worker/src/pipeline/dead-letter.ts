import { consequenceOf, DEAD_LETTER_HEADERS as NAMES, TRACEPARENT, type DeadLetterStage } from '@sagafleet/schemas';
import type { Headers, InputRecord, OutputHeaders, OutputRecord } from '../driver.ts';
import { codeOf, messageOf } from '../errors.ts';
import type { LetterShape } from './size-limits.ts';

/** Broker and tools show it whole; a stack or a value has no place in it. */
const MAX_MESSAGE_CHARACTERS = 500;
const TRACE_ID_CHARACTERS = 32;

/** Bounds of a stub, far below what any topic takes that is not set to take next to nothing. */
const MAX_STUB_PART_BYTES = 2 * 1_024;
const MAX_STUB_HEADER_BYTES = 8 * 1_024;
const OWN_HEADERS: ReadonlySet<string> = new Set(Object.values(NAMES));
/** What the last stub says, in some hundred bytes. */
const PLACE_HEADERS: ReadonlySet<string> = new Set([
  NAMES.originalTopic,
  NAMES.originalPartition,
  NAMES.originalOffset,
  NAMES.originalLastOffset,
  NAMES.originalTimestamp,
  NAMES.sourceTopic,
  NAMES.sourcePartition,
  NAMES.sourceOffset,
  NAMES.group,
  NAMES.stage,
]);
const NAMES_A_PLACE: ReadonlySet<string> = new Set([
  NAMES.originalTopic,
  NAMES.originalPartition,
  NAMES.originalOffset,
  NAMES.sourceTopic,
  NAMES.sourcePartition,
  NAMES.sourceOffset,
]);

export interface Failure {
  stage: DeadLetterStage;
  error: unknown;
  schemaId: number | null;
}
export interface DeadLetterTarget {
  topic: string;
  partitions: number;
  group: string;
  step: string;
}
/** `stub`: why it is one; null: it is none. */
export interface DeadLetter {
  record: OutputRecord;
  stub: string | null;
}

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
    [NAMES.errorClass, consequenceOf(failure.error) ?? 'permanent'],
    [NAMES.errorCode, codeOf(failure.error) ?? 'unknown'],
    [NAMES.errorMessage, messageOf(failure.error).slice(0, MAX_MESSAGE_CHARACTERS)],
    [NAMES.replayCount, '0'],
  ]);
  for (const [name, value] of presentPlaceOf(record)) written.set(name, value);
  if (failure.schemaId !== null) written.set(NAMES.schemaId, String(failure.schemaId));
  const traceId = traceIdOf(record.headers);
  if (traceId) written.set(NAMES.traceId, traceId);
  if (record.unreadable) written.set(NAMES.stub, record.unreadable.reason);
  const original = new Map<string, string>([
    [NAMES.originalTopic, record.topic],
    [NAMES.originalPartition, String(record.partition)],
    [NAMES.originalOffset, record.offset],
    [NAMES.originalTimestamp, record.timestamp],
    [NAMES.firstFailure, new Date(nowMs).toISOString()],
  ]);
  if (record.unreadable) original.set(NAMES.originalLastOffset, record.unreadable.lastOffset);
  return {
    topic: target.topic,
    partition: record.partition % target.partitions,
    key: record.key,
    value: record.value,
    constantHeaders: [],
    headers: [...record.headers.filter(([name]) => !written.has(name)), ...missingFrom(record.headers, original), ...written],
  };
}

/** The place of the record itself, where it came with headers that name another one: a reader who looks for it would be misled. */
function presentPlaceOf({ headers, topic, partition, offset }: InputRecord): [string, string][] {
  if (!headers.some(([name]) => NAMES_A_PLACE.has(name))) return [];
  return [
    [NAMES.sourceTopic, topic],
    [NAMES.sourcePartition, String(partition)],
    [NAMES.sourceOffset, offset],
  ];
}

function bareHeadersOf(record: InputRecord): OutputHeaders {
  const source = presentPlaceOf(record);
  const written = new Set(source.map(([name]) => name));
  return [...record.headers.filter(([name]) => !written.has(name)), ...source];
}

/** As much of a dead letter as its topic takes. */
export function shapedTo({ form, reason }: LetterShape, letter: OutputRecord, record: InputRecord): DeadLetter {
  if (form === 'full') return { record: letter, stub: record.unreadable?.reason ?? null };
  if (form === 'bare' && !record.unreadable) return { record: { ...letter, headers: bareHeadersOf(record) }, stub: null };
  return form === 'place' ? placeOf(letter, record, reason) : stubOf(letter, record, reason);
}

/** Our own headers, and of the record's the first ones for which there is room; its key unless that is large. */
function stubOf(letter: OutputRecord, { key, unreadable }: InputRecord, reason: string): DeadLetter {
  const isKeyKept = sizeOf(key) <= MAX_STUB_PART_BYTES;
  const others = letter.headers.filter(([name]) => !OWN_HEADERS.has(name));
  let room = MAX_STUB_HEADER_BYTES;
  const kept = others.filter(([name, value]) => (room -= sizeOf(name) + sizeOf(value)) >= 0);
  const left = [
    ...(unreadable ? [] : ['value']),
    ...(isKeyKept ? [] : ['key']),
    ...(kept.length === others.length ? [] : [`${others.length - kept.length} of ${others.length} headers`]),
  ];
  const stub = [unreadable?.reason ?? reason, ...(left.length > 0 ? [`left out: ${left.join(', ')}`] : [])].join('; ');
  const headers = [...kept, ...ownHeaders(letter, OWN_HEADERS), [NAMES.stub, stub]] as const;
  return { record: { ...letter, key: isKeyKept ? key : null, value: null, headers }, stub };
}

/** With a key that names the place, so that a compacted topic takes and keeps it. */
function placeOf(letter: OutputRecord, { topic, partition, offset }: InputRecord, reason: string): DeadLetter {
  const stub = `${reason}; left out: all but the place`;
  const headers = [...ownHeaders(letter, PLACE_HEADERS), [NAMES.stub, stub]] as const;
  return { record: { ...letter, key: Buffer.from(`${topic}/${partition}/${offset}`), value: null, headers }, stub };
}

/** The last of each name, as what came in may hold any number of them, of any size. */
function ownHeaders({ headers }: OutputRecord, names: ReadonlySet<string>): OutputHeaders {
  const own = headers.filter(([name, value]) => names.has(name) && name !== NAMES.stub && sizeOf(value) <= MAX_STUB_PART_BYTES);
  return [...new Map(own)];
}

function sizeOf(part: OutputHeaders[number][1]): number {
  if (part === null) return 0;
  if (typeof part === 'string') return Buffer.byteLength(part);
  return Buffer.isBuffer(part) ? part.length : part.reduce((bytes, each) => bytes + sizeOf(each), 0);
}

function missingFrom(headers: Headers, wanted: ReadonlyMap<string, string>): [string, string][] {
  const present = new Set(headers.map(([name]) => name));
  return [...wanted].filter(([name]) => !present.has(name));
}

/** W3C Trace Context: version-traceid-parentid-flags. */
function traceIdOf(headers: Headers): string | undefined {
  const traceparent = headers.find(([name]) => name === TRACEPARENT)?.[1]?.toString('latin1');
  return traceparent?.split('-')[1]?.slice(0, TRACE_ID_CHARACTERS);
}
