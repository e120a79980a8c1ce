import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from './crc32c.ts';
import { encodeConstantHeaders, type HeaderList, headersRoom, writeHeaders } from './record-headers.ts';
import { MAX_VARINT_BYTES, readVarint, varintSize, writeBytes, writeNullableBytes, writeVarint } from './varint.ts';

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
/** Smaller than what the default levels of all four codecs make, so that what came in compressed fits again. */
const ZSTD_LEVEL = 6;

/** Codecs by their names in a topic's `compression.type`, with their numbers in a batch. */
const CODECS = {
  gzip: { attribute: 1, compress: (records: Buffer) => gzipSync(records) },
  zstd: {
    attribute: 4,
    compress: (records: Buffer) => zstdCompressSync(records, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } }),
  },
};
export type WriteCodec = keyof typeof CODECS;

/** Buffers of batches that were sent, to be used again: large ones are dear to make and to collect. */
const spare: Buffer[] = [];
let spareBytes = 0;
/** A transaction of each of a dozen busy tasks; above it they are made anew. */
const MAX_SPARE_BYTES = 16 * 1024 * 1024;
/** One record of many megabytes is not kept for. */
const MAX_KEPT_BYTES = 2 * 1024 * 1024;
const FIRST_BYTES = 4 * 1024;

function takeSpare(): Buffer {
  const buffer = spare.pop();
  spareBytes -= buffer?.length ?? 0;
  return buffer ?? Buffer.allocUnsafe(FIRST_BYTES);
}

function keepSpare(buffer: Buffer): void {
  if (buffer.length > MAX_KEPT_BYTES || spareBytes + buffer.length > MAX_SPARE_BYTES) return;
  spare.push(buffer);
  spareBytes += buffer.length;
}

/**
 * A record batch, format v2 (Kafka protocol guide, "Record Batch"), all records with one timestamp. Records are
 * encoded as they are added, so that nothing of them has to be kept. Not compressed unless it is asked for: every client reads
 * such a batch, and compression costs the producer more than the checksum of fewer bytes saves.
 */
export class RecordBatchBuilder {
  #buffer = takeSpare();
  #end = HEAD_BYTES;
  #count = 0;
  /** With room for the head. */
  #compressed: { batch: Buffer; attribute: number } | null = null;

  static of(records: readonly RecordToWrite[]): RecordBatchBuilder {
    const batch = new RecordBatchBuilder();
    for (const record of records) batch.add(record);
    return batch;
  }

  get count(): number {
    return this.#count;
  }

  /** Of the whole batch as it is sent. */
  get bytes(): number {
    return this.#compressed?.batch.length ?? this.#end;
  }

  get isCompressed(): boolean {
    return this.#compressed !== null;
  }

  /**
   * Compresses what was added, unless that makes it larger. With zstd where nothing asks for gzip: gzip and LZ4 see no
   * repetition beyond 32 and 64 KiB, so a record that another client compressed with zstd would not fit again.
   */
  compress(codec: WriteCodec = 'zstd'): void {
    const { attribute, compress } = CODECS[codec];
    const records = compress(this.#buffer.subarray(HEAD_BYTES, this.#end));
    if (HEAD_BYTES + records.length >= this.#end) return;
    this.#compressed = { batch: Buffer.concat([Buffer.alloc(HEAD_BYTES), records]), attribute };
  }

  /** False, and nothing added, where the batch would pass `maxBytes`; the first record always fits. */
  add(record: RecordToWrite, maxBytes = Infinity): boolean {
    this.#makeRoom(roomOf(record));
    const end = writeRecord(this.#buffer, record, this.#count, this.#end);
    if (end > maxBytes && this.#count > 0) return false;
    this.#end = end;
    this.#count++;
    this.#compressed = null;
    return true;
  }

  /** Its records in several batches, in order: each of up to `maxBytes`, plain, or of one record. */
  split(maxBytes: number): RecordBatchBuilder[] {
    const parts: RecordBatchBuilder[] = [];
    for (let at = HEAD_BYTES; at < this.#end;) {
      const size = readVarint(this.#buffer, at);
      const end = size.next + size.value;
      // Attributes and timestamp delta are a byte each; the offset delta is another one in the part
      const rest = this.#buffer.subarray(readVarint(this.#buffer, size.next + 2).next, end);
      if (parts.length === 0 || !parts.at(-1)!.#append(rest, maxBytes)) {
        const part = new RecordBatchBuilder();
        part.#append(rest, Infinity);
        parts.push(part);
      }
      at = end;
    }
    return parts;
  }

  /** A record of which all is encoded that follows its offset delta. */
  #append(rest: Buffer, maxBytes: number): boolean {
    const size = 2 + varintSize(this.#count) + rest.length;
    if (this.#end + varintSize(size) + size > maxBytes) return false;
    this.#makeRoom(MAX_VARINT_BYTES + size);
    const bodyAt = writeVarint(this.#buffer, size, this.#end);
    this.#buffer.fill(0, bodyAt, bodyAt + 2);
    this.#end = writeBytes(this.#buffer, rest, writeVarint(this.#buffer, this.#count++, bodyAt + 2));
    return true;
  }

  /** The batch as it is sent. May be a view: gone with `release`. */
  seal(writer: BatchWriter, timestampMs: number): Buffer {
    const { batch, attribute } = this.#compressed ?? { batch: this.#buffer.subarray(0, this.#end), attribute: 0 };
    batch.writeBigInt64BE(0n, 0); // base offset: the broker's to give
    batch.writeInt32BE(batch.length - 12, 8);
    batch.writeInt32BE(-1, 12); // leader epoch: unknown to producers
    batch[16] = MAGIC;
    batch.writeInt16BE((writer.isTransactional ? TRANSACTIONAL : 0) | attribute, ATTRIBUTES_AT);
    batch.writeInt32BE(this.#count - 1, 23);
    batch.writeBigInt64BE(BigInt(timestampMs), 27);
    batch.writeBigInt64BE(BigInt(timestampMs), 35);
    batch.writeBigInt64BE(writer.producerId, 43);
    batch.writeInt16BE(writer.producerEpoch, 51);
    batch.writeInt32BE(writer.firstSequence, 53);
    batch.writeInt32BE(this.#count, 57);
    batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), CRC_AT);
    return batch;
  }

  /** Gives the memory back; the batch cannot be used any more. */
  release(): void {
    keepSpare(this.#buffer);
    this.#buffer = Buffer.alloc(0);
    this.#end = 0;
    this.#count = 0;
    this.#compressed = null;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * needed);
    this.#buffer.copy(larger, 0, 0, this.#end);
    this.#buffer = larger;
  }
}

/** More bytes than the record takes. */
function roomOf({ key, value, constantHeaders, headers }: RecordToWrite): number {
  return (
    RECORD_OVERHEAD_BYTES +
    (key === null ? 0 : key.length) +
    (value === null ? 0 : value.length) +
    encodeConstantHeaders(constantHeaders).bytes.length +
    headersRoom(headers)
  );
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
