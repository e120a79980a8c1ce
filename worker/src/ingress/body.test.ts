import { expect, test } from 'vitest';
import { BodyError, parseBody } from './body.ts';

test('integers are exact whatever their size, other numbers are doubles', () => {
  expect(parseBody(Buffer.from('{"a":9007199254740993,"b":[-1,1.5,1e2],"c":{"d":0},"e":"7","f":null}'))).toEqual({
    a: 9007199254740993n,
    b: [-1n, 1.5, 100],
    c: { d: 0n },
    e: '7',
    f: null,
  });
});

const REFUSED: Record<string, RegExp> = {
  '': /not valid JSON/,
  '{"a":': /not valid JSON/,
  '[1]': /not a list/,
  '"text"': /must be a JSON object, not a string/,
  null: /not null/,
  '7': /must be a JSON object/,
};

test.each(Object.entries(REFUSED))('a body of %j is refused', (text, message) => {
  expect(() => parseBody(Buffer.from(text))).toThrow(BodyError);
  expect(() => parseBody(Buffer.from(text))).toThrow(message);
});

test('bytes that are no UTF-8 are refused, not replaced', () => {
  expect(() => parseBody(Buffer.from('{"orderId":"\xff\xfe"}', 'latin1'))).toThrow('the body is not UTF-8');
});
