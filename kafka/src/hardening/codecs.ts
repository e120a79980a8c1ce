import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { readLz4Frame } from './lz4-frame.ts';
import type { Override } from './override.ts';
import { readSnappy } from './snappy-stream.ts';

interface Codec {
  compress(records: { buffer: Buffer }): Promise<Buffer>;
  decompress(records: Buffer): Promise<Buffer>;
}

interface Compression { Types: Record<string, number>; Codecs: Record<number, () => Codec> }

const compressZstd = promisify(zstdCompress);
const decompressZstd = promisify(zstdDecompress);

/**
 * kafkajs reads gzip alone: one record of another producer with another codec ends the consumer.
 * Snappy and LZ4 are read and not written; who wants small topics sets `compression.type` on them,
 * and the broker compresses.
 */
const CODECS: Record<string, () => Codec> = {
  Snappy: () => ({ compress: readOnly('snappy'), decompress: async (records) => readSnappy(records) }),
  LZ4: () => ({ compress: readOnly('lz4'), decompress: async (records) => readLz4Frame(records) }),
  ZSTD: () => ({ compress: ({ buffer }) => compressZstd(buffer), decompress: (records) => decompressZstd(records) }),
};

function readOnly(codec: string): Codec['compress'] {
  return async () => {
    throw new Error(`records can not be compressed with ${codec}, use gzip or zstd`);
  };
}

const COMPRESSION = 'protocol/message/compression';

export const codecs: Override = {
  name: 'codecs',
  install: (internals) => {
    const { Types, Codecs } = internals.load(COMPRESSION) as Compression;
    for (const [name, codec] of Object.entries(CODECS)) Codecs[Types[name]!] = codec;
  },
  isActive: (internals) => {
    const { Types, Codecs } = internals.load(COMPRESSION) as Compression;
    return Object.entries(CODECS).every(([name, codec]) => Codecs[Types[name]!] === codec);
  },
};
