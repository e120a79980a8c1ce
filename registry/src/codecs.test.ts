import type { SchemaSource } from '@sagafleet/schemas';
import { describe, expect, test } from 'vitest';
import { AvroCodecs } from './codecs.ts';
import type { SchemaLookup } from './codecs.ts';
import { RegistryError } from './errors.ts';

const ORDER = [
  { name: 'orderId', type: 'string' },
  { name: 'userId', type: 'string' },
  { name: 'status', type: 'string' },
  { name: 'timestamp', type: 'long' },
];

function record(fields: unknown[], name = 'OrderEvent') {
  return { type: 'record', name, fields };
}

/** A registry that holds one schema under id 7, as version 1 of whatever subject is asked for. */
function holding(schema: unknown, dependencies: unknown[] = []): SchemaLookup {
  const texts = { schema: JSON.stringify(schema), dependencies: dependencies.map((text) => JSON.stringify(text)), references: [] };
  return {
    schemaById: async (id) => ({ id, ...texts }),
    latest: async (subject) => ({ id: 7, subject, version: 1, ...texts }),
    version: async (subject, version) => ({ id: 7, subject, version, ...texts }),
    lookup: async () => ({ id: 7, version: 1 }),
  };
}

const SOURCE: SchemaSource = { kind: 'subject', subject: 'events-value', version: 'latest' };

async function codecOf(schema: unknown, dependencies: unknown[] = []) {
  const codecs = new AvroCodecs(holding(schema, dependencies));
  return { decoder: await codecs.loadDecoder(7, null), encoder: await codecs.loadEncoder(SOURCE) };
}

async function readAs(writer: unknown, reader: unknown, bodyHex: string) {
  const source: SchemaSource = { kind: 'inline', subject: 'events-value', avro: JSON.stringify(reader) };
  const decoder = await new AvroCodecs(holding(writer)).loadDecoder(7, source);
  return decoder.decode(framed(bodyHex));
}

const framed = (bodyHex: string) => Buffer.from(`0000000007${bodyHex}`, 'hex');

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof RegistryError) return `${error.code} (${error.consequence}): ${error.message}`;
    throw error;
  }
  return 'no error';
}

describe('a union of types that JavaScript cannot tell apart', () => {
  const shop = record([{ name: 'id', type: 'string' }], 'Shop');
  const partner = record([{ name: 'id', type: 'string' }], 'Partner');
  test('is written to the first branch that fits where the value is a new one', async () => {
    const { encoder, decoder } = await codecOf(
      record([
        { name: 'u', type: ['int', 'long', 'double'] },
        { name: 's', type: [shop, partner] },
      ]),
    );
    const written = encoder.encode({ u: 2n ** 40n, s: { id: 'a' } });
    expect(decoder.decode(written)).toMatchObject({ u: 2n ** 40n, s: { id: 'a' } });
    expect(written[5]).toBe(2);
    expect(encoder.encode({ u: 1.5, s: { id: 'a' } })[5]).toBe(4);
  });

  test('keeps the branch in lists and maps', async () => {
    const { encoder, decoder } = await codecOf(
      record([
        { name: 'list', type: { type: 'array', items: ['float', 'double'] } },
        { name: 'map', type: { type: 'map', values: ['bytes', { type: 'fixed', name: 'F', size: 1 }] } },
      ]),
    );
    const body = '040200000000000000000000000000' + '00' + '02' + '026b' + '02' + 'aa' + '00';
    expect(encoder.encode(decoder.decode(framed(body)))).toEqual(framed(body));
  });
});

describe('numbers', () => {
  test('of 64 bits stay exact, decimals stay their bytes', async () => {
    const { decoder, encoder } = await codecOf(
      record(
        [
          { name: 'orderId', type: 'string' },
          { name: 'seq', type: 'long' },
          { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 } },
        ],
        'Charge',
      ),
    );
    const value = framed('066f2d37feffffffffffffffff0104fb2e');
    const event = decoder.decode(value);
    expect(event).toEqual({ orderId: 'o-7', seq: 9223372036854775807n, amount: Buffer.from('fb2e', 'hex') });
    expect(encoder.encode(event)).toEqual(value);
  });

  const misfits: Record<string, { type: unknown; value: unknown }> = {
    'an int beyond 32 bits': { type: 'int', value: 2n ** 31n },
    'a long beyond 64 bits': { type: 'long', value: 2n ** 63n },
    'a number that was rounded before it came here': { type: 'long', value: 2 ** 60 },
    'a fraction for a long': { type: 'long', value: 1.5 },
    'an integer that a double would round': { type: 'double', value: 2n ** 53n + 1n },
    'a string for a long': { type: 'long', value: '1' },
    'an inherited property name for an enum': { type: { type: 'enum', name: 'E', symbols: ['A'] }, value: 'constructor' },
    'null for a string': { type: 'string', value: null },
    'half of a surrogate pair': { type: 'string', value: '\ud800' },
    'bytes of another size for a fixed': { type: { type: 'fixed', name: 'F', size: 2 }, value: Buffer.alloc(3) },
  };
  test.each(Object.entries(misfits))('%s is refused, naming the field', async (_name, { type, value }) => {
    const { encoder } = await codecOf(record([{ name: 'items', type: { type: 'array', items: record([{ name: 'a', type }], 'Item') } }]));
    expect(codeOf(() => encoder.encode({ items: [{ a: value }] }))).toMatch(
      /^unencodable \(permanent\): field "items\[0\]\.a": .* expected, not /,
    );
  });

  test('may be plain numbers where they are exact', async () => {
    const { encoder, decoder } = await codecOf(
      record([
        { name: 'i', type: 'int' },
        { name: 'l', type: 'long' },
        { name: 'd', type: 'double' },
      ]),
    );
    expect(decoder.decode(encoder.encode({ i: 1, l: 2, d: 3n }))).toEqual({ i: 1n, l: 2n, d: 3 });
    for (const l of [2 ** 52, 2 ** 53 - 1, -(2 ** 52), -(2 ** 52) - 1, -(2 ** 53 - 1)]) {
      expect(decoder.decode(encoder.encode({ i: 1, l, d: 3 }))).toEqual({ i: 1n, l: BigInt(l), d: 3 });
    }
  });
});

describe('fields', () => {
  test('that are absent take the default, an unknown one is dropped', async () => {
    const { encoder, decoder } = await codecOf(
      record([
        { name: 'a', type: 'string' },
        { name: 'b', type: ['null', 'string'], default: null },
      ]),
    );
    expect(decoder.decode(encoder.encode({ a: 'x', more: 1 }))).toEqual({ a: 'x', b: null });
  });

  test('that are absent and have no default are refused', async () => {
    const { encoder } = await codecOf(record(ORDER));
    expect(codeOf(() => encoder.encode({ orderId: 'a', userId: 'b', status: 'c' }))).toBe(
      'unencodable (permanent): field "timestamp": is missing and its schema has no default',
    );
  });
});

describe('a reader', () => {
  test('fills in defaults, drops, renames by alias and promotes', async () => {
    const writer = record([
      { name: 'gone', type: 'string' },
      { name: 'old', type: 'int' },
    ]);
    const reader = record([
      { name: 'fresh', type: 'long', aliases: ['old'] },
      { name: 'lane', type: 'string', default: 'x' },
      { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    ]);
    expect(await readAs(writer, reader, '026106')).toEqual({ fresh: 3n, lane: 'x', tags: [] });
  });

  test('keeps the branch of a union that it could promote', async () => {
    const union = [{ name: 'u', type: ['double', 'long'] }];
    expect(await readAs(record(union), record([...union, { name: 'x', type: 'int', default: 1 }]), '020a')).toEqual({ u: 5n, x: 1n });
  });

  test('that needs a field which the writer lacks is incompatible', async () => {
    await expect(readAs(record([]), record([{ name: 'a', type: 'string' }]), '')).rejects.toMatchObject({ code: 'incompatible' });
  });

  test('takes its default for a symbol that it does not know', async () => {
    const symbols = (...names: string[]) => ({ type: 'enum', name: 'E', symbols: names, default: 'A' });
    expect(await readAs(record([{ name: 'e', type: symbols('A', 'B') }]), record([{ name: 'e', type: symbols('A') }]), '02')).toEqual({
      e: 'A',
    });
  });
});

describe('a broken value', () => {
  const broken: Record<string, { schema: unknown; body: string; says: string }> = {
    truncated: { schema: record(ORDER), body: '066f2d', says: 'undecodable (permanent): field "orderId": truncated' },
    'too long': { schema: record([]), body: '00', says: 'undecodable (permanent): 1 bytes are left after the last field' },
    'a number of eleven bytes': {
      schema: 'long',
      body: 'ff'.repeat(10) + '01',
      says: 'undecodable (permanent): a number has more than ten bytes',
    },
    'a negative length': { schema: 'string', body: '01', says: 'undecodable (permanent): a length is negative' },
    'a branch that does not exist': { schema: ['null', 'string'], body: '06', says: 'undecodable (permanent): a union has no branch 3' },
    'a symbol that does not exist': {
      schema: { type: 'enum', name: 'E', symbols: ['A'] },
      body: '02',
      says: 'undecodable (permanent): enum E has no symbol 1',
    },
    'bytes that are no text': { schema: 'string', body: '02ff', says: 'undecodable (permanent): a string is not valid UTF-8' },
    'a list that announces more than there is': {
      schema: { type: 'array', items: 'string' },
      body: 'feffffff7f',
      says: 'undecodable (permanent): field "[0]": truncated',
    },
    'a list of endless nothing': {
      schema: { type: 'array', items: 'null' },
      body: 'feffffff7f',
      says: 'undecodable (permanent): a list announces more than',
    },
    'endless nesting': {
      schema: record([{ name: 'next', type: ['OrderEvent', 'null'] }]),
      body: '00'.repeat(100_000),
      says: 'undecodable (permanent): nested too deeply',
    },
  };
  test.each(Object.entries(broken))('%s is a permanent error', async (_name, { schema, body, says }) => {
    const decoder = await new AvroCodecs(holding(schema)).loadDecoder(7, null);
    expect(codeOf(() => decoder.decode(framed(body)))).toContain(says);
  });
});

test('references are part of the schema', async () => {
  const named = (name: string, ...fields: [string, string][]) => ({
    type: 'record',
    namespace: 'net.port',
    name,
    fields: fields.map(([field, type]) => ({ name: field, type })),
  });
  const { decoder } = await codecOf(named('Berth', ['ship', 'net.port.Ship']), [
    named('Flag', ['code', 'string']),
    named('Ship', ['flag', 'Flag'], ['tons', 'int']),
  ]);
  expect(decoder.decode(framed('044e4f' + '28'))).toEqual({ ship: { flag: { code: 'NO' }, tons: 20n } });
});

test('a key called __proto__ is data', async () => {
  const { decoder, encoder } = await codecOf({ type: 'map', values: 'int' });
  const value = framed(`0212${Buffer.from('__proto__').toString('hex')}0200`);
  expect(encoder.encode(decoder.decode(value))).toEqual(value);
});

test('bytes are copies', async () => {
  const { decoder } = await codecOf('bytes');
  const value = framed('02aa');
  const bytes = decoder.decode(value) as Buffer;
  value.fill(0);
  expect(bytes).toEqual(Buffer.from('aa', 'hex'));
});

test('refresh takes a newer version and keeps codecs that did not change', async () => {
  let id = 7;
  const registry = holding(record(ORDER));
  const codecs = new AvroCodecs({ ...registry, latest: async (subject) => ({ ...(await registry.latest(subject)), id }) });
  const before = await codecs.loadEncoder(SOURCE);
  await codecs.refresh();
  expect(codecs.encoder(SOURCE)).toBe(before);
  id = 8;
  await codecs.refresh();
  expect(codecs.encoder(SOURCE)?.schemaId).toBe(8);
});
