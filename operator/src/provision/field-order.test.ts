import { expect, test } from 'vitest';
import { fieldNotAppended } from './field-order.ts';

const record = (name: string, ...fields: [name: string, type: unknown][]) => ({
  type: 'record',
  name,
  fields: fields.map(([field, type]) => ({ name: field, type, default: type === 'string' ? '' : undefined })),
});
const customer = (...more: [string, unknown][]) => record('Customer', ['id', 'string'], ...more);
const texts = (schema: unknown) => ({ schema: JSON.stringify(schema), dependencies: [] });

const CASES: Record<string, [last: unknown, next: unknown, expected: string | null]> = {
  'a field at the end is fine': [record('R', ['a', 'string']), record('R', ['a', 'string'], ['b', 'string']), null],
  'a field at the start is not': [record('R', ['a', 'string']), record('R', ['b', 'string'], ['a', 'string']), 'b'],
  'a field renamed by alias is fine': [
    record('R', ['a', 'string']),
    { type: 'record', name: 'R', fields: [{ name: 'b', aliases: ['a'], type: 'string' }] },
    null,
  ],
  'a field at the end of a nested record moves what follows it': [
    record('R', ['c', customer()], ['z', 'string']),
    record('R', ['c', customer(['vip', 'string'])], ['z', 'string']),
    'c.vip',
  ],
  'the same in a list': [
    record('R', ['c', { type: 'array', items: customer() }]),
    record('R', ['c', { type: 'array', items: customer(['vip', 'string']) }]),
    'c.vip',
  ],
  'the same in a union': [record('R', ['c', ['null', customer()]]), record('R', ['c', ['null', customer(['vip', 'string'])]]), 'c.vip'],
  'a record that contains itself ends': [record('R', ['next', ['null', 'R']]), record('R', ['next', ['null', 'R']]), null],
};

test.each(Object.entries(CASES))('%s', (_, [last, next, expected]) => {
  expect(fieldNotAppended(texts(last), texts(next))).toBe(expected);
});
