import { describe, expect, test } from 'vitest';
import { readLz4Frame } from './lz4-frame.ts';

const FLAGS = { version: 0x40, blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04, dictionary: 0x01 };
const KIB = 1024;

interface Block {
  data: Buffer;
  isStored: boolean;
}
const stored = (text: string): Block => ({ data: Buffer.from(text), isStored: true });

/** A block of one byte again and again: a literal, a match that repeats it, and five literals, which have to stand last. */
function repeated(byte: number, length: number): Block {
  const match = length - 6 - 4 - 15;
  const lengths = Buffer.alloc(Math.floor(match / 255) + 1, 255);
  lengths[lengths.length - 1] = match % 255;
  return { data: Buffer.concat([Buffer.from([0x1f, byte, 1, 0]), lengths, Buffer.from([0x50]), Buffer.alloc(5, byte)]), isStored: false };
}

/** LZ4 Frame Format 1.6; what checksums say is nothing, since nobody looks. */
function frame(blocks: readonly Block[], { flags = 0, sizeCode = 4 }: { flags?: number; sizeCode?: number } = {}): Buffer {
  const optional = Buffer.alloc((flags & FLAGS.contentSize ? 8 : 0) + (flags & FLAGS.dictionary ? 4 : 0), 0x77);
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, FLAGS.version | flags, sizeCode << 4]), optional, Buffer.from([0x99])];
  for (const { data, isStored } of blocks) {
    const mark = Buffer.alloc(4);
    mark.writeUInt32LE((isStored ? 0x80000000 : 0) + data.length);
    parts.push(mark, data, Buffer.alloc(flags & FLAGS.blockChecksum ? 4 : 0, 0x88));
  }
  return Buffer.concat([...parts, Buffer.alloc(4), Buffer.alloc(flags & FLAGS.contentChecksum ? 4 : 0, 0x66)]);
}

describe('a frame', () => {
  const { blockChecksum, contentSize, contentChecksum, dictionary } = FLAGS;
  const CASES: Record<string, number> = {
    'without optional fields': 0,
    'with checksums of blocks': blockChecksum,
    'with the size of its content': contentSize,
    'with a dictionary': dictionary,
    'with a checksum of its content': contentChecksum,
    'with all of them': blockChecksum | contentSize | contentChecksum | dictionary,
  };
  test.each(Object.entries(CASES))('%s is read', (_, flags) => {
    expect(String(readLz4Frame(frame([stored('abc'), repeated(0x78, 40), stored('def')], { flags }), 1_000))).toBe(
      `abc${'x'.repeat(40)}def`,
    );
  });

  test('without blocks is empty', () => {
    expect(readLz4Frame(frame([]), 0)).toHaveLength(0);
  });

  test.each([
    [4, 64],
    [5, 256],
    [6, 1_024],
    [7, 4_096],
  ])('of size code %i has blocks of up to %i KiB, and none that is larger', (sizeCode, kib) => {
    const read = (length: number) => readLz4Frame(frame([repeated(7, length)], { sizeCode }), 10 * KIB * KIB);
    expect(read(kib * KIB)!.equals(Buffer.alloc(kib * KIB, 7))).toBe(true);
    expect(() => read(kib * KIB + 1)).toThrow('larger than its frame says');
  });

  test('of just as much as may be is read, and of one byte more is too large', () => {
    const blocks = [repeated(1, 1_000), repeated(2, 1_000)];
    expect(readLz4Frame(frame(blocks), 2_000)).toHaveLength(2_000);
    expect(readLz4Frame(frame(blocks), 1_999)).toBeNull();
    expect(readLz4Frame(frame([stored('abcd')]), 3)).toBeNull();
  });

  test('takes no more room than its blocks can fill, and than may be', () => {
    expect(readLz4Frame(frame([stored('x'.repeat(50_000))], { sizeCode: 7 }), 10 * KIB * KIB)!.buffer.byteLength).toBe(50_000);
    expect(readLz4Frame(frame(Array.from({ length: 100 }, () => repeated(1, 40))), 4_000)!.buffer.byteLength).toBe(4_000 + 64 * KIB);
  });

  test('takes the room of all its blocks where that is less than may be', () => {
    expect(readLz4Frame(frame([repeated(1, 40), repeated(1, 40)]), 10 * KIB * KIB)!.buffer.byteLength).toBe(128 * KIB);
  });

  const whole = frame([stored('abcd')]);
  const DAMAGED: Record<string, [Buffer, RegExp]> = {
    'with another magic': [Buffer.concat([Buffer.from([5]), whole.subarray(1)]), /not an lz4 frame/],
    'that is shorter than a head': [whole.subarray(0, 6), /not an lz4 frame/],
    'that is a head alone': [whole.subarray(0, 7), /out of range|outside/],
    'that ends within a block': [whole.subarray(0, -5), /ends within a block/],
    'that ends within its end mark': [whole.subarray(0, -1), /ends within a block/],
  };
  test.each(Object.entries(DAMAGED))('%s is refused', (_, [bytes, message]) => {
    expect(() => readLz4Frame(bytes, 1_000)).toThrow(message);
  });
});
