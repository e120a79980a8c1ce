/**
 * Codec and expressions together: what an expression does not name keeps the branch of its union, also where a value
 * does not show it (waldophotos/kafka-avro#27, confluentinc/kafka-rest#152).
 */
import { compileExpression } from '@sagafleet/expressions';
import { AvroCodecs, type Encoder, type SchemaLookup } from '@sagafleet/registry';
import { expect, test } from 'vitest';

const record = (name: string, ...fields: [name: string, type: unknown][]) => ({
  type: 'record',
  name,
  fields: fields.map(([field, type]) => ({ name: field, type })),
});

/** Each union's branches look alike in JavaScript; bodies below hold the second. */
const RATIO = ['float', 'double'];
const HALF = '02000000000000e03f';
const SENDER = ['null', record('Depot', ['id', 'string']), record('Courier', ['id', 'string'])];
const SIZE = [{ type: 'enum', name: 'Size', symbols: ['S', 'L'] }, 'string'];
const KEY = ['bytes', { type: 'fixed', name: 'Key', size: 2 }];
const NUMBER = ['int', 'long'];

interface Case {
  type: unknown;
  body: string;
  expression?: string;
}
const CASES: Record<string, Case> = {
  'a number': { type: RATIO, body: HALF },
  'a whole number': { type: NUMBER, body: '0206' },
  'a record': { type: SENDER, body: '04024b' },
  'a text': { type: SIZE, body: '02024c' },
  bytes: { type: KEY, body: '02abcd' },
  'numbers in a list': { type: { type: 'array', items: RATIO }, body: `04${HALF}${HALF}00` },
  'records in a list': { type: { type: 'array', items: SENDER }, body: '0404024b04024c00' },
  'texts in a map': { type: { type: 'map', values: SIZE }, body: '02026102024c00' },
  'records in a map': { type: { type: 'map', values: SENDER }, body: '0202610402' + '4b00' },
  'a list in a list': { type: { type: 'array', items: { type: 'array', items: RATIO } }, body: `0202${HALF}0000` },
  'a list behind null': { type: ['null', { type: 'array', items: SIZE }], body: '020202024c00' },
  'a union in a record of a union': { type: ['null', record('Outer', ['ratio', RATIO], ['sender', SENDER])], body: `02${HALF}04024b` },
  'the same, merged by itself': {
    type: record('Outer', ['ratio', RATIO], ['sender', SENDER]),
    body: `${HALF}04024b`,
    expression: "merge(event, {'status': 'P', 'value': merge(event.value, {})})",
  },
  'a value that is taken over by name': { type: SENDER, body: '04024b', expression: "merge(event, {'status': 'P', 'value': event.value})" },
  'a list that is taken over by name': {
    type: { type: 'array', items: RATIO },
    body: `02${HALF}00`,
    expression: "merge(event, {'status': 'P', 'value': event.value})",
  },
};

async function codecOf(type: unknown) {
  const schema = JSON.stringify(record('Parcel', ['status', 'string'], ['value', type]));
  const registry: Partial<SchemaLookup> = {
    schemaById: async (id) => ({ id, schema, references: [], dependencies: [] }),
    lookup: async () => ({ id: 9, version: 1 }),
  };
  const codecs = new AvroCodecs(registry as SchemaLookup);
  return {
    decoder: await codecs.loadDecoder(9, null),
    encoder: await codecs.loadEncoder({ kind: 'inline', subject: 'parcels-value', avro: schema }),
  };
}

const framed = (status: string, body: string) =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, 9, 2]), Buffer.from(status), Buffer.from(body, 'hex')]);

test.each(Object.entries(CASES))('%s', async (_, { type, body, expression = "merge(event, {'status': 'P'})" }) => {
  const { decoder, encoder } = await codecOf(type);
  const event = decoder.decode(framed('N', body));
  const merged = compileExpression(expression, 'event').evaluate({ event } as never);
  expect(encoder.encode(merged)).toEqual(framed('P', body));
});

test('a handler sees values and never branches', async () => {
  const { decoder } = await codecOf(['null', record('Outer', ['ratio', RATIO], ['sender', SENDER])]);
  const event = decoder.decode(framed('N', `02${HALF}04024b`));
  expect(JSON.parse(JSON.stringify(event))).toEqual({ status: 'N', value: { ratio: 0.5, sender: { id: 'K' } } });
});

const NEW: Record<string, { type: unknown; value: unknown; body: string }> = {
  'a text for null or a text': { type: ['null', 'string'], value: 'x', body: '020278' },
  'null for null or a text': { type: ['null', 'string'], value: null, body: '00' },
  'a number that only a long holds': { type: NUMBER, value: 2n ** 40n, body: '02808080808040' },
  'a number that a float would change': { type: RATIO, value: 0.1, body: '029a9999999999b93f' },
  'a number that a float holds': { type: RATIO, value: 0.5, body: '000000003f' },
  'a text that is no symbol': { type: SIZE, value: 'XL', body: '0204584c' },
};
test.each(Object.entries(NEW))('a new value needs no wrapper: %s', async (_, { type, value, body }) => {
  const { encoder }: { encoder: Encoder } = await codecOf(type);
  expect(encoder.encode({ status: 'P', value })).toEqual(framed('P', body));
});
