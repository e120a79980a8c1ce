/** Name and value of one header, in the order in which they stand in the record. */
export type HeaderPair = [name: string, value: Buffer | null];

/** What the records of one batch have in common (Kafka protocol guide, "Record Batch"). */
export interface BatchContext {
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: bigint;
  readonly firstTimestamp: bigint;
  /** The same two as numbers; rounded beyond 2^53. */
  readonly offsetBase: number;
  readonly timestampBase: number;
  /** That of all records, where the broker sets it; else null. */
  readonly appendTime: string | null;
}

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

  skipNullable(): void {
    const length = this.varint();
    if (length > 0) this.position += length;
  }

  nullable(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    this.position += length;
    return this.bytes.subarray(this.position - length, this.position);
  }
}

/** One record of a record batch v2 (Kafka protocol guide, "Record"). Its parts are views of the fetch, made when they are asked for. */
export class FetchedRecord {
  readonly #batch: BatchContext;
  readonly #bytes: Buffer;
  readonly #timestampDelta: number;
  readonly offsetDelta: number;
  readonly #keyAt: number;
  readonly #end: number;
  #key: Buffer | null | undefined;
  #value: Buffer | null | undefined;
  #headers: HeaderPair[] | undefined;

  /** Leaves the reader behind the record. */
  constructor(reader: RecordReader, batch: BatchContext) {
    this.#batch = batch;
    const size = reader.varint();
    const end = reader.position + size;
    // A size that is negative would never come to an end
    if (!(size > 0 && end <= reader.bytes.length)) throw new RangeError(`a record of ${size} bytes does not fit into its batch`);
    reader.position++; // attributes: none is defined
    this.#bytes = reader.bytes;
    this.#timestampDelta = reader.varint();
    this.offsetDelta = reader.varint();
    this.#keyAt = reader.position;
    reader.skipNullable();
    reader.skipNullable();
    if (!(reader.position < end)) throw new RangeError(`key and value do not fit into their record of ${size} bytes`);
    this.#end = end;
    reader.position = end;
  }

  get topic(): string {
    return this.#batch.topic;
  }

  get partition(): number {
    return this.#batch.partition;
  }

  /** Decimal text. */
  get offset(): string {
    const { firstOffset, offsetBase } = this.#batch;
    return plus(firstOffset, offsetBase, this.offsetDelta);
  }

  /** Milliseconds since the epoch, decimal text. */
  get timestamp(): string {
    const { appendTime, firstTimestamp, timestampBase } = this.#batch;
    return appendTime ?? plus(firstTimestamp, timestampBase, this.#timestampDelta);
  }

  get key(): Buffer | null {
    return (this.#key ??= this.#readerAt(0).nullable());
  }

  get value(): Buffer | null {
    return (this.#value ??= this.#readerAt(1).nullable());
  }

  /** All headers, in order, doubles too. */
  get headers(): HeaderPair[] {
    return (this.#headers ??= readHeaders(this.#readerAt(2), this.#end));
  }

  /** Behind the key, or behind key and value. */
  #readerAt(skipped: number): RecordReader {
    const reader = new RecordReader(this.#bytes, this.#keyAt);
    for (let at = 0; at < skipped; at++) reader.skipNullable();
    return reader;
  }
}

function readHeaders(reader: RecordReader, end: number): HeaderPair[] {
  const count = reader.varint();
  const pairs: HeaderPair[] = [];
  for (let at = 0; at < count && reader.position < end; at++) pairs.push([reader.nullable()?.toString() ?? '', reader.nullable()]);
  return pairs;
}

/** A producer may write time stamps beyond what a double holds. */
function plus(exact: bigint, base: number, delta: number): string {
  const sum = base + delta;
  return Number.isSafeInteger(sum) ? String(sum) : String(exact + BigInt(delta));
}
