import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkExpression } from './check.ts';
import { FUNCTION_GROUPS } from './functions/library.ts';
import { overloadOf } from './functions/signature.ts';
import { REFERENCE_PAGE, renderReference } from './reference.ts';

describe('docs/reference/expressions.md', () => {
  test('is up to date; otherwise run `npm run generate`', () => {
    expect(readFileSync(REFERENCE_PAGE, 'utf8')).toBe(renderReference());
  });

  test('names functions that exist, with the number of arguments that they take', () => {
    for (const { name, receiver, parameters } of Object.values(FUNCTION_GROUPS).flat().map(overloadOf)) {
      const values = parameters.map(() => 'event.x');
      const call = receiver === null ? `${name}(${values.join(', ')})` : `${values[0]}.${name}(${values.slice(1).join(', ')})`;
      expect(checkExpression(`size([${call}]) == 1 ? 'x' : 'y'`, { kind: 'outcome' })).toMatchObject({ ok: true });
    }
  });

  test('describes each function in a sentence', () => {
    for (const { signature, description } of Object.values(FUNCTION_GROUPS).flat()) {
      expect(description, signature).toMatch(/^[A-Z`].*[.?]/);
    }
  });
});

test('the examples of the page that are to pass, pass', () => {
  const eventSchema = {
    type: 'record',
    name: 'OrderEvent',
    fields: [
      { name: 'orderId', type: 'string' },
      { name: 'status', type: 'string' },
      { name: 'price', type: 'double' },
      { name: 'timestamp', type: 'long' },
      { name: 'discount', type: ['null', 'int'] },
      { name: 'address', type: ['null', { type: 'record', name: 'Address', fields: [{ name: 'city', type: 'string' }] }] },
    ],
  };
  const page = renderReference();
  const [, section] = page.split('## Fields that may be null');
  const rows = section!
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  expect(rows).toHaveLength(5);
  const examples = rows.flatMap((row) => [...row.split(' | ')[0]!.matchAll(/`([^`]+)`/g)].map(([, text]) => text!));
  for (const text of examples) {
    expect(checkExpression(`{'it': ${text}}`, { kind: 'event', eventSchema }), text).toMatchObject({ ok: true });
  }
  const refused = checkExpression(`{'it': event.discount + 1}`, { kind: 'event', eventSchema });
  expect(refused).toMatchObject({ ok: false });
  if (!refused.ok) expect(page).toContain(refused.message);
});
