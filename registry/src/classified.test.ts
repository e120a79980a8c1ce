/** Whatever a registry holds and a record says: what comes out is an event, bytes, or a RegistryError that says whose fault it is. */
import type { SchemaSource } from '@sagafleet/schemas';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { withoutMisfits } from './avro/parse.ts';
import { AvroCodecs } from './codecs.ts';
import type { SchemaLookup } from './codecs.ts';
import { RegistryError } from './errors.ts';

const NAMED: SchemaSource = { kind: 'subject', subject: 'events-value', version: 'latest' };

function holding(writer: string, reader: string): SchemaLookup {
  const rest = { dependencies: [], references: [] };
  return {
    schemaById: async (id) => ({ id, schema: writer, ...rest }),
    latest: async (subject) => ({ id: 3, subject, version: 1, schema: reader, ...rest }),
    version: async (subject, version) => ({ id: 3, subject, version, schema: reader, ...rest }),
    lookup: async () => ({ id: 3, version: 1 }),
  };
}

/** Almost schemas: every keyword may stand with any value. */
const { schema } = fc.letrec<{ schema: unknown; field: unknown }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    fc.constantFrom<unknown>('null', 'boolean', 'int', 'long', 'double', 'string', 'bytes', 'E', 'R', 'record', '', null, 7, {}, []),
    fc.array(tie('schema'), { maxLength: 3 }),
    fc.record(
      {
        type: fc.oneof(
          fc.constantFrom<unknown>(
            'record',
            'error',
            'enum',
            'fixed',
            'array',
            'map',
            'union',
            'int',
            'string',
            'abstract:long',
            'request',
          ),
          tie('schema'),
        ),
        name: fc.constantFrom<unknown>('R', 'E', 'a.b.R', 'constructor', '__proto__', 'not a name', '', 5, null),
        namespace: fc.constantFrom<unknown>('a.b', '', 5),
        fields: fc.oneof(fc.array(tie('field'), { maxLength: 3 }), fc.constantFrom<unknown>({}, 'x', [null])),
        items: tie('schema'),
        values: tie('schema'),
        symbols: fc.constantFrom<unknown>(['A', 'B'], [], ['A', 'A'], 'A', [1]),
        size: fc.constantFrom<unknown>(0, 2, -1, 1.5, '2', 2 ** 40),
        logicalType: fc.constantFrom<unknown>('decimal', 'uuid', 5),
        default: fc.constantFrom<unknown>('A', 1, null, {}),
        aliases: fc.constantFrom<unknown>(['X'], 'X', [1]),
      },
      { requiredKeys: ['type'] },
    ),
  ),
  field: fc.record(
    {
      name: fc.constantFrom<unknown>('a', 'b', '__proto__', 'constructor', '', 3),
      type: tie('schema'),
      default: fc.constantFrom<unknown>(null, 1, 'x', {}, []),
      aliases: fc.constantFrom<unknown>(['a'], 'a', null),
    },
    { requiredKeys: ['name', 'type'] },
  ),
}));
const texts = fc.oneof({ weight: 9, arbitrary: schema.map((json) => JSON.stringify(json)) }, { weight: 1, arbitrary: fc.string() });
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc.array(fc.constantFrom(0, 1, 2, 4), { maxLength: 30 }).map((bytes) => Uint8Array.from(bytes)),
);
const events = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withTypedArray: true, withSparseArray: true }),
  fc.record({ a: fc.anything({ withBigInt: true }), b: fc.anything(), constructor: fc.anything() }, { requiredKeys: [] }),
);

/** Undefined where a RegistryError was thrown; any other error fails the test. */
async function classified<T>(action: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof RegistryError) return undefined;
    throw error;
  }
}

test('odd schemas, bodies and events', async () => {
  let [decoded, encoded] = [0, 0];
  await fc.assert(
    fc.asyncProperty(texts, texts, bodies, events, async (writer, reader, body, event) => {
      const codecs = new AvroCodecs(holding(writer, reader));
      for (const source of [null, NAMED]) {
        const decoder = await classified(() => codecs.loadDecoder(3, source));
        if (decoder && (await classified(() => ({ event: decoder.decode(Buffer.concat([Buffer.from([0, 0, 0, 0, 3]), body])) }))))
          decoded++;
      }
      const encoder = await classified(() => codecs.loadEncoder(NAMED));
      if (encoder && (await classified(() => encoder.encode(event)))) encoded++;
      await classified(() => withoutMisfits({ schema: writer, dependencies: [] }));
    }),
    { numRuns: 3_000 },
  );
  expect(decoded).toBeGreaterThan(0);
  expect(encoded).toBeGreaterThan(0);
});

const nested = (depth: number, open: string, close: string) => `${open.repeat(depth)}"int"${close.repeat(depth)}`;
const DEEP: Record<string, (depth: number) => string> = {
  lists: (depth) => nested(depth, '{"type":"array","items":', '}'),
  maps: (depth) => nested(depth, '{"type":"map","values":', '}'),
  'types of types': (depth) => nested(depth, '{"type":', '}'),
  unions: (depth) => nested(depth, '[', ']'),
  records: (depth) =>
    Array.from({ length: depth }, (_, i) => `{"type":"record","name":"R${i}","fields":[{"name":"a","type":`).join('') +
    '"int"' +
    '}]}'.repeat(depth),
};
test.each(Object.entries(DEEP))('a schema of %s nested in each other', async (_name, text) => {
  for (const depth of [10, 300, 600, 1_000, 1_500, 2_000, 3_000, 5_000, 20_000]) {
    const codecs = new AvroCodecs(holding(text(depth), text(depth)));
    await classified(() => codecs.loadDecoder(3, null));
    await classified(() => codecs.loadDecoder(3, NAMED));
    await classified(() => codecs.loadEncoder(NAMED));
  }
});
