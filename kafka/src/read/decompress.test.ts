import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { decompress, TooLarge } from './decompress.ts';

// What brokers and Java clients write is read back in test/codecs.test.ts; here are the framings of others.

const require = createRequire(import.meta.url);
const { compress } = require('snappyjs') as { compress(data: Buffer): Buffer };

const [SNAPPY, LZ4] = [2, 3];
const TEXT = Buffer.from('order_created order_paid order_shipped '.repeat(5_000));

function snappyStream(...blocks: Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])];
  for (const block of blocks) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

test('snappy without a stream header, as librdkafka writes it', async () => {
  expect((await decompress(SNAPPY, compress(TEXT), 1_000_000)).equals(TEXT)).toBe(true);
});

test('bytes that are no snappy are not called too large', async () => {
  await expect(decompress(SNAPPY, Buffer.alloc(50, 0xff), 1_000_000)).rejects.not.toBeInstanceOf(TooLarge);
  await expect(decompress(SNAPPY, compress(TEXT).subarray(0, 200), 1_000_000)).rejects.not.toBeInstanceOf(TooLarge);
});

test('a snappy stream that was cut is refused', async () => {
  const stream = snappyStream(compress(TEXT));
  expect((await decompress(SNAPPY, stream, 1_000_000)).equals(TEXT)).toBe(true);
  await expect(decompress(SNAPPY, stream.subarray(0, -1), 1_000_000)).rejects.toThrow(/ends within a block/);
});

test('the blocks of a snappy stream share what may be, also where one takes all of it', async () => {
  const block = compress(Buffer.alloc(1_000, 1));
  expect(await decompress(SNAPPY, snappyStream(block, block), 2_000)).toHaveLength(2_000);
  await expect(decompress(SNAPPY, snappyStream(block, block, block), 2_000)).rejects.toThrow(TooLarge);
});

/** An LZ4 frame with every optional field: content size, and checksums (not computed) of blocks and content. */
function lz4Frame(...blocks: { data: Buffer; isStored: boolean }[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x5c, 0x40, ...Array<number>(8).fill(0), 0])];
  for (const { data, isStored } of blocks) {
    const mark = Buffer.alloc(4);
    mark.writeUInt32LE((isStored ? 0x80000000 : 0) + data.length);
    parts.push(mark, data, Buffer.alloc(4));
  }
  return Buffer.concat([...parts, Buffer.alloc(4), Buffer.alloc(4)]);
}

const STORED = { data: Buffer.from('abcd'), isStored: true };
/** Three literals, then eight bytes from seven back, which reach into the block before; one literal. */
const LINKED = { data: Buffer.from([0x34, ...Buffer.from('efg'), 7, 0, 0x10, ...Buffer.from('!')]), isStored: false };

test('an lz4 frame with checksums, stored blocks and blocks that refer to those before', async () => {
  expect(String(await decompress(LZ4, lz4Frame(STORED, LINKED), 16))).toBe('abcdefgabcdefga!');
  await expect(decompress(LZ4, lz4Frame(STORED, LINKED), 15)).rejects.toThrow(TooLarge);
});

test('what is small does not hold the room that it might have taken', async () => {
  const frame = lz4Frame(STORED, LINKED);
  frame[5] = 0x70; // blocks of up to 4 MiB
  const content = await decompress(LZ4, frame, 10_000_000);
  expect(String(content)).toBe('abcdefgabcdefga!');
  expect(content.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
});

test('what is too large says how much it may be', async () => {
  await expect(decompress(LZ4, lz4Frame(STORED), 3)).rejects.toMatchObject({
    name: 'TooLarge',
    message: expect.stringContaining('3 bytes'),
  });
});

test('an lz4 frame that was cut is refused', async () => {
  const frame = lz4Frame(STORED, LINKED);
  await expect(decompress(LZ4, frame.subarray(0, 25), 1_000)).rejects.toThrow(/ends within a block/);
  await expect(decompress(LZ4, Buffer.from('not a frame'), 1_000)).rejects.toThrow(/not an lz4 frame/);
});
