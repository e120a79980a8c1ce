import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseSchema } from './avro/parse.ts';
import { exampleValue } from './example.ts';

const parse = (schema: unknown) => parseSchema({ schema: JSON.stringify(schema), dependencies: [] });
const OPTIONS = { sequence: 7, nowMs: 1_700_000_000_000 };

test('an order has ids that can be told apart and the time of now', () => {
  const order = readFileSync(new URL('../../schemas/order_schema.avsc', import.meta.url), 'utf8');
  expect(exampleValue(parse(JSON.parse(order)), OPTIONS)).toEqual({
    orderId: 'orderId-7',
    userId: 'userId-7',
    status: 'status-7',
    timestamp: 1_700_000_000_000n,
  });
});

test('a schema that contains itself ends', () => {
  const tree = {
    type: 'record',
    name: 'Tree',
    fields: [
      { name: 'left', type: ['null', 'Tree'] },
      { name: 'more', type: { type: 'array', items: 'Tree' } },
      { name: 'kind', type: { type: 'enum', name: 'K', symbols: ['A', 'B'] } },
      { name: 'createdAt', type: 'long' },
    ],
  };
  expect(exampleValue(parse(tree), OPTIONS)).toEqual({ left: null, more: [], kind: 'A', createdAt: 1_700_000_000_000n });
});
