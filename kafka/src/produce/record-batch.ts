import { crc32c } from './crc32c.ts';
import { encodeConstantHeaders, type HeaderList, headersRoom, headersSize, writeHeaders } from './record-headers.ts';
import { MAX_VARINT_BYTES, varintSize, writeBytes, writeVarint } from './varint.ts';

export interface RecordToWrite {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Before the others; encoded once for as long as it is the same object. */
  readonly constantHeaders: HeaderList;
  readonly headers: HeaderList;
}

/** Who writes, and where in its sequence for that partition the batch stands (KIP-98). */
export interface BatchWriter {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly firstSequence: number;
  readonly isTransactional: boolean;
}

const HEAD_BYTES = 61;
const RECORD_OVERHEAD_BYTES = 3 + 5 * MAX_VARINT_BYTES;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const MAGIC = 2;
const TRANSACTIONAL = 0x10;

/**
 * A record batch, format v2 (Kafka protocol guide, "Record Batch"), uncompressed, all records with one
 * timestamp. One pass into one buffer; kafkajs makes several buffers a record and copies each three times.
 */
export function encodeRecordBatch(records: readonly RecordToWrite[], writer: BatchWriter, timestampMs: number): Buffer {
  const batch = Buffer.allocUnsafe(HEAD_BYTES + roomFor(records));
  let end = HEAD_BYTES;
  for (let at = 0; at < records.length; at++) end = writeRecord(batch, records[at]!, at, end);

  batch.writeBigInt64BE(0n, 0); // base offset: the broker's to give
  batch.writeInt32BE(end - 12, 8);
  batch.writeInt32BE(-1, 12); // leader epoch: unknown to producers
  batch[16] = MAGIC;
  batch.writeInt16BE(writer.isTransactional ? TRANSACTIONAL : 0, ATTRIBUTES_AT);
  batch.writeInt32BE(records.length - 1, 23);
  batch.writeBigInt64BE(BigInt(timestampMs), 27);
  batch.writeBigInt64BE(BigInt(timestampMs), 35);
  batch.writeBigInt64BE(writer.producerId, 43);
  batch.writeInt16BE(writer.producerEpoch, 51);
  batch.writeInt32BE(writer.firstSequence, 53);
  batch.writeInt32BE(records.length, 57);
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT, end), CRC_AT);
  return batch.subarray(0, end);
}

function roomFor(records: readonly RecordToWrite[]): number {
  let bytes = 0;
  for (const { key, value, constantHeaders, headers } of records) {
    bytes += RECORD_OVERHEAD_BYTES + (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
      + encodeConstantHeaders(constantHeaders).bytes.length + headersRoom(headers);
  }
  return bytes;
}

function writeRecord(batch: Buffer, { key, value, constantHeaders, headers }: RecordToWrite, offsetDelta: number, start: number): number {
  const constant = encodeConstantHeaders(constantHeaders);
  const headerCount = constant.count + headers.length;
  // One byte of attributes and one for a timestamp delta of 0
  const size = 2 + varintSize(offsetDelta) + sizeOf(key) + sizeOf(value)
    + varintSize(headerCount) + constant.bytes.length + headersSize(headers);
  let at = writeVarint(batch, size, start);
  batch[at++] = 0;
  batch[at++] = 0;
  at = writeVarint(batch, offsetDelta, at);
  at = writeNullable(batch, key, at);
  at = writeNullable(batch, value, at);
  at = writeVarint(batch, headerCount, at);
  return writeHeaders(batch, headers, writeBytes(batch, constant.bytes, at));
}

function sizeOf(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function writeNullable(batch: Buffer, bytes: Uint8Array | null, at: number): number {
  return bytes === null ? writeVarint(batch, -1, at) : writeBytes(batch, bytes, writeVarint(batch, bytes.length, at));
}
