import { expect, test } from 'vitest';
import { BodyError, parseBody, rejectUnknownFields } from './body.ts';

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

test('an unknown field is named with its path and the likely name', () => {
  const reject = () =>
    rejectUnknownFields([
      { path: 'lines[1].skuu', name: 'skuu', known: ['sku', 'note'] },
      { path: 'coupon', name: 'coupon', known: ['id'] },
    ]);
  expect(reject).toThrow(BodyError);
  expect(reject).toThrow('unknown field "lines[1].skuu", did you mean "sku"?; unknown field "coupon": leave it out');
  expect(() => rejectUnknownFields([])).not.toThrow();
});

test('of a name that is too long the answer repeats the beginning', () => {
  const name = 'x'.repeat(100_000);
  expect(() => rejectUnknownFields([{ path: name, name, known: ['id'] }])).toThrow(/^unknown field "x{200}…": leave it out$/);
});
