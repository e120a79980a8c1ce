import { createRequire } from 'node:module';

interface Lz4js {
  /** Writes the block's content at `to` and returns where it ends. */
  decompressBlock(source: Buffer, target: Buffer, from: number, length: number, to: number): number;
}

const require = createRequire(import.meta.url);

const MAGIC = 0x184d2204;
const FLAGS = { blockChecksum: 0x10, contentSize: 0x08, dictionary: 0x01 };
const STORED = 0x80000000;

interface Block {
  at: number;
  size: number;
  isStored: boolean;
}

/**
 * The content of an LZ4 frame (LZ4 Frame Format 1.6), as Java clients and librdkafka write it; null where
 * it is larger than `maxBytes`.
 *
 * lz4js has a frame reader of its own, which misplaces block checksums and asks for the largest
 * possible output before it starts; only its block decoder is used. Checksums are passed over: record
 * batches have their own.
 */
export function readLz4Frame(frame: Buffer, maxBytes: number): Buffer | null {
  const { decompressBlock } = require('lz4js') as Lz4js;
  const { blocks, maxBlockSize } = listBlocks(frame);
  const most = blocks.reduce((sum, block) => sum + (block.isStored ? block.size : maxBlockSize), 0);

  const content = Buffer.allocUnsafe(Math.min(most, maxBytes + maxBlockSize));
  let end = 0;
  for (const { at, size, isStored } of blocks) {
    end = isStored ? end + frame.copy(content, end, at, at + size) : decompressBlock(frame, content, at, size, end);
    if (end > content.length) throw new Error('lz4 block is larger than its frame says');
    if (end > maxBytes) return null;
  }
  return content.subarray(0, end);
}

function listBlocks(frame: Buffer): { blocks: Block[]; maxBlockSize: number } {
  if (frame.length < 7 || frame.readUInt32LE(0) !== MAGIC) throw new Error('not an lz4 frame');
  const flags = frame[4]!;
  // Codes 4 to 7 stand for 64 KiB, 256 KiB, 1 MiB and 4 MiB.
  const maxBlockSize = 1 << (8 + 2 * ((frame[5]! >> 4) & 7));
  const checksumSize = flags & FLAGS.blockChecksum ? 4 : 0;

  const blocks: Block[] = [];
  let at = 7 + (flags & FLAGS.contentSize ? 8 : 0) + (flags & FLAGS.dictionary ? 4 : 0);
  for (let mark = frame.readUInt32LE(at); mark !== 0; mark = frame.readUInt32LE(at)) {
    const block = { at: at + 4, size: mark & ~STORED, isStored: (mark & STORED) !== 0 };
    at = block.at + block.size + checksumSize;
    if (at + 4 > frame.length) throw new Error('lz4 frame ends within a block');
    blocks.push(block);
  }
  return { blocks, maxBlockSize };
}
