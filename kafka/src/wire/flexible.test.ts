import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WireReader, WireWriter } from './flexible.ts';

const written = (write: (to: WireWriter) => void): Buffer => {
  const to = new WireWriter();
  write(to);
  return to.written;
};

test('numbers, texts and lists come back as they were written', () => {
  const bytes = written((to) => {
    to.int8(-1)
      .int32(-2)
      .int64(-3n)
      .bool(true)
      .bool(false)
      .string('grün')
      .string('')
      .string(null)
      .uuid('AAECAwQFBgcICQoLDA0ODw')
      .uuid(null);
    to.array([1, 2, 3], (value) => to.int32(value))
      .structs(['a', 'b'], (text) => to.string(text))
      .array([], () => undefined)
      .tags();
  });
  const from = new WireReader(bytes);
  expect([
    from.int8(),
    from.int32(),
    from.int64(),
    from.int8(),
    from.int8(),
    from.string(),
    from.string(),
    from.string(),
    from.uuid(),
    from.uuid(),
  ]).toEqual([-1, -2, -3n, 1, 0, 'grün', '', null, 'AAECAwQFBgcICQoLDA0ODw', 'AAAAAAAAAAAAAAAAAAAAAA']);
  expect([from.array(() => from.int32()), from.structs(() => from.string()), from.array(() => from.int8())]).toEqual([
    [1, 2, 3],
    ['a', 'b'],
    [],
  ]);
  from.tags();
  expect(from.position).toBe(bytes.length);
});

describe('an unsigned varint', () => {
  test.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 32 - 1, 'ffffffff0f'],
  ])('%i is written as %s', (value, hex) => {
    expect(written((to) => to.uvarint(value)).toString('hex')).toBe(hex);
  });

  test('comes back as it was, up to 32 bits', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), (value) => {
        expect(new WireReader(written((to) => to.uvarint(value))).uvarint()).toBe(value);
      }),
    );
  });
});

test.each([250, 251, 252, 253, 254, 255, 256, 300, 10_000])('what is written behind %i bytes is kept', (before) => {
  const bytes = written((to) => {
    for (let at = 0; at < before; at++) to.int8(1);
    to.int8(2).int32(3).int64(4n).uvarint(300).uuid('AAECAwQFBgcICQoLDA0ODw').string('ü'.repeat(300));
  });
  const from = new WireReader(bytes, before);
  expect([from.int8(), from.int32(), from.int64(), from.uvarint(), from.uuid(), from.string()]).toEqual([
    2,
    3,
    4n,
    300,
    'AAECAwQFBgcICQoLDA0ODw',
    'ü'.repeat(300),
  ]);
  expect(bytes.subarray(0, before).every((byte) => byte === 1)).toBe(true);
});

test('a list that is null is read as an empty one', () => {
  expect(new WireReader(Buffer.from([0])).array(() => 1)).toEqual([]);
});

test('tagged fields of later versions are passed over, also at the head of an answer', () => {
  const tagged = [2, 0, 1, 0xff, 5, 3, 1, 2, 3];
  const from = WireReader.ofResponse(Buffer.from([...tagged, 2, 7, ...tagged, 9]));
  expect(from.structs(() => from.int8())).toEqual([7]);
  expect(from.int8()).toBe(9);
});

test('a request begins without tagged fields', () => {
  expect(WireWriter.ofRequest().int8(3).written).toEqual(Buffer.from([0, 3]));
});
