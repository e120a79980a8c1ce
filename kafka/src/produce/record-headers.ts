import { MAX_VARINT_BYTES, varintSize, writeBytes, writeText, writeVarint } from './varint.ts';

/** Null is a header without a value, which Kafka allows. */
export type HeaderValue = Uint8Array | string | null;
export type HeaderList = readonly (readonly [name: string, value: HeaderValue])[];

/** Headers as they stand in a record (Kafka protocol guide, "Record Header"), without their count. */
interface EncodedHeaders { readonly count: number; readonly bytes: Uint8Array }

/** Lists that are the same object on record after record are encoded once. */
const constantLists = new WeakMap<HeaderList, EncodedHeaders>();
const names = new Map<string, Uint8Array>();
/** Names that a step computes could be without number. */
const MAX_NAMES = 1_000;

export function encodeConstantHeaders(list: HeaderList): EncodedHeaders {
  const known = constantLists.get(list);
  if (known) return known;
  const bytes = Buffer.allocUnsafe(headersSize(list));
  writeHeaders(bytes, list, 0);
  const encoded = { count: list.length, bytes };
  constantLists.set(list, encoded);
  return encoded;
}

export function headersSize(list: HeaderList): number {
  let size = 0;
  for (const [name, value] of list) {
    size += lengthPrefixedSize(nameBytes(name).length);
    size += value === null ? 1 : lengthPrefixedSize(lengthOf(value));
  }
  return size;
}

const MAX_UTF8_BYTES = 3;

/** At least `headersSize`, without looking at the characters. */
export function headersRoom(list: HeaderList): number {
  let size = 0;
  for (const [name, value] of list) size += 2 * MAX_VARINT_BYTES + MAX_UTF8_BYTES * (name.length + (value?.length ?? 0));
  return size;
}

function lengthOf(value: Uint8Array | string): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length;
}

/** Where the next byte goes. */
export function writeHeaders(target: Buffer, list: HeaderList, start: number): number {
  let at = start;
  for (const [name, value] of list) {
    const encodedName = nameBytes(name);
    at = writeBytes(target, encodedName, writeVarint(target, encodedName.length, at));
    if (value === null) at = writeVarint(target, -1, at);
    else if (typeof value === 'string') at = writeText(target, value, writeVarint(target, Buffer.byteLength(value), at));
    else at = writeBytes(target, value, writeVarint(target, value.length, at));
  }
  return at;
}

function nameBytes(name: string): Uint8Array {
  const known = names.get(name);
  if (known) return known;
  if (names.size >= MAX_NAMES) names.clear();
  const bytes = Buffer.from(name);
  names.set(name, bytes);
  return bytes;
}

function lengthPrefixedSize(length: number): number {
  return varintSize(length) + length;
}
