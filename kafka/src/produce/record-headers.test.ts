import { describe, expect, test } from 'vitest';
import { encodeConstantHeaders, type HeaderList, headersRoom, writeHeaders } from './record-headers.ts';

const written = (list: HeaderList) => {
  const target = Buffer.alloc(10_000);
  return [...target.subarray(5, writeHeaders(target, list, 5))];
};
const ascii = (text: string) => [...Buffer.from(text)];

describe('headers', () => {
  const CASES: Record<string, { list: HeaderList; bytes: number[] }> = {
    'none are no bytes': { list: [], bytes: [] },
    'a name and a text, each behind its length': { list: [['ab', 'xyz']], bytes: [4, ...ascii('ab'), 6, ...ascii('xyz')] },
    'bytes as they are': { list: [['a', Buffer.from([0, 255])]], bytes: [2, ...ascii('a'), 4, 0, 255] },
    'no value is not an empty one': {
      list: [
        ['a', null],
        ['a', ''],
      ],
      bytes: [2, ...ascii('a'), 1, 2, ...ascii('a'), 0],
    },
    'parts one behind the other, short and long ones': {
      list: [['a', [Buffer.from([1, 2]), 'xy', '', Buffer.alloc(17, 7), 'z']]],
      bytes: [2, ...ascii('a'), 44, 1, 2, ...ascii('xy'), ...Array<number>(17).fill(7), ...ascii('z')],
    },
    'length counts bytes, not characters': { list: [['ü', '€']], bytes: [4, 0xc3, 0xbc, 6, 0xe2, 0x82, 0xac] },
  };
  test.each(Object.entries(CASES))('%s', (_, { list, bytes }) => {
    expect(written(list)).toEqual(bytes);
    expect([...encodeConstantHeaders(list).bytes]).toEqual(bytes);
    expect(encodeConstantHeaders(list).count).toBe(list.length);
  });

  test('never take more than the room that is counted for them, and not much less', () => {
    for (const list of [
      [['name', 'value']],
      [['€'.repeat(100), '€'.repeat(100)]],
      [
        ['a', null],
        ['b', Buffer.alloc(300)],
      ],
      [['a', [Buffer.alloc(300), '1234567890']]],
    ] as HeaderList[]) {
      const room = headersRoom(list);
      expect(room).toBeGreaterThanOrEqual(written(list).length);
      expect(room).toBeLessThan(3 * written(list).length + 20 * list.length);
    }
    expect(headersRoom([])).toBe(0);
  });
});

test('a list that is the same object is encoded once, also when others come between', () => {
  const [first, second]: HeaderList[] = [[['a', '1']], [['b', '2']]];
  const encoded = encodeConstantHeaders(first!);
  expect(encodeConstantHeaders(first!)).toBe(encoded);
  expect(encodeConstantHeaders(second!)).not.toBe(encoded);
  expect(encodeConstantHeaders(first!)).toBe(encoded);
  expect(encodeConstantHeaders([['a', '1']])).not.toBe(encoded);
  expect([...encodeConstantHeaders(second!).bytes]).toEqual([2, ...ascii('b'), 2, ...ascii('2')]);
});

test('names without number are all written as they are', () => {
  for (let at = 0; at < 3_000; at++) {
    const name = `name-${at % 1_700}`;
    expect(written([[name, null]])).toEqual([2 * name.length, ...ascii(name), 1]);
  }
});
