import { type BatchContext, FetchedRecord, RecordReader } from '../fetched-record.ts';
import type { Override } from './override.ts';

interface Decoder { readInt32(): number; canReadBytes(count: number): boolean; readBytes(count: number): Buffer }
type DecoderClass = new (bytes: Buffer) => Decoder;
type DecodeMessages = (decoder: Decoder) => Promise<unknown[]>;

interface StockParts {
  Decoder: DecoderClass;
  decodeMessageSet(decoder: Decoder, size: number): Promise<unknown[]>;
  codecOf(attributes: number): { decompress(records: Buffer): Promise<Buffer> } | null;
}

const MAGIC_AT = 16;
const MAGIC = 2;
const HEAD_BYTES = 61;
/** The length in a batch's head counts from here. */
const LENGTH_COUNTS_FROM = 12;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/**
 * The records of a fetch (Kafka protocol guide, "Record Batch").
 *
 * kafkajs makes a dozen objects a record before anyone looks at it, makes an object of the headers (a name
 * that stands twice goes to its first place, names that look like numbers to the front), passes all records
 * of a batch as arguments of one call, which ends the consumer at about 120,000 of them, and knows
 * the end of a batch by its records alone: before one that compaction emptied it stays for ever, through one
 * whose last records are gone it goes by single offsets.
 */
function decodeWith({ Decoder, decodeMessageSet, codecOf }: StockParts): DecodeMessages {
  return async (decoder) => {
    const size = decoder.readInt32();
    if (size <= 0 || !decoder.canReadBytes(size)) return [];
    const bytes = decoder.readBytes(size);
    if (bytes[MAGIC_AT] !== MAGIC) return decodeMessageSet(new Decoder(bytes), size);

    const records: unknown[] = [];
    for (let at = 0; at + HEAD_BYTES <= size;) {
      const end = at + LENGTH_COUNTS_FROM + bytes.readInt32BE(at + 8);
      // The last batch may be cut: a fetch is limited in bytes
      if (end > size) break;
      await decodeBatch(bytes.subarray(at, end), codecOf, records);
      at = end;
    }
    return records;
  };
}

async function decodeBatch(bytes: Buffer, codecOf: StockParts['codecOf'], records: unknown[]): Promise<void> {
  const attributes = bytes.readInt16BE(21);
  const firstOffset = bytes.readBigInt64BE(0);
  const firstTimestamp = bytes.readBigInt64BE(27);
  const batch: BatchContext = {
    topic: '',
    partition: -1,
    firstOffset: String(firstOffset),
    firstTimestamp: String(firstTimestamp),
    offsetBase: Number(firstOffset),
    timestampBase: Number(firstTimestamp),
    magicByte: MAGIC,
    inTransaction: (attributes & TRANSACTIONAL) !== 0,
    isControlBatch: (attributes & CONTROL) !== 0,
    timestampType: attributes & LOG_APPEND_TIME ? 1 : 0,
    lastOffsetDelta: bytes.readInt32BE(23),
    maxTimestamp: bytes.readBigInt64BE(35).toString(),
    producerId: bytes.readBigInt64BE(43).toString(),
  };
  const count = bytes.readInt32BE(57);
  const codec = codecOf(attributes);
  const reader = codec && count > 0 ? new RecordReader(await codec.decompress(bytes.subarray(HEAD_BYTES)), 0) : new RecordReader(bytes, HEAD_BYTES);
  let last: FetchedRecord | null = null;
  for (let at = 0; at < count; at++) records.push(last = new FetchedRecord(reader, batch));
  const lastOffset = String(firstOffset + BigInt(batch.lastOffsetDelta));
  if (last?.offset !== lastOffset) records.push(endOf(batch, lastOffset));
}

/** Compaction took the last records of the batch: a control record, which nobody is shown, stands for its end. */
function endOf(batch: BatchContext, offset: string): object {
  return { offset, key: null, value: null, headers: [], isControlRecord: true, batchContext: batch };
}

const DECODE_MESSAGES = 'protocol/requests/fetch/v4/decodeMessages';

const repaired = new WeakSet<DecodeMessages>();

export const recordBatches: Override = {
  name: 'record-batches',
  install: (internals) => {
    const compression = internals.load('protocol/message/compression') as { lookupCodecByAttributes: StockParts['codecOf'] };
    const decode = decodeWith({
      Decoder: internals.load('protocol/decoder') as DecoderClass,
      decodeMessageSet: internals.load('protocol/messageSet/decoder') as StockParts['decodeMessageSet'],
      codecOf: compression.lookupCodecByAttributes,
    });
    repaired.add(decode);
    internals.replace(DECODE_MESSAGES, () => decode);
  },
  isActive: (internals) => repaired.has(internals.load(DECODE_MESSAGES) as DecodeMessages),
};
