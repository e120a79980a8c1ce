import { MAX_VARINT_BYTES, writeAscii, writeBytes, writeNullableBytes, writePrefixedText, writeVarint } from './varint.ts';

/** What stands one behind the other in a value; texts are ASCII. Joining them first would take as long as all else of a header. */
export type HeaderParts = readonly (Uint8Array | string)[];
/** Null is a header without a value, which Kafka allows. */
export type HeaderValue = Uint8Array | string | HeaderParts | null;
export type HeaderList = readonly (readonly [name: string, value: HeaderValue])[];

/** Headers as they stand in a record (Kafka protocol guide, "Record Header"), without their count. */
interface EncodedHeaders {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Lists that are the same object on record after record are encoded once. */
const constantLists = new WeakMap<HeaderList, EncodedHeaders>();
let lastList: HeaderList = [];
let lastEncoded: EncodedHeaders = { count: 0, bytes: new Uint8Array(0) };

const names = new Map<string, Uint8Array>();
/** Names that a step computes could be without number. */
const MAX_NAMES = 1_000;
const MAX_UTF8_BYTES = 3;

export function encodeConstantHeaders(list: HeaderList): EncodedHeaders {
  if (list === lastList) return lastEncoded;
  const encoded = constantLists.get(list) ?? encode(list);
  constantLists.set(list, encoded);
  lastList = list;
  lastEncoded = encoded;
  return encoded;
}

function encode(list: HeaderList): EncodedHeaders {
  const bytes = Buffer.alloc(headersRoom(list));
  return { count: list.length, bytes: bytes.subarray(0, writeHeaders(bytes, list, 0)) };
}

/** More bytes than the headers take, without a look at their characters. */
export function headersRoom(list: HeaderList): number {
  let bytes = 0;
  for (let at = 0; at < list.length; at++) {
    const [name, value] = list[at]!;
    bytes += 2 * MAX_VARINT_BYTES + MAX_UTF8_BYTES * (name.length + headerLength(value));
  }
  return bytes;
}

/** In bytes or, of a text, characters. */
function headerLength(value: HeaderValue): number {
  if (value === null) return 0;
  if (!isParts(value)) return value.length;
  let length = 0;
  for (let at = 0; at < value.length; at++) length += value[at]!.length;
  return length;
}

function isParts(value: HeaderValue): value is HeaderParts {
  return Array.isArray(value);
}

/** Where the next byte goes. */
export function writeHeaders(target: Buffer, list: HeaderList, start: number): number {
  let end = start;
  for (let at = 0; at < list.length; at++) {
    const [name, value] = list[at]!;
    const encodedName = nameBytes(name);
    end = writeBytes(target, encodedName, writeVarint(target, encodedName.length, end));
    if (typeof value === 'string') end = writePrefixedText(target, value, end);
    else end = isParts(value) ? writeParts(target, value, end) : writeNullableBytes(target, value, end);
  }
  return end;
}

function writeParts(target: Buffer, parts: HeaderParts, start: number): number {
  let end = writeVarint(target, headerLength(parts), start);
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at]!;
    end = typeof part === 'string' ? writeAscii(target, part, end) : writeBytes(target, part, end);
  }
  return end;
}

function nameBytes(name: string): Uint8Array {
  const known = names.get(name);
  if (known) return known;
  if (names.size >= MAX_NAMES) names.clear();
  const bytes = Buffer.from(name);
  names.set(name, bytes);
  return bytes;
}
