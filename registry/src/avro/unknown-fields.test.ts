import { describe, expect, test } from 'vitest';
import { parseSchema } from './parse.ts';
import { unknownFieldsOf } from './unknown-fields.ts';

const record = (name: string, fields: Record<string, unknown>) => ({
  type: 'record',
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
});
const line = record('Line', { sku: 'string', note: ['null', 'string'] });
const order = record('Order', {
  id: 'string',
  lines: { type: 'array', items: line },
  bySku: { type: 'map', values: 'Line' },
  address: ['null', record('Address', { city: 'string' })],
  payment: [record('Card', { number: 'string', holder: 'string' }), record('Invoice', { taxId: 'string' })],
});

function unknownIn(schema: unknown, event: unknown): string[] {
  const { type } = parseSchema({ schema: JSON.stringify(schema), dependencies: [] });
  return unknownFieldsOf(type, event).map(({ path, name, known }) => `${path} (${name} of ${known.join(',')})`);
}

const events: Record<string, [event: unknown, found: string[]]> = {
  'an event of known fields has none': [
    {
      id: 'a',
      lines: [{ sku: 'x', note: null }],
      bySku: { any: { sku: 'x' }, __proto: { sku: 'y' } },
      address: { city: 'x' },
      payment: { taxId: '1' },
    },
    [],
  ],
  'in the event itself': [{ id: 'a', Id: 'b' }, ['Id (Id of id,lines,bySku,address,payment)']],
  'in a list': [{ lines: [{ sku: 'x' }, { skuu: 'y' }] }, ['lines[1].skuu (skuu of sku,note)']],
  'in a map, whose keys are free': [{ bySku: { free: { note: null, not: 'y' } } }, ['bySku.free.not (not of sku,note)']],
  'in a record that may be null': [{ address: { town: 'x' } }, ['address.town (town of city)']],
  'in the record of a union that comes closest': [
    { payment: { number: '1', holder: 'x', hodler: 'y' } },
    ['payment.hodler (hodler of number,holder)'],
  ],
  'a name that every JavaScript object has': [
    JSON.parse('{"__proto__": 1, "constructor": 2}'),
    ['__proto__ (__proto__ of id,lines,bySku,address,payment)', 'constructor (constructor of id,lines,bySku,address,payment)'],
  ],
  'only the first five are reported': [
    { lines: Array.from({ length: 1000 }, () => ({ a: 1, b: 2 })) },
    ['[0].a', '[0].b', '[1].a', '[1].b', '[2].a'].map((path) => `lines${path} (${path.at(-1)} of sku,note)`),
  ],
  'a part of another type is left to the encoder': [{ lines: { sku: 1 }, address: [1], bySku: 'x' }, []],
};

test.each(Object.entries(events))('%s', (_, [event, found]) => expect(unknownIn(order, event)).toEqual(found));

describe('a recursive union of records', () => {
  const branch = (name: string) => record(name, { child: ['null', 'A', 'B'], [name.toLowerCase()]: ['null', 'string'] });
  const schema = record('A', { child: ['null', 'A', branch('B')], a: ['null', 'string'] });

  test('is searched once per part and branch, however deep it nests', () => {
    let event: object = { typo: 'x' };
    for (let depth = 0; depth < 200; depth++) event = { child: event };
    expect(unknownIn(schema, event)).toHaveLength(1);
  });
});
