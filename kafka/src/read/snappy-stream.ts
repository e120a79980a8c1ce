import { createRequire } from 'node:module';

interface Snappyjs {
  uncompress(block: Buffer, maxBytes: number): Buffer;
}

const require = createRequire(import.meta.url);

/** The stream header of xerial/snappy-java: magic, version, lowest version that can read it. */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const HEADER_SIZE = MAGIC.length + 8;

/**
 * Snappy as found in record batches: Java clients write the stream format of snappy-java (a header,
 * then blocks after their length), librdkafka and Go clients a single block without a frame. Null where
 * the content is larger than `maxBytes`.
 */
export function readSnappy(data: Buffer, maxBytes: number): Buffer | null {
  if (!data.subarray(0, MAGIC.length).equals(MAGIC)) return readBlock(data, maxBytes);

  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = HEADER_SIZE; at < data.length;) {
    const start = at + 4;
    at = start + data.readUInt32BE(at);
    if (at > data.length) throw new Error('snappy stream ends within a block');
    const block = readBlock(data.subarray(start, at), left);
    if (!block) return null;
    blocks.push(block);
    left -= block.length;
  }
  return Buffer.concat(blocks);
}

function readBlock(block: Buffer, maxBytes: number): Buffer | null {
  const { uncompress } = require('snappyjs') as Snappyjs;
  try {
    return uncompress(block, maxBytes);
  } catch (error) {
    // It says so before it makes room for the content
    if ((error as Error).message.includes('is too big')) return null;
    throw error;
  }
}
