import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';

const byteByByte = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/crc32C/crc32C') as (bytes: Buffer) => number;

// RFC 3720, appendix B.4
test.each([
  ['32 zero bytes', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['32 bytes counting up', Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
  ['nothing', Buffer.alloc(0), 0],
])('%s', (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

test('any length is as a byte at a time gives it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(crc32c(bytes)).toBe(byteByByte(Buffer.from(bytes)) >>> 0);
    }),
  );
});

test('a part of the bytes', () => {
  const bytes = Buffer.from('xx123456789yy');
  expect(crc32c(bytes, 2, bytes.length - 2)).toBe(0xe3069283);
});
