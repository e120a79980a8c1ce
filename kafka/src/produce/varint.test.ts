import { describe, expect, test } from 'vitest';
import { readVarint, varintSize, writeBytes, writeNullableBytes, writePrefixedText, writeVarint } from './varint.ts';

const START = 3;

/** What a function wrote behind `START`. */
function written(write: (target: Buffer, start: number) => number): number[] {
  const target = Buffer.alloc(40, 0xee);
  const end = write(target, START);
  expect(target.subarray(0, START)).toEqual(Buffer.alloc(START, 0xee));
  expect(target.subarray(end)).toEqual(Buffer.alloc(40 - end, 0xee));
  return [...target.subarray(START, end)];
}

describe('a varint', () => {
  // Kafka's own `ByteUtilsTest.testCorrectnessWriteUnsignedVarint`, zigzag
  const CASES: Record<string, { value: number; bytes: number[] }> = {
    'of zero is one byte': { value: 0, bytes: [0] },
    'keeps the sign in the lowest bit': { value: -1, bytes: [1] },
    'of one is even': { value: 1, bytes: [2] },
    'fills one byte': { value: 63, bytes: [0x7e] },
    'fills one byte, negative': { value: -64, bytes: [0x7f] },
    'begins a second byte': { value: 64, bytes: [0x80, 0x01] },
    'begins a second byte, negative': { value: -65, bytes: [0x81, 0x01] },
    'fills two bytes': { value: 8_191, bytes: [0xfe, 0x7f] },
    'begins a third byte': { value: 8_192, bytes: [0x80, 0x80, 0x01] },
    'fills three bytes': { value: -1_048_576, bytes: [0xff, 0xff, 0x7f] },
    'begins a fourth byte': { value: 1_048_576, bytes: [0x80, 0x80, 0x80, 0x01] },
    'fills four bytes': { value: -134_217_728, bytes: [0xff, 0xff, 0xff, 0x7f] },
    'begins a fifth byte': { value: 134_217_728, bytes: [0x80, 0x80, 0x80, 0x80, 0x01] },
    'holds the largest number': { value: 2 ** 31 - 1, bytes: [0xfe, 0xff, 0xff, 0xff, 0x0f] },
    'holds the smallest number': { value: -(2 ** 31), bytes: [0xff, 0xff, 0xff, 0xff, 0x0f] },
  };

  test.each(Object.entries(CASES))('%s', (_, { value, bytes }) => {
    expect(written((target, start) => writeVarint(target, value, start))).toEqual(bytes);
    expect(varintSize(value)).toBe(bytes.length);
    expect(readVarint(Buffer.from([0xee, ...bytes, 0xee]), 1)).toEqual({ value, next: 1 + bytes.length });
  });
});

test('bytes stand behind their length, and null has length -1', () => {
  const bytes = Buffer.from([9, 8]);
  expect(written((target, start) => writeBytes(target, bytes, start))).toEqual([9, 8]);
  expect(written((target, start) => writeNullableBytes(target, bytes, start))).toEqual([4, 9, 8]);
  expect(written((target, start) => writeNullableBytes(target, Buffer.alloc(0), start))).toEqual([0]);
  expect(written((target, start) => writeNullableBytes(target, null, start))).toEqual([1]);
});

test.each(['', 'plain', 'ü', 'a€b', '👍'])('text %j stands behind the number of its bytes', (text) => {
  const bytes = Buffer.from(text);
  expect(written((target, start) => writePrefixedText(target, text, start))).toEqual([2 * bytes.length, ...bytes]);
});
