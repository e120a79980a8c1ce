/** Avro's binary encoding (Avro 1.12 specification, "Binary Encoding"), byte by byte. */
import { RegistryError } from '../errors.ts';

const MAX_VARINT_BYTES = 10;
const LAST_ASCII = 0x7f;
/** Up to here a loop over characters is quicker than a call into native code: to write them, and to make a text of them. */
const SHORT_CHARACTERS = 20;
const SHORT_BYTES = 10;
/** Lengths below it take one byte. */
const ONE_BYTE_LENGTH = 64;
const MAX_UTF8_BYTES = 3;
const REPLACEMENT_CHARACTER = '\uFFFD';

/** What `toString('utf8', …)` calls behind its checks of encoding and range; a tenth of the time that decoding takes. */
type SliceableBuffer = Buffer & { utf8Slice(start: number, end: number): string };

/** Reads one body from start to end; every read checks the end. */
export class ByteReader {
  /** Branch that the last value of an ambiguous union was read from. */
  branch = '';
  readonly #buffer: SliceableBuffer;
  #position: number;

  constructor(buffer: Buffer, start: number) {
    this.#buffer = buffer as SliceableBuffer;
    this.#position = start;
  }

  get position(): number {
    return this.#position;
  }

  expectEnd(): void {
    const left = this.#buffer.length - this.#position;
    if (left > 0) throw new RegistryError('undecodable', `${left} bytes are left after the last field`);
  }

  boolean(): boolean {
    return this.#buffer[this.#take(1)] !== 0;
  }

  float(): number {
    return this.#buffer.readFloatLE(this.#take(4));
  }

  double(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  int(): bigint {
    const value = this.long();
    if (value !== BigInt.asIntN(32, value)) throw new RegistryError('undecodable', 'an int is out of the range of 32 bits');
    return value;
  }

  long(): bigint {
    const start = this.#position;
    const value = this.#smallInteger();
    if (value !== null) return BigInt(value);
    this.#position = start;
    return this.#largeInteger();
  }

  /** Branch and symbol numbers, block counts; what is out of a double's range is out of theirs too. */
  index(): number {
    const start = this.#position;
    const value = this.#smallInteger();
    if (value !== null) return value;
    this.#position = start;
    return Number(this.#largeInteger());
  }

  /** Of up to seven bytes, by arithmetic of doubles: bit operations end at 32 bits. Null: it is larger, or the end is near. */
  #smallInteger(): number | null {
    const buffer = this.#buffer;
    let byte = buffer[this.#position++];
    if (byte === undefined) return null;
    if (byte < 0x80) return byte & 1 ? -(byte + 1) / 2 : byte / 2;
    let zigzag = byte & 0x7f;
    for (let scale = 0x80; scale < 2 ** 49; scale *= 0x80) {
      byte = buffer[this.#position++];
      if (byte === undefined) return null;
      zigzag += (byte & 0x7f) * scale;
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    }
    return null;
  }

  #largeInteger(): bigint {
    let zigzag = 0n;
    let byte = 0x80;
    for (let i = 0n; byte & 0x80; i++) {
      if (i === BigInt(MAX_VARINT_BYTES)) throw new RegistryError('undecodable', 'a number has more than ten bytes');
      byte = this.#buffer[this.#take(1)]!;
      zigzag |= BigInt(byte & 0x7f) << (7n * i);
    }
    zigzag = BigInt.asUintN(64, zigzag);
    return zigzag & 1n ? ~(zigzag >> 1n) : zigzag >> 1n;
  }

  /** A copy: the record's buffer is a slice of a whole fetch response and must not be kept alive. */
  fixed(size: number): Buffer {
    const start = this.#take(size);
    return Buffer.from(this.#buffer.subarray(start, start + size));
  }

  bytes(): Buffer {
    return this.fixed(this.#length());
  }

  string(): string {
    const length = this.#length();
    const start = this.#take(length);
    const buffer = this.#buffer;
    const end = start + length;
    const short = length <= SHORT_BYTES ? this.#ascii(start, end) : null;
    if (short !== null) return short;
    const text = buffer.utf8Slice(start, end);
    if (text.includes(REPLACEMENT_CHARACTER) && !Buffer.from(text).equals(buffer.subarray(start, end))) {
      throw new RegistryError('undecodable', 'a string is not valid UTF-8');
    }
    return text;
  }

  /** Null where a character takes more than one byte. */
  #ascii(start: number, end: number): string | null {
    const buffer = this.#buffer;
    let text = '';
    for (let at = start; at < end; at++) {
      const code = buffer[at]!;
      if (code > LAST_ASCII) return null;
      text += String.fromCharCode(code);
    }
    return text;
  }

  #length(): number {
    const length = this.index();
    if (length < 0) throw new RegistryError('undecodable', 'a length is negative');
    return length;
  }

  /** Start of the next `size` bytes. */
  #take(size: number): number {
    const start = this.#position;
    if (size > this.#buffer.length - start) {
      throw new RegistryError('undecodable', `truncated: ${size} bytes expected, ${this.#buffer.length - start} are left`);
    }
    this.#position = start + size;
    return start;
  }
}

/** Twice as much is still exact as a double. */
const MIN_INDEX = -(2n ** 52n);
const MAX_INDEX = 2n ** 52n - 1n;

const SLAB_BYTES = 64 * 1024;

/** Writes one value behind the other into a slab, and into a new one when it is full: what was taken stays as it is. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #start = 0;
  #position = 0;

  /** Starts anew, leaving `headBytes` free at the front. */
  reset(headBytes: number): void {
    this.#start = this.#position;
    this.#reserve(headBytes);
  }

  /** The value, a view of the slab. */
  take(): Buffer {
    return this.#buffer.subarray(this.#start, this.#position);
  }

  boolean(value: boolean): void {
    const start = this.#reserve(1);
    this.#buffer[start] = value ? 1 : 0;
  }

  float(value: number): void {
    const start = this.#reserve(4);
    this.#buffer.writeFloatLE(value, start);
  }

  double(value: number): void {
    const start = this.#reserve(8);
    this.#buffer.writeDoubleLE(value, start);
  }

  long(value: bigint | number): void {
    if (value >= MIN_INDEX && value <= MAX_INDEX) {
      this.index(Number(value));
      return;
    }
    const long = BigInt(value);
    let zigzag = BigInt.asUintN(64, long < 0n ? ~(long << 1n) : long << 1n);
    for (; zigzag > 0x7fn; zigzag >>= 7n) this.#byte(Number(zigzag & 0x7fn) | 0x80);
    this.#byte(Number(zigzag));
  }

  /** An integer below 2^52. */
  index(value: number): void {
    let at = this.#reserve(MAX_VARINT_BYTES);
    let zigzag = value < 0 ? -2 * value - 1 : 2 * value;
    for (; zigzag > 0x7f; zigzag = Math.floor(zigzag / 128)) this.#buffer[at++] = (zigzag % 128) | 0x80;
    this.#buffer[at++] = zigzag;
    this.#position = at;
  }

  fixed(value: Uint8Array): void {
    const start = this.#reserve(value.length);
    this.#buffer.set(value, start);
  }

  bytes(value: Uint8Array): void {
    this.index(value.length);
    this.fixed(value);
  }

  string(value: string): void {
    if (value.length <= SHORT_CHARACTERS ? this.#ascii(value) : this.#shortUtf8(value)) return;
    const length = Buffer.byteLength(value);
    this.index(length);
    const start = this.#reserve(length);
    this.#buffer.write(value, start, 'utf8');
  }

  /** False, with nothing written, where a character takes more than one byte. */
  #ascii(value: string): boolean {
    const { length } = value;
    const start = this.#reserve(length + 1);
    const buffer = this.#buffer;
    // Less than 64 characters: the length is one byte
    buffer[start] = 2 * length;
    for (let at = 0; at < length; at++) {
      const code = value.charCodeAt(at);
      if (code > LAST_ASCII) {
        this.#position = start;
        return false;
      }
      buffer[start + 1 + at] = code;
    }
    return true;
  }

  /** False, with nothing written, where it is too long for a length of one byte. Saves to count the bytes first. */
  #shortUtf8(value: string): boolean {
    if (value.length >= ONE_BYTE_LENGTH) return false;
    const start = this.#reserve(1 + MAX_UTF8_BYTES * value.length);
    const length = this.#buffer.write(value, start + 1);
    const fits = length < ONE_BYTE_LENGTH;
    if (fits) this.#buffer[start] = 2 * length;
    this.#position = fits ? start + 1 + length : start;
    return fits;
  }

  #byte(value: number): void {
    const start = this.#reserve(1);
    this.#buffer[start] = value;
  }

  /** Start of `size` bytes that may be written; may replace the buffer, so call it first. */
  #reserve(size: number): number {
    if (this.#position + size > this.#buffer.length) this.#moveToNewSlab(size);
    const at = this.#position;
    this.#position += size;
    return at;
  }

  /** With what there is of the value that is being written. */
  #moveToNewSlab(size: number): void {
    const written = this.#position - this.#start;
    const slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 2 * (written + size)));
    this.#buffer.copy(slab, 0, this.#start, this.#position);
    this.#buffer = slab;
    this.#start = 0;
    this.#position = written;
  }
}
