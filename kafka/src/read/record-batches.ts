/** The bytes that a fetch brought of one partition → its records (Kafka protocol guide, "Record Batch"). */
import { crc32c } from '../produce/crc32c.ts';
import type { AbortedTransaction } from '../wire/fetch.ts';
import { type BatchContext, FetchedRecord, type HeaderPair, RecordReader } from '../wire/fetched-record.ts';
import { decompress } from './decompress.ts';

/** Why the records of a whole batch, from the offset that it stands at up to `lastOffset`, cannot be read. */
export interface Unreadable {
  lastOffset: string;
  reason: string;
}

/** A record; with `unreadable` one that stands for a whole batch. */
export interface ReadableRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: HeaderPair[];
  readonly unreadable?: Unreadable;
}

export interface DecodedPartition {
  /** Committed ones from the offset that was asked for on, in order; neither control records nor aborted ones. */
  records: ReadableRecord[];
  /** One past the last record that was there, of whatever kind. */
  nextOffset: bigint;
  /** What the records hold in memory. */
  bytes: number;
}

export interface FetchedBytes {
  topic: string;
  partition: number;
  /** That was asked for: a fetch brings whole batches. */
  fromOffset: bigint;
  records: Buffer;
  aborted: readonly AbortedTransaction[];
}

/** The bytes of a batch are not those that the producer wrote. */
export class CorruptBatch extends Error {
  override readonly name = 'CorruptBatch';
  readonly offset: bigint;

  constructor(offset: bigint, reason: string) {
    super(reason);
    this.offset = offset;
  }
}

const LENGTH_AT = 8;
/** The length in a batch's head counts from here. */
const LENGTH_COUNTS_FROM = 12;
const MAGIC_AT = 16;
const MAGIC = 2;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const PRODUCER_ID_AT = 43;
const HEAD_BYTES = 61;
const CODEC = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Of the batches of a fetch: what follows is fetched again. */
const DECOMPRESSED_AT_ONCE = 8 * 1024 * 1024;

/**
 * A batch that cannot be decompressed, or holds more than `maxBatchBytes`, becomes one record that says so.
 * @throws CorruptBatch for the first batch, where the checksum is another one, or the format is one of before Kafka 0.11
 */
export async function decodeRecords(fetched: FetchedBytes, maxBatchBytes: number): Promise<DecodedPartition> {
  const { records: bytes, fromOffset, aborted } = fetched;
  const decoded: DecodedPartition = { records: [], nextOffset: fromOffset, bytes: bytes.length };
  const isAborted = abortedFilter(aborted);
  const marked = markedAborted(bytes, fetched);
  for (let at = 0; at + MAGIC_AT < bytes.length && decoded.bytes - bytes.length < DECOMPRESSED_AT_ONCE;) {
    const end = at + LENGTH_COUNTS_FROM + Math.max(bytes.readInt32BE(at + LENGTH_AT), 0);
    // The last batch may be cut off: a fetch is limited in bytes
    if (end > bytes.length) break;
    const batch = bytes.subarray(at, end);
    const damage = damageOf(batch, bytes[at + MAGIC_AT]!);
    // What stands before it is whole
    if (damage !== null && decoded.nextOffset > fromOffset) break;
    if (damage !== null) throw new CorruptBatch(bytes.readBigInt64BE(at), damage);
    const lastOffset = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23));
    if (!isAborted(batch, lastOffset) && !marked.has(at)) await decodeBatch(batch, fetched, { decoded, maxBatchBytes });
    if (lastOffset >= decoded.nextOffset) decoded.nextOffset = lastOffset + 1n;
    at = end;
  }
  return decoded;
}

function damageOf(batch: Buffer, magic: number): string | null {
  if (magic !== MAGIC)
    return `record format ${magic}, written by a client of before Kafka 0.11, is not read: copy the topic with a newer client`;
  if (batch.length >= HEAD_BYTES && crc32c(batch, ATTRIBUTES_AT) === batch.readUInt32BE(CRC_AT)) return null;
  return 'the checksum does not fit the bytes: the log of the broker, its memory or the network has changed them';
}

const ABORT = 0;

/**
 * Where those batches begin whose transaction was aborted, as the marker behind them says. A broker that copied several
 * transactions of one producer at once may leave some out of its list of aborted ones (docs/unlisted-aborts.md).
 */
function markedAborted(bytes: Buffer, fetched: FetchedBytes): ReadonlySet<number> {
  const open = new Map<bigint, number[]>();
  const marked = new Set<number>();
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const end = at + LENGTH_COUNTS_FROM + Math.max(bytes.readInt32BE(at + LENGTH_AT), 0);
    const attributes = bytes.readInt16BE(at + ATTRIBUTES_AT);
    const producerId = bytes.readBigInt64BE(at + PRODUCER_ID_AT);
    const begun = open.get(producerId) ?? [];
    if (attributes & CONTROL) {
      const type = end <= bytes.length ? markerType(bytes.subarray(at, end), fetched) : null;
      for (const position of type === ABORT ? begun : []) marked.add(position);
      if (type !== null) open.delete(producerId);
    } else if (attributes & TRANSACTIONAL) {
      open.set(producerId, begun);
      begun.push(at);
    }
    at = end;
  }
  return marked;
}

/**
 * The key of a control record is its version and its type, 16 bits each (Kafka protocol guide, "Control Batches").
 * Null where the batch is damaged or has another form, or where compaction emptied it: it says nothing.
 */
function markerType(batch: Buffer, fetched: FetchedBytes): number | null {
  if (damageOf(batch, batch[MAGIC_AT]!) !== null || batch.readInt32BE(57) === 0) return null;
  try {
    const { key } = new FetchedRecord(new RecordReader(batch, HEAD_BYTES), contextOf(batch, fetched));
    return key && key.length >= 4 ? key.readInt16BE(2) : null;
  } catch {
    return null;
  }
}

/**
 * Whether a batch holds nothing to see. Brokers list aborted transactions in the order of their ends; one begins at its
 * first offset and ends with the next control record of its producer, as in Kafka's `CompletedFetch`.
 */
function abortedFilter(transactions: readonly AbortedTransaction[]): (batch: Buffer, lastOffset: bigint) => boolean {
  const upcoming = transactions.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  const aborting = new Set<bigint>();
  let next = 0;
  return (batch, lastOffset) => {
    for (let begun = upcoming[next]; begun && begun.firstOffset <= lastOffset; begun = upcoming[++next]) aborting.add(begun.producerId);
    const attributes = batch.readInt16BE(ATTRIBUTES_AT);
    if (attributes & CONTROL) {
      aborting.delete(batch.readBigInt64BE(PRODUCER_ID_AT));
      return true;
    }
    return (attributes & TRANSACTIONAL) !== 0 && aborting.has(batch.readBigInt64BE(PRODUCER_ID_AT));
  };
}

interface Sink {
  decoded: DecodedPartition;
  maxBatchBytes: number;
}

async function decodeBatch(batch: Buffer, fetched: FetchedBytes, { decoded, maxBatchBytes }: Sink): Promise<void> {
  const context = contextOf(batch, fetched);
  const codec = batch.readInt16BE(ATTRIBUTES_AT) & CODEC;
  const count = batch.readInt32BE(57);
  const from = Number(fetched.fromOffset - context.firstOffset);
  const begin = decoded.records.length;
  try {
    const reader =
      codec === 0 || count === 0
        ? new RecordReader(batch, HEAD_BYTES)
        : new RecordReader(await decompress(codec, batch.subarray(HEAD_BYTES), maxBatchBytes), 0);
    for (let at = 0; at < count; at++) {
      const record = new FetchedRecord(reader, context);
      if (record.offsetDelta >= from) decoded.records.push(record);
    }
    if (reader.bytes !== batch) decoded.bytes += reader.bytes.length;
  } catch (error) {
    decoded.records.splice(begin);
    decoded.records.push(unreadable(batch, context, from > 0 ? fetched.fromOffset : context.firstOffset, error));
  }
}

function contextOf(batch: Buffer, { topic, partition }: FetchedBytes): BatchContext {
  const firstOffset = batch.readBigInt64BE(0);
  const firstTimestamp = batch.readBigInt64BE(27);
  const hasAppendTime = (batch.readInt16BE(ATTRIBUTES_AT) & LOG_APPEND_TIME) !== 0;
  return {
    topic,
    partition,
    firstOffset,
    firstTimestamp,
    offsetBase: Number(firstOffset),
    timestampBase: Number(firstTimestamp),
    appendTime: hasAppendTime ? String(batch.readBigInt64BE(35)) : null,
  };
}

function unreadable(batch: Buffer, { topic, partition, firstOffset }: BatchContext, offset: bigint, error: unknown): ReadableRecord {
  return {
    topic,
    partition,
    offset: String(offset),
    timestamp: String(batch.readBigInt64BE(35)),
    key: null,
    value: null,
    headers: [],
    unreadable: {
      lastOffset: String(firstOffset + BigInt(batch.readInt32BE(23))),
      reason: error instanceof Error ? error.message : String(error),
    },
  };
}
