import type { Override } from './override.ts';

type Bytes = Buffer | string | null | undefined;
/** kafkajs' object, or pairs in the order in which they are to stand. */
export type RecordHeaders = Record<string, Bytes | Bytes[]> | readonly (readonly [string, Bytes])[];

interface RecordFields {
  offsetDelta?: number;
  timestampDelta?: number;
  key?: Bytes;
  value?: Bytes;
  headers?: RecordHeaders;
}

/**
 * One record of a record batch v2 (Kafka protocol guide, "Record"), in one buffer of its size.
 *
 * kafkajs throws on a header whose value is null, which Kafka allows and other clients send, so that
 * such a record could be read but neither passed on nor dead-lettered. It also grows a buffer of
 * 512 bytes per record and header; here the size is counted first.
 */
export function encodeRecord(record: RecordFields): { buf: Buffer; buffer: Buffer } {
  const { offsetDelta = 0, timestampDelta = 0, key, value, headers = {} } = record;
  const pairs = headerPairs(headers);
  let bodySize = 1 + varintSize(timestampDelta) + varintSize(offsetDelta) + sizeOf(key) + sizeOf(value)
    + varintSize(pairs.length);
  for (const [name, headerValue] of pairs) bodySize += sizeOf(name) + sizeOf(headerValue);

  const buf = Buffer.allocUnsafe(varintSize(bodySize) + bodySize);
  let at = writeVarint(buf, bodySize, 0);
  buf[at++] = 0; // attributes: none is defined
  at = writeVarint(buf, timestampDelta, at);
  at = writeVarint(buf, offsetDelta, at);
  at = writeBytes(buf, key, at);
  at = writeBytes(buf, value, at);
  at = writeVarint(buf, pairs.length, at);
  for (const [name, headerValue] of pairs) at = writeBytes(buf, headerValue, writeBytes(buf, name, at));
  return { buf, buffer: buf };
}

function headerPairs(headers: RecordHeaders): readonly (readonly [string, Bytes])[] {
  if (Array.isArray(headers)) return headers;
  const pairs: [string, Bytes][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (Array.isArray(value)) for (const one of value) pairs.push([name, one]);
    else pairs.push([name, value]);
  }
  return pairs;
}

function sizeOf(bytes: Bytes): number {
  if (bytes == null) return 1;
  const length = byteLength(bytes);
  return varintSize(length) + length;
}

function writeBytes(buf: Buffer, bytes: Bytes, at: number): number {
  if (bytes == null) return writeVarint(buf, -1, at);
  const start = writeVarint(buf, byteLength(bytes), at);
  if (typeof bytes === 'string') return start + buf.write(bytes, start);
  return start + bytes.copy(buf, start);
}

const byteLength = (bytes: Buffer | string) => (typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length);

/** Zigzag by arithmetic, not by bits: time deltas pass 32 bits. Exact up to 2^52. */
const zigzag = (value: number) => (value >= 0 ? value * 2 : value * -2 - 1);

function varintSize(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function writeVarint(buf: Buffer, value: number, at: number): number {
  let rest = zigzag(value);
  while (rest >= 0x80) {
    buf[at++] = (rest % 0x80) + 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buf[at++] = rest;
  return at;
}

const RECORD = 'protocol/recordBatch/record/v0/index';

export const nullHeaders: Override = {
  name: 'null-headers',
  install: (internals) => internals.replace(RECORD, () => encodeRecord),
  isActive: (internals) => internals.load(RECORD) === encodeRecord,
};
