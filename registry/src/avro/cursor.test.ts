import { describe, expect, test } from 'vitest';
import { ByteReader, ByteWriter } from './cursor.ts';

/** Around each length at which strings are read or written in another way. */
const LENGTHS = [0, 1, 9, 10, 11, 19, 20, 21, 62, 63, 64, 65, 200];
const CHARACTERS = { 'one byte': 'a', 'the last of one byte': '\u007f', 'two bytes': 'é', 'three bytes': '→', 'four bytes': '😀' };

function written(...texts: readonly string[]): Buffer {
  const writer = new ByteWriter();
  writer.reset(0);
  for (const text of texts) writer.string(text);
  return writer.take();
}

/** As the specification says: the length as a zigzag varint, then UTF-8. */
function expected(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = bytes.length * 2;
  return Buffer.concat([Buffer.from(length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]), bytes]);
}

describe.each(Object.entries(CHARACTERS))('a string with a character of %s', (_size, character) => {
  test.each(LENGTHS)('behind %i others is written as the specification says, and read again', (length) => {
    const text = 'x'.repeat(length) + character;
    const bytes = written(text, 'next');
    expect(bytes).toEqual(Buffer.concat([expected(text), expected('next')]));
    const reader = new ByteReader(bytes, 0);
    expect([reader.string(), reader.string()]).toEqual([text, 'next']);
    reader.expectEnd();
  });
});

test.each([1, 10, 11, 40])('%i bytes that are no UTF-8 are an error', (length) => {
  const bytes = Buffer.concat([Buffer.from([2 * length]), Buffer.alloc(length, 0xff)]);
  expect(() => new ByteReader(bytes, 0).string()).toThrow('not valid UTF-8');
});

test('what was written before stays as it is where a string needs a new slab', () => {
  const writer = new ByteWriter();
  const slab = 64 * 1024;
  writer.reset(0);
  writer.string('a'.repeat(slab - 30));
  writer.string('é'.repeat(30));
  const reader = new ByteReader(writer.take(), 0);
  expect([reader.string().length, reader.string()]).toEqual([slab - 30, 'é'.repeat(30)]);
});
