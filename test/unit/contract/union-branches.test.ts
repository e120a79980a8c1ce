/** Codec and expressions together: a `merge` keeps the branch of a union that a value does not show. */
import { expect, test } from 'vitest';
import { compileExpression } from '@sagafleet/expressions';
import { AvroCodecs, type SchemaLookup } from '@sagafleet/registry';

const record = (name: string, ...fields: [name: string, type: unknown][]) =>
  ({ type: 'record', name, fields: fields.map(([field, type]) => ({ name: field, type })) });
const schema = JSON.stringify(record('Priced',
  ['status', 'string'],
  ['rate', ['float', 'double']],
  ['source', [record('Shop', ['id', 'string']), record('Partner', ['id', 'string'])]],
  ['level', [{ type: 'enum', name: 'Level', symbols: ['LOW', 'HIGH'] }, 'string']]));

/** `rate` 0.5 as a double, `source` a Partner, `level` a string: the second branch each time. */
const SECOND_BRANCHES = `02${'000000000000e03f'}020278020848494748`;
const framed = (status: string) => Buffer.from(`0000000007${status}${SECOND_BRANCHES}`, 'hex');

test('a merge leaves what it does not name as it was', async () => {
  const registry: Partial<SchemaLookup> = {
    schemaById: async (id) => ({ id, schema, references: [], dependencies: [] }),
    lookup: async () => ({ id: 7, version: 1 }),
  };
  const codecs = new AvroCodecs(registry as SchemaLookup);
  const decoder = await codecs.loadDecoder(7, null);
  const encoder = await codecs.loadEncoder({ kind: 'inline', subject: 'prices-value', avro: schema });
  const event = decoder.decode(framed('024e'));
  const merged = compileExpression("merge(event, {'status': 'P'})", 'event').evaluate({ event } as never);
  expect(encoder.encode(merged)).toEqual(framed('0250'));
});
