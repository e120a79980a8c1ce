/**
 * Defaults that do not fit their field, which registries hold (kafkajs/confluent-schema-registry#138, mtth/avsc#409):
 * a writer's play no part in decoding, with others nothing can be read or written.
 */
import type { SchemaSource } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { parseSchema, withoutMisfits } from './avro/parse.ts';
import { AvroCodecs } from './codecs.ts';
import type { SchemaLookup } from './codecs.ts';

interface Case {
  field: object;
  body: string;
  value: unknown;
  misfits?: string[];
}

const record = (field: object) => ({ type: 'record', name: 'Parcel', fields: [{ name: 'size', type: 'int' }, field] });
const nested = (name: string, type: unknown, value: unknown) => ({
  type: 'record',
  name: 'Place',
  fields: [{ name, type, default: value }],
});

const CASES: Record<string, Case> = {
  'of the second branch': { field: { name: 'door', type: ['null', 'int'], default: 7 }, body: '0222', value: 17n },
  'null for a union that begins otherwise': { field: { name: 'door', type: ['int', 'null'], default: null }, body: '02', value: null },
  'no symbol': {
    field: { name: 'door', type: { type: 'enum', name: 'Door', symbols: ['LEFT', 'RIGHT'] }, default: 'UP' },
    body: '02',
    value: 'RIGHT',
  },
  'a text for a number': { field: { name: 'door', type: 'long', default: '12' }, body: '18', value: 12n },
  'a record that lacks a field': {
    field: { name: 'door', type: { type: 'record', name: 'Door', fields: [{ name: 'no', type: 'int' }] }, default: {} },
    body: '04',
    value: { no: 2n },
  },
  'below a record': {
    field: { name: 'door', type: nested('lane', ['null', 'string'], 'A') },
    body: '020242',
    value: { lane: 'B' },
    misfits: ['lane'],
  },
  'in a list': {
    field: { name: 'door', type: { type: 'array', items: nested('lane', 'boolean', 0) } },
    body: '020100',
    value: [{ lane: true }],
    misfits: ['lane'],
  },
  'in a map behind a union': {
    field: { name: 'door', type: ['null', { type: 'map', values: nested('lane', 'int', 0.5) }] },
    body: '02020278' + '0600',
    value: { x: { lane: 3n } },
    misfits: ['lane'],
  },
};

function holding(schema: object): SchemaLookup {
  const texts = { schema: JSON.stringify(schema), dependencies: [], references: [] };
  return {
    schemaById: async (id) => ({ id, ...texts }),
    latest: async (subject) => ({ id: 3, subject, version: 1, ...texts }),
    version: async (subject, version) => ({ id: 3, subject, version, ...texts }),
    lookup: async () => ({ id: 3, version: 1 }),
  };
}

/** `size` is 5. */
const framed = (body: string) => Buffer.from(`00000000030a${body}`, 'hex');
const NAMED: SchemaSource = { kind: 'subject', subject: 'parcels-value', version: 'latest' };

test.each(Object.entries(CASES))('%s: what was written with it is read', async (_, { field, body, value }) => {
  const decoder = await new AvroCodecs(holding(record(field))).loadDecoder(3, null);
  expect(decoder.decode(framed(body))).toEqual({ size: 5n, door: value });
});

test.each(Object.entries(CASES))(
  '%s: nothing is written or read by it, and the field is named',
  async (_, { field, misfits = ['door'] }) => {
    const codecs = new AvroCodecs(holding(record(field)));
    const says = {
      code: 'invalid-schema',
      message: expect.stringContaining(`subject "parcels-value" version 1: field "${misfits[0]}": its default does not fit`) as string,
    };
    await expect(codecs.loadEncoder(NAMED)).rejects.toMatchObject(says);
    await expect(codecs.loadDecoder(3, NAMED)).rejects.toMatchObject(says);
  },
);

test.each(Object.entries(CASES))('%s: without it the schema is one to write with', async (_, { field, body, misfits = ['door'] }) => {
  const { schema, fields } = withoutMisfits({ schema: JSON.stringify(record(field)), dependencies: [] });
  expect(fields).toEqual(misfits);
  const codecs = new AvroCodecs(holding(JSON.parse(schema) as object));
  const [decoder, encoder] = [await codecs.loadDecoder(3, null), await codecs.loadEncoder(NAMED)];
  expect(encoder.encode(decoder.decode(framed(body)))).toEqual(framed(body));
});

test("an enum's own default is a reader's matter, too", async () => {
  const door = { name: 'door', type: { type: 'enum', name: 'Door', symbols: ['LEFT', 'RIGHT'], default: 'UP' } };
  const decoder = await new AvroCodecs(holding(record(door))).loadDecoder(3, null);
  expect(decoder.decode(framed('00'))).toEqual({ size: 5n, door: 'LEFT' });
  expect(() => parseSchema({ schema: JSON.stringify(record(door)), dependencies: [] })).toThrow('"Door" default');
});

test('defaults that fit stay, large numbers to the last digit', () => {
  const schema =
    '{"type":"record","name":"Parcel","fields":[{"name":"a","type":"long","default":9007199254740993},{"name":"b","type":"int","default":"x"}]}';
  expect(withoutMisfits({ schema, dependencies: [] })).toEqual({ schema: schema.replace(',"default":"x"', ''), fields: ['b'] });
  const fit = '{ "type": "record", "name": "Parcel", "fields": [{"name": "a", "type": ["null", "int"], "default": null}] }';
  expect(withoutMisfits({ schema: fit, dependencies: [] })).toEqual({ schema: fit, fields: [] });
});
