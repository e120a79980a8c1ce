import type { ExpressionContext } from '@sagafleet/expressions';
import { CE_ID, SAGA_HOPS, SAGA_HOPS_LIMIT, SAGA_ID, TRACEPARENT, TRACESTATE } from '@sagafleet/schemas';
import type { InputRecord, OutputHeaders, OutputRecord } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import { headerOf, sagaIdOf } from './handle.ts';
import type { EmitProgram } from './program.ts';

/** What an output needs beside its program: codecs and the layout of topics. */
export interface EncodeOptions {
  /** Framed value of an event; throws where it does not fit the schema. */
  encodeValue(emit: EmitProgram, event: unknown): Buffer;
  partitionFor(topic: string, key: Buffer | null, inputPartition: number): number;
}

const TRACE_HEADERS = [TRACEPARENT, TRACESTATE];
/** By number of hops. */
const HOP_HEADERS = Array.from({ length: SAGA_HOPS_LIMIT + 1 }, (_, hops) => [SAGA_HOPS, Buffer.from(String(hops))] as const);

/** One emitted record. Its id is the same on every retry and replay of the input. */
export function encode(emit: EmitProgram, record: InputRecord, context: ExpressionContext, options: EncodeOptions): OutputRecord {
  const event = eventOf(emit, context);
  const key = emit.key ? toBuffer(emit.key.evaluate(context)) : record.key;
  return {
    topic: emit.topic,
    partition: options.partitionFor(emit.topic, key, record.partition),
    key,
    // A tombstone stays one
    value: event === null ? null : options.encodeValue(emit, event),
    constantHeaders: emit.constantHeaders,
    headers: headersOf(emit, record, key, context),
  };
}

export function eventOf({ event }: EmitProgram, context: ExpressionContext): unknown {
  return event ? event.evaluate(context) : (context.result ?? context.event);
}

function headersOf(emit: EmitProgram, record: InputRecord, key: Buffer | null, context: ExpressionContext): OutputHeaders {
  const headers: OutputHeaders[number][] = [[CE_ID, eventIdOf(record, emit.idSuffix)], HOP_HEADERS[nextHop(record)]!];
  const sagaId = sagaIdOf(record);
  if (sagaId !== null && !isSame(sagaId, key)) headers.push([SAGA_ID, sagaId]);
  for (const name of TRACE_HEADERS) {
    const value = headerOf(record, name);
    if (value) headers.push([name, value]);
  }
  for (const [name, expression] of emit.headers) {
    const value = toBuffer(expression.evaluate(context));
    if (value) headers.push([name, value]);
  }
  return headers;
}

function isSame(a: Buffer, b: Buffer | null): boolean {
  return a === b || (b !== null && a.equals(b));
}

/** The timestamp keeps it unique when a topic was deleted and made anew. */
function eventIdOf(record: InputRecord, suffix: Buffer): (Buffer | string)[] {
  return [placeOf(record), record.offset, '/', record.timestamp, suffix];
}

/** `{topic}/{partition}/` by topic and partition. */
const places = new Map<string, Buffer[]>();

function placeOf({ topic, partition }: InputRecord): Buffer {
  let ofTopic = places.get(topic);
  if (!ofTopic) places.set(topic, (ofTopic = []));
  return (ofTopic[partition] ??= Buffer.from(`${topic}/${partition}/`));
}

/** @throws `hops-exceeded`: choreographies can loop */
function nextHop(record: InputRecord): number {
  const header = headerOf(record, SAGA_HOPS);
  const hops = header === null ? 0 : Number(header.toString());
  const next = Number.isSafeInteger(hops) && hops >= 0 ? hops + 1 : 1;
  if (next > SAGA_HOPS_LIMIT) {
    throw new WorkerError(
      'hops-exceeded',
      'permanent',
      `the event has passed ${SAGA_HOPS_LIMIT} steps: the topics of these steps form a loop, cut it`,
    );
  }
  return next;
}

function toBuffer(value: string | Uint8Array | null): Buffer | null {
  return value === null ? null : Buffer.from(value as Uint8Array);
}
