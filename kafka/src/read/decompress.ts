/** The records of a compressed batch, never more of them than allowed: 20 kB can stand for gigabytes. */
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { readLz4Frame } from './lz4-frame.ts';
import { readSnappy } from './snappy-stream.ts';

/** Null where there is more. */
type Decompress = (records: Buffer, maxBytes: number) => Promise<Buffer> | Buffer | null;

const inflateGzip = promisify(gunzip);
const inflateZstd = promisify(zstdDecompress);

/** By the number in the attributes of a record batch (Kafka protocol guide, "Record Batch"). */
const CODECS: Record<number, Decompress> = {
  1: (records, maxOutputLength) => inflateGzip(records, { maxOutputLength }),
  2: readSnappy,
  3: readLz4Frame,
  4: (records, maxOutputLength) => inflateZstd(records, { maxOutputLength }),
};

/** The content is larger than `maxBytes`. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes when decompressed`);
  }
}

/** @throws TooLarge, and errors of the codec where the bytes are none of its */
export async function decompress(codec: number, records: Buffer, maxBytes: number): Promise<Buffer> {
  const read = CODECS[codec];
  if (!read) throw new Error(`compressed with codec ${codec}, which is not known`);
  const content = await orNull(read, records, maxBytes);
  if (!content) throw new TooLarge(maxBytes);
  // What is read is held as long as a record of it, and codecs take room before they know how much
  return 2 * content.length < content.buffer.byteLength ? Buffer.from(content) : content;
}

async function orNull(read: Decompress, records: Buffer, maxBytes: number): Promise<Buffer | null> {
  try {
    return await read(records, maxBytes);
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') return null;
    throw error;
  }
}
