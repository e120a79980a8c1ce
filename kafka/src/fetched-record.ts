/** Name and value of one header, in the order in which they stand in the record. */
export type HeaderPair = [name: string, value: Buffer | null];

/** What the records of one batch have in common (Kafka protocol guide, "Record Batch"). */
export interface BatchContext {
  readonly firstOffset: string;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly timestampType: number;
  readonly magicByte: number;
  readonly producerId: string;
  readonly inTransaction: boolean;
  readonly isControlBatch: boolean;
  readonly lastOffsetDelta: number;
}

const LOG_APPEND_TIME = 1;

/** Reads a batch's records one after another. */
export class RecordReader {
  readonly bytes: Buffer;
  position: number;

  constructor(bytes: Buffer, position: number) {
    this.bytes = bytes;
    this.position = position;
  }

  /** A zigzag varint; exact up to 2^52. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.position++]!;
    if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1);
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = bytes[this.position++]!;
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Start of the next bytes, which are passed by; null bytes start at -1. */
  skipNullable(): number {
    const length = this.varint();
    if (length < 0) return -1;
    const start = this.position;
    this.position += length;
    return start;
  }

  nullable(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }
}

/**
 * One record of a record batch v2 (Kafka protocol guide, "Record"), in the shape that kafkajs gives
 * it. Its parts are views of the fetch, made when they are asked for.
 */
export class FetchedRecord {
  readonly batchContext: BatchContext;
  readonly sizeInBytes: number;
  readonly #bytes: Buffer;
  readonly #timestampDelta: number;
  readonly #offsetDelta: number;
  readonly #keyAt: number;
  readonly #valueAt: number;
  readonly #headersAt: number;
  #key: Buffer | null | undefined;
  #value: Buffer | null | undefined;
  #headerPairs: HeaderPair[] | undefined;

  /** Leaves the reader behind the record. */
  constructor(reader: RecordReader, batch: BatchContext) {
    this.batchContext = batch;
    this.sizeInBytes = reader.varint();
    const end = reader.position + this.sizeInBytes;
    reader.position++; // attributes: none is defined
    this.#bytes = reader.bytes;
    this.#timestampDelta = reader.varint();
    this.#offsetDelta = reader.varint();
    this.#keyAt = reader.position;
    reader.skipNullable();
    this.#valueAt = reader.position;
    reader.skipNullable();
    this.#headersAt = reader.position;
    reader.position = end;
  }

  get isControlRecord(): boolean {
    return this.batchContext.isControlBatch;
  }

  get magicByte(): number {
    return this.batchContext.magicByte;
  }

  get attributes(): number {
    return 0;
  }

  /** Decimal text, as kafkajs has it. */
  get offset(): string {
    return plus(this.batchContext.firstOffset, this.#offsetDelta);
  }

  /** Milliseconds since the epoch, decimal text. */
  get timestamp(): string {
    const { timestampType, maxTimestamp, firstTimestamp } = this.batchContext;
    return timestampType === LOG_APPEND_TIME ? maxTimestamp : plus(firstTimestamp, this.#timestampDelta);
  }

  get key(): Buffer | null {
    return this.#key ??= new RecordReader(this.#bytes, this.#keyAt).nullable();
  }

  get value(): Buffer | null {
    return this.#value ??= new RecordReader(this.#bytes, this.#valueAt).nullable();
  }

  /** All headers, in order, doubles too. */
  get headerPairs(): HeaderPair[] {
    return this.#headerPairs ??= readHeaders(new RecordReader(this.#bytes, this.#headersAt));
  }

  /** kafkajs' object: a name that stands twice has a list. */
  get headers(): Record<string, Buffer | null | (Buffer | null)[]> {
    const headers = Object.create(null) as Record<string, Buffer | null | (Buffer | null)[]>;
    for (const [name, value] of this.headerPairs) {
      const before = headers[name];
      headers[name] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
    }
    return headers;
  }
}

function readHeaders(reader: RecordReader): HeaderPair[] {
  const count = reader.varint();
  const pairs: HeaderPair[] = [];
  for (let at = 0; at < count; at++) pairs.push([reader.nullable()?.toString() ?? '', reader.nullable()]);
  return pairs;
}

/** Decimal text plus a delta; a producer may write time stamps beyond what a double holds. */
function plus(base: string, delta: number): string {
  if (delta === 0) return base;
  const sum = Number(base) + delta;
  return Number.isSafeInteger(sum) ? String(sum) : String(BigInt(base) + BigInt(delta));
}
