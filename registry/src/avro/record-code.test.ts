import { describe, expect, test } from 'vitest';
import { RegistryError } from '../errors.ts';
import { ByteReader, ByteWriter } from './cursor.ts';
import { recordReader, recordWriter, type FieldToRead, type FieldToWrite } from './record-code.ts';

const text = (name: string, changes: Partial<FieldToRead> = {}): FieldToRead => ({
  name,
  read: (bytes) => bytes.string(),
  isAmbiguous: false,
  isSkipped: false,
  ...changes,
});
const writing = (name: string, changes: Partial<FieldToWrite> = {}): FieldToWrite => ({
  name,
  type: { write: (bytes, value) => bytes.string(String(value)) },
  default: null,
  ...changes,
});

/** Texts one behind the other. */
function bytesOf(...texts: string[]): ByteReader {
  const writer = new ByteWriter();
  writer.reset(0);
  for (const each of texts) writer.string(each);
  return new ByteReader(writer.take(), 0);
}

function written(fields: readonly FieldToWrite[], record: object): Buffer {
  const writer = new ByteWriter();
  writer.reset(0);
  recordWriter(fields)(writer, record);
  return writer.take();
}

describe('record reader', () => {
  test('names of fields are data, whatever they say', () => {
    const names = ['__proto__', 'constructor', 'toString', '"]: 1, ["x', '${evil}', "'", '\\', '\u2028'];
    const record = recordReader(
      names.map((name) => text(name)),
      [],
    )(bytesOf(...names)) as object;
    expect(Object.entries(record)).toEqual(names.map((name) => [name, name]));
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
  });

  test('reads a field that the reader does not have, and leaves it out; adds those that did not come', () => {
    const read = recordReader([text('a'), text('gone', { isSkipped: true }), text('b')], [{ name: 'c', value: () => [] }]);
    const [first, second] = [read(bytesOf('1', '2', '3')), read(bytesOf('1', '2', '3'))] as { c: unknown }[];
    expect(first).toEqual({ a: '1', b: '3', c: [] });
    expect(first!.c).not.toBe(second!.c);
  });

  test('says which field it was', () => {
    const failing = text('b', {
      read: () => {
        throw new RegistryError('undecodable', 'no');
      },
    });
    expect(() => recordReader([text('a'), failing], [])(bytesOf('1'))).toThrow('field "b": no');
    expect(() => recordReader([text('outer', { read: recordReader([failing], []) })], [])(bytesOf())).toThrow('field "outer.b": no');
  });
});

describe('record writer', () => {
  test('writes fields in order, a missing one from its default', () => {
    expect(written([writing('a'), writing('b', { default: () => 'x' })], { b: undefined, a: '1' })).toEqual(
      written([writing('a'), writing('b')], { a: '1', b: 'x' }),
    );
  });

  test('a field without a value and default is named', () => {
    expect(() => written([writing('a'), writing('b')], { a: '1' })).toThrow('field "b": is missing');
  });

  test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('a field %s is not taken from the prototype', (name) => {
    expect(() => written([writing(name)], {})).toThrow(`field "${name}": is missing`);
    const record = Object.defineProperty({}, name, { value: 'v', enumerable: true });
    expect(written([writing(name)], record)).toEqual(written([writing('a')], { a: 'v' }));
  });
});
