/** What the check accepts does not fail on the types of a record that fits the schema. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkExpression } from '../check.ts';
import { compileExpression } from '../compile.ts';
import { ExpressionError } from '../errors.ts';

const eventSchema = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'i', type: 'long' },
    { name: 'd', type: 'double' },
    { name: 's', type: 'string' },
    { name: 'b', type: 'boolean' },
    { name: 'l', type: { type: 'array', items: 'long' } },
    { name: 'm', type: { type: 'map', values: 'string' } },
    { name: 'in_', type: ['null', 'long'] },
    { name: 'sn', type: ['null', 'string'] },
    { name: 'ln', type: ['null', { type: 'array', items: ['null', 'long'] }] },
    { name: 'rn', type: ['null', { type: 'record', name: 'Inner', fields: [{ name: 'x', type: 'long' }] }] },
  ],
};

const int = fc.bigInt({ min: -3n, max: 3n });
const text = fc.constantFrom('', 'a', 'ab', '1', '😀');
const events = fc.record({
  i: int,
  d: fc.constantFrom(0, -1.5, 2, Number.NaN, Infinity),
  s: text,
  b: fc.boolean(),
  l: fc.array(int, { maxLength: 3 }),
  m: fc.dictionary(fc.constantFrom('a', 'constructor', '__proto__'), text, { maxKeys: 2 }),
  in_: fc.option(int),
  sn: fc.option(text),
  ln: fc.option(fc.array(fc.option(int), { maxLength: 3 })),
  rn: fc.option(fc.record({ x: int })),
});

const LEAVES = [
  ...['event.i', 'event.d', 'event.s', 'event.b', 'event.l', 'event.m', 'event.in_', 'event.sn', 'event.ln', 'event.rn', 'event.rn.x'],
  ...['0', '1', '2.5', "'a'", "b'a'", 'true', 'null', '1u', 'timestamp(0)', "duration('1s')", "event.m['a']", 'event.l[0]', 'x'],
];
const BINARY = ['+', '-', '*', '/', '%', '==', '!=', '<', '<=', 'in', '&&', '||'];
const METHODS = ['size()', "startsWith('a')", 'lowerAscii()', 'getHours()', 'join()', "split('')", "indexOf('a')", "matches('a+')"];
const FUNCTIONS = ['size', 'int', 'double', 'string', 'type', 'uint', 'dyn', 'bool', 'bytes'];
const GUARDED = ['event.in_', 'event.sn', 'event.ln', 'event.rn'];

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: fc.constantFrom(...LEAVES) },
    {
      weight: 5,
      arbitrary: fc
        .tuple(tie('expression'), fc.constantFrom(...BINARY), tie('expression'))
        .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...GUARDED), tie('expression'), tie('expression'))
        .map(([g, a, b]) => `(${g} != null ? ${a} : ${b})`),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...GUARDED), fc.constantFrom('== null ||', '!= null ||', '== null &&', '!= null &&'), tie('expression'))
        .map(([g, guard, a]) => `(${g} ${guard} ${a})`),
    },
    { weight: 1, arbitrary: fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`) },
    { weight: 2, arbitrary: fc.tuple(tie('expression'), fc.constantFrom(...METHODS)).map(([a, method]) => `${a}.${method}`) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...FUNCTIONS), tie('expression')).map(([name, a]) => `${name}(${a})`) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('!', '-'), tie('expression')).map(([sign, a]) => `${sign}${a}`) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(tie('expression'), fc.constantFrom('all', 'exists', 'exists_one', 'map', 'filter'), tie('expression'))
        .map(([a, macro, b]) => `${a}.${macro}(x, ${b})`),
    },
    { weight: 1, arbitrary: fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `cel.bind(x, ${a}, ${b})`) },
    { weight: 1, arbitrary: tie('expression').map((a) => `[${a}, ${a}]`) },
    { weight: 1, arbitrary: tie('expression').map((a) => `{'a': ${a}}.a`) },
  ),
}));

/** A value decides about these; of the others the check is to know. */
const BY_VALUE =
  /overflow|by zero|cannot convert|no such (key|item)|no field "\w+" in .*, which is null|outside the years|longer than 10,000|position is|takes strings alone|in UTF-8/;
/** What conversions take that demand a value, and what is dyn. */
const DEMANDED = /^(int|double|string|uint|bool|bytes)\(null\) does not exist/;

test('an accepted expression fails on values alone', () => {
  let accepted = 0;
  fc.assert(
    fc.property(expression, fc.array(events, { minLength: 4, maxLength: 4 }), (source, samples) => {
      const it = `size([${source}]) == 1 ? 'x' : 'y'`;
      if (source.includes('dyn(') || !checkExpression(it, { kind: 'outcome', eventSchema }).ok) return;
      accepted++;
      const { evaluate } = compileExpression(it, 'outcome', () => 0);
      for (const event of samples) {
        try {
          evaluate({ event });
        } catch (error) {
          if (!(error instanceof ExpressionError)) throw error;
          if (!DEMANDED.test(error.message)) expect(error.message, source).toMatch(BY_VALUE);
        }
      }
    }),
    { numRuns: 20_000 },
  );
  expect(accepted).toBeGreaterThan(2_000);
});
