import { createRequire } from 'node:module';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from '../src/produce/crc32c.ts';

export interface StoredRecord {
  offsetDelta?: number;
  timestampDelta?: number | bigint;
  key?: Buffer | string | null;
  value?: Buffer | string | null;
  headers?: readonly (readonly [name: string, value: Buffer | string | null])[];
}

export interface StoredBatch {
  firstOffset?: bigint;
  /** Codec 0 to 4, and the bits of the protocol guide. */
  attributes?: number;
  lastOffsetDelta?: number;
  firstTimestamp?: bigint;
  maxTimestamp?: bigint;
  producerId?: bigint;
  records?: readonly StoredRecord[];
  /** What the head says, where it is not true. */
  count?: number;
  /** Instead of the records, compressed or not. */
  body?: Buffer;
}

export const NOW = 1_700_000_000_000n;
export const ATTRIBUTES = { appendTime: 0x08, transactional: 0x10, control: 0x20 };
export const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 };

const require = createRequire(import.meta.url);
const { compress } = require('snappyjs') as { compress(data: Buffer): Buffer };

const COMPRESS: ((records: Buffer) => Buffer)[] = [(records) => records, gzipSync, compress, lz4Frame, zstdCompressSync];

/** A record batch as a broker stores it (Kafka protocol guide, "Record Batch"). */
export function storedBatch({
  firstOffset = 40n,
  attributes = 0,
  records = [],
  lastOffsetDelta = records.length - 1,
  firstTimestamp = NOW,
  maxTimestamp = NOW + 999n,
  producerId = 7n,
  count = records.length,
  body,
}: StoredBatch): Buffer {
  const content = body ?? COMPRESS[attributes & 7]!(Buffer.concat(records.map(encodeRecord)));
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(firstOffset, 0);
  head.writeInt32BE(head.length - 12 + content.length, 8);
  head[16] = 2;
  head.writeInt16BE(attributes, 21);
  head.writeInt32BE(lastOffsetDelta, 23);
  head.writeBigInt64BE(firstTimestamp, 27);
  head.writeBigInt64BE(maxTimestamp, 35);
  head.writeBigInt64BE(producerId, 43);
  head.writeInt32BE(count, 57);
  const batch = Buffer.concat([head, content]);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

export function encodeRecord(
  { offsetDelta, timestampDelta = 0, key = null, value = null, headers = [] }: StoredRecord,
  at: number,
): Buffer {
  const parts = [
    Buffer.alloc(1),
    varint(timestampDelta),
    varint(offsetDelta ?? at),
    ...nullable(key),
    ...nullable(value),
    varint(headers.length),
  ];
  for (const [name, content] of headers) parts.push(...nullable(name), ...nullable(content));
  const record = Buffer.concat(parts);
  return Buffer.concat([varint(record.length), record]);
}

function nullable(content: Buffer | string | null): Buffer[] {
  if (content === null) return [varint(-1)];
  const bytes = Buffer.from(content as string);
  return [varint(bytes.length), bytes];
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value) < 0n ? -2n * BigInt(value) - 1n : 2n * BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

const LZ4_BLOCK_BYTES = 64 * 1024;

/** An LZ4 frame of blocks that refer to nothing; a block of one byte again and again is a match, every other one is stored. */
function lz4Frame(content: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0])];
  for (let at = 0; at < content.length; at += LZ4_BLOCK_BYTES) {
    const block = content.subarray(at, at + LZ4_BLOCK_BYTES);
    const isOneByte = block.length > 100 && block.every((byte) => byte === block[0]);
    const data = isOneByte ? repeated(block[0]!, block.length) : block;
    const mark = Buffer.alloc(4);
    mark.writeUInt32LE((isOneByte ? 0 : 0x80000000) + data.length);
    parts.push(mark, data);
  }
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

/** One literal, a match that repeats it, and five literals, which have to stand last. */
function repeated(byte: number, length: number): Buffer {
  const match = length - 6 - 4 - 15;
  const lengths = Buffer.alloc(Math.floor(match / 255) + 1, 255);
  lengths[lengths.length - 1] = match % 255;
  return Buffer.concat([Buffer.from([0x1f, byte, 1, 0]), lengths, Buffer.from([0x50]), Buffer.alloc(5, byte)]);
}
