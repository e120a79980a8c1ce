import { createRequire } from 'node:module';

interface Snappyjs { uncompress(block: Buffer): Buffer }

const require = createRequire(import.meta.url);

/** The stream header of xerial/snappy-java: magic, version, lowest version that can read it. */
const MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const HEADER_SIZE = MAGIC.length + 8;

/**
 * Snappy as found in record batches: Java clients write the stream format of snappy-java (a header,
 * then blocks after their length), librdkafka and Go clients a single block without a frame.
 */
export function readSnappy(data: Buffer): Buffer {
  const { uncompress } = require('snappyjs') as Snappyjs;
  if (!data.subarray(0, MAGIC.length).equals(MAGIC)) return uncompress(data);

  const blocks: Buffer[] = [];
  for (let at = HEADER_SIZE; at < data.length; ) {
    const start = at + 4;
    at = start + data.readUInt32BE(at);
    if (at > data.length) throw new Error('snappy stream ends within a block');
    blocks.push(uncompress(data.subarray(start, at)));
  }
  return Buffer.concat(blocks);
}
