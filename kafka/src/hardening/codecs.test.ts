import { createRequire } from 'node:module';
import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { codecs } from './codecs.ts';
import { readLz4Frame } from './lz4-frame.ts';
import { readSnappy } from './snappy-stream.ts';

interface Codec { compress(records: { buffer: Buffer }): Promise<Buffer>; decompress(records: Buffer): Promise<Buffer> }
interface Compression { Types: Record<string, number>; lookupCodec(type: number): Codec }

// What brokers and Java clients write is read back in test/codecs.test.ts; here are the framings of others.

const require = createRequire(import.meta.url);
const { compress } = require('snappyjs') as { compress(data: Buffer): Buffer };

const TEXT = Buffer.from('order_created order_paid order_shipped '.repeat(5_000));

function compressionOf(copy: { internals: { load(path: string): unknown } } & Disposable): Compression {
  onTestFinished(() => copy[Symbol.dispose]());
  return copy.internals.load('protocol/message/compression') as Compression;
}

test.each(['Snappy', 'LZ4', 'ZSTD'])('kafkajs as published can not read %s', (name) => {
  const { Types, lookupCodec } = compressionOf(privateCopy());
  expect(() => lookupCodec(Types[name]!)).toThrow(/not implemented/);
});

test('zstd is written and read', async () => {
  const { Types, lookupCodec } = compressionOf(privateCopy(codecs));
  const zstd = lookupCodec(Types['ZSTD']!);
  const compressed = await zstd.compress({ buffer: TEXT });
  expect(compressed.length).toBeLessThan(TEXT.length / 10);
  expect((await zstd.decompress(compressed)).equals(TEXT)).toBe(true);
});

test.each(['Snappy', 'LZ4'])('%s is not written, and says what to use', async (name) => {
  const { Types, lookupCodec } = compressionOf(privateCopy(codecs));
  await expect(lookupCodec(Types[name]!).compress({ buffer: TEXT })).rejects.toThrow(/use gzip or zstd/);
});

test('snappy without a stream header, as librdkafka writes it', () => {
  expect(readSnappy(compress(TEXT)).equals(TEXT)).toBe(true);
});

test('a snappy stream that was cut is refused', () => {
  const block = compress(TEXT);
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(block.length);
  const stream = Buffer.concat([header, length, block]);
  expect(readSnappy(stream).equals(TEXT)).toBe(true);
  expect(() => readSnappy(stream.subarray(0, -1))).toThrow(/ends within a block/);
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

test('an lz4 frame with checksums, stored blocks and blocks that refer to those before', () => {
  expect(readLz4Frame(lz4Frame(STORED, LINKED)).toString()).toBe('abcdefgabcdefga!');
});

test('an lz4 frame that was cut is refused', () => {
  const frame = lz4Frame(STORED, LINKED);
  expect(() => readLz4Frame(frame.subarray(0, 25))).toThrow(/ends within a block/);
  expect(() => readLz4Frame(Buffer.from('not a frame'))).toThrow(/not an lz4 frame/);
});
