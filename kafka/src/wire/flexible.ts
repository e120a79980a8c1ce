/**
 * Values as flexible versions of Kafka's requests hold them (KIP-482; Kafka protocol guide, "Protocol
 * Primitive Types"): compact strings and arrays, and tagged fields at the end of each structure. No
 * tagged field is written, and those that are read are skipped.
 */

const NONE = 0;
const CONTINUES = 0x80;
const FIRST_BYTES = 256;

/** Reads values one after another. */
export class WireReader {
  readonly bytes: Buffer;
  position: number;

  constructor(bytes: Buffer, position = 0) {
    this.bytes = bytes;
    this.position = position;
  }

  /** Behind a response header of version 1. */
  static ofResponse(payload: Buffer): WireReader {
    const reader = new WireReader(payload);
    reader.tags();
    return reader;
  }

  int8(): number {
    return this.bytes.readInt8(this.#skip(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.#skip(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.#skip(4));
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.#skip(8));
  }

  uvarint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= CONTINUES) {
      const byte = this.bytes[this.position++]!;
      value += (byte & (CONTINUES - 1)) * scale;
      if (byte < CONTINUES) return value;
    }
  }

  /** In base64url, as Kafka's tools print it. */
  uuid(): string {
    const at = this.#skip(16);
    return this.bytes.toString('base64url', at, at + 16);
  }

  string(): string | null {
    return this.view()?.toString() ?? null;
  }

  /** A view of the message. */
  view(): Buffer | null {
    const length = this.uvarint() - 1;
    if (length < 0) return null;
    const at = this.#skip(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Null is read as an empty array. */
  array<T>(read: () => T): T[] {
    const length = this.uvarint() - 1;
    const values: T[] = [];
    for (let at = 0; at < length; at++) values.push(read());
    return values;
  }

  /** An array of structures: each with its tagged fields. */
  structs<T>(read: () => T): T[] {
    return this.array(() => {
      const value = read();
      this.tags();
      return value;
    });
  }

  tags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.#skip(this.uvarint());
    }
  }

  #skip(length: number): number {
    this.position += length;
    return this.position - length;
  }
}

/** Writes values one after another. */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #end = 0;

  /** Begins with the end of a request header of version 2: no tagged fields. */
  static ofRequest(): WireWriter {
    return new WireWriter().tags();
  }

  /** A view; nothing more can be written. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  int8(value: number): this {
    const at = this.#room(1);
    this.#bytes.writeInt8(value, at);
    return this;
  }

  int16(value: number): this {
    const at = this.#room(2);
    this.#bytes.writeInt16BE(value, at);
    return this;
  }

  int32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeInt32BE(value, at);
    return this;
  }

  int64(value: bigint): this {
    const at = this.#room(8);
    this.#bytes.writeBigInt64BE(value, at);
    return this;
  }

  bool(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  uvarint(value: number): this {
    let rest = value;
    for (; rest >= CONTINUES; rest = Math.floor(rest / CONTINUES)) this.#byte((rest % CONTINUES) + CONTINUES);
    return this.#byte(rest);
  }

  /** Null: all zeros, which stands for no id. */
  uuid(id: string | null): this {
    const at = this.#room(16);
    if (id === null) this.#bytes.fill(0, at, at + 16);
    else this.#bytes.write(id, at, 'base64url');
    return this;
  }

  string(text: string | null): this {
    if (text === null) return this.uvarint(NONE);
    const length = Buffer.byteLength(text);
    this.uvarint(length + 1);
    const at = this.#room(length);
    this.#bytes.write(text, at);
    return this;
  }

  array<T>(values: readonly T[], write: (value: T) => void): this {
    this.uvarint(values.length + 1);
    for (const value of values) write(value);
    return this;
  }

  /** An array of structures: each without tagged fields. */
  structs<T>(values: readonly T[], write: (value: T) => void): this {
    return this.array(values, (value) => {
      write(value);
      this.tags();
    });
  }

  tags(): this {
    return this.uvarint(NONE);
  }

  #byte(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  /** Where the next bytes go. Asked before `#bytes` is used: it may be another buffer afterwards. */
  #room(length: number): number {
    const at = this.#end;
    this.#end += length;
    if (this.#end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * this.#end);
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
