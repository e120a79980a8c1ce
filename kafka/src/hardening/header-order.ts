import type { Override } from './override.ts';

/** Name and value of one header, in the order in which they stand in the record. */
export type HeaderPair = [name: string, value: Buffer | null];

interface BytesReader {
  readInt8(): number;
  readVarInt(): number;
  readVarLong(): { toString(): string };
  readVarIntBytes(): Buffer | null;
  readVarIntString(): string | null;
}

interface BatchContext {
  firstOffset: string;
  firstTimestamp: string;
  magicByte: number;
  isControlBatch: boolean;
  timestampType: number;
  maxTimestamp: string;
}

const LOG_APPEND_TIME = 1;

/**
 * One record of a record batch v2 (Kafka protocol guide, "Record").
 *
 * kafkajs makes an object of the headers: a name that stands twice moves to its first place and
 * names that look like numbers go to the front, so that a dead letter would not carry the headers
 * it came with. `headerPairs` has them as they stand; `headers` is kafkajs' object, made when asked for.
 */
export class DecodedRecord {
  readonly magicByte: number;
  readonly attributes: number;
  readonly timestamp: string;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headerPairs: HeaderPair[];
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;

  constructor(reader: BytesReader, batch: BatchContext) {
    this.batchContext = batch;
    this.magicByte = batch.magicByte;
    this.isControlRecord = batch.isControlBatch;
    this.attributes = reader.readInt8();
    const timestampDelta = reader.readVarLong();
    const isAppendTime = batch.timestampType === LOG_APPEND_TIME && Boolean(batch.maxTimestamp);
    this.timestamp = isAppendTime ? batch.maxTimestamp : plus(batch.firstTimestamp, Number(timestampDelta));
    this.offset = plus(batch.firstOffset, reader.readVarInt());
    this.key = reader.readVarIntBytes();
    this.value = reader.readVarIntBytes();
    this.headerPairs = readHeaders(reader);
  }

  get headers(): Record<string, Buffer | null | (Buffer | null)[]> {
    const headers = Object.create(null) as Record<string, Buffer | null | (Buffer | null)[]>;
    for (const [name, value] of this.headerPairs) {
      const before = headers[name];
      headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
    }
    return headers;
  }
}

function readHeaders(reader: BytesReader): HeaderPair[] {
  const count = reader.readVarInt();
  const pairs: HeaderPair[] = [];
  for (let at = 0; at < count; at++) pairs.push([reader.readVarIntString() ?? '', reader.readVarIntBytes()]);
  return pairs;
}

/** Decimal text plus a delta; a producer may write time stamps beyond what a double holds. */
function plus(base: string, delta: number): string {
  const sum = Number(base) + delta;
  return Number.isSafeInteger(sum) ? String(sum) : String(BigInt(base) + BigInt(delta));
}

const DECODER = 'protocol/recordBatch/record/v0/decoder';

export function decodeRecord(reader: BytesReader, batch: BatchContext): DecodedRecord {
  return new DecodedRecord(reader, batch);
}

export const headerOrder: Override = {
  name: 'header-order',
  install: (internals) => internals.replace(DECODER, () => decodeRecord),
  isActive: (internals) => internals.load(DECODER) === decodeRecord,
};
