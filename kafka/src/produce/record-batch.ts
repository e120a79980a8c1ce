import { crc32c } from './crc32c.ts';
import { encodeConstantHeaders, type HeaderList, headersRoom, writeHeaders } from './record-headers.ts';
import { MAX_VARINT_BYTES, varintSize, writeBytes, writeNullableBytes, writeVarint } from './varint.ts';

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
const USUAL_SIZE_BYTES = 2;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const MAGIC = 2;
const TRANSACTIONAL = 0x10;

/** Batches are put together here, one at a time. */
let scratch = Buffer.allocUnsafe(1024 * 1024);

/**
 * A record batch, format v2 (Kafka protocol guide, "Record Batch"), uncompressed, all records with one
 * timestamp. One pass; kafkajs makes several buffers a record and copies each three times.
 */
export function encodeRecordBatch(records: readonly RecordToWrite[], writer: BatchWriter, timestampMs: number): Buffer {
  let end = HEAD_BYTES;
  for (let at = 0; at < records.length; at++) {
    makeRoom(records[at]!, end);
    end = writeRecord(scratch, records[at]!, at, end);
  }
  const batch = Buffer.from(scratch.subarray(0, end));
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
  return batch;
}

function makeRoom({ key, value, constantHeaders, headers }: RecordToWrite, end: number): void {
  const needed = end + RECORD_OVERHEAD_BYTES + (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
    + encodeConstantHeaders(constantHeaders).bytes.length + headersRoom(headers);
  if (needed <= scratch.length) return;
  const larger = Buffer.allocUnsafe(2 * needed);
  scratch.copy(larger, 0, 0, end);
  scratch = larger;
}

function writeRecord(batch: Buffer, { key, value, constantHeaders, headers }: RecordToWrite, offsetDelta: number, start: number): number {
  const constant = encodeConstantHeaders(constantHeaders);
  const bodyAt = start + USUAL_SIZE_BYTES;
  batch[bodyAt] = 0; // attributes: none is defined
  batch[bodyAt + 1] = 0; // timestamp delta
  let end = writeVarint(batch, offsetDelta, bodyAt + 2);
  end = writeNullableBytes(batch, key, end);
  end = writeNullableBytes(batch, value, end);
  end = writeVarint(batch, constant.count + headers.length, end);
  end = writeHeaders(batch, headers, writeBytes(batch, constant.bytes, end));
  return putSizeBefore(batch, start, end);
}

/** The size is known last and stands first; most records need two bytes for it. */
function putSizeBefore(batch: Buffer, start: number, end: number): number {
  const bodyAt = start + USUAL_SIZE_BYTES;
  const size = end - bodyAt;
  const shift = varintSize(size) - USUAL_SIZE_BYTES;
  if (shift !== 0) batch.copyWithin(bodyAt + shift, bodyAt, end);
  writeVarint(batch, size, start);
  return end + shift;
}
