import { describe, expect, test } from 'vitest';
import { compileExpression } from '../compile.ts';
import { ExpressionError } from '../errors.ts';
import { type CostLimits, DEFAULT_LIMITS } from './budget.ts';

const evaluate = (text: string, event: unknown, limits?: CostLimits) =>
  compileExpression(`{'it': ${text}}`, 'event', () => 0, limits).evaluate({ event }).it;

function costError(text: string, event: unknown, limits?: CostLimits): ExpressionError {
  try {
    evaluate(text, event, limits);
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error(`${text} costs too little`);
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => BigInt(index));

test('an evaluation that takes too many steps fails for good, and says which expression and how much', () => {
  const text = 'event.l.all(a, event.l.filter(b, b == a).size() == 1)';
  const started = performance.now();
  const error = costError(text, { l: numbers(20_000) });
  expect(error.message).toBe(`the expression takes more than 1000000 steps; loop over less or build less: {'it': ${text}}`);
  expect(error).toMatchObject({ code: 'cost', consequence: 'permanent' });
  expect(performance.now() - started).toBeLessThan(10_000);
});

test('a long expression is quoted in part', () => {
  const error = costError(`event.l.all(a, event.l.all(b, b >= 0 && '${'x'.repeat(500)}' != ''))`, { l: numbers(2_000) });
  expect(error.message).toMatch(/x{100,}…$/);
  expect(error.message.length).toBeLessThan(300);
});

describe('the limit of steps is exact for', () => {
  const limits = (steps: number): CostLimits => ({ ...DEFAULT_LIMITS, steps });
  const cases: Record<string, [text: string, steps: number]> = {
    'one macro': ['event.l.all(a, a >= 0)', 10],
    'a macro in a macro': ['event.l.all(a, event.l.exists(b, b < 0) || true)', 110],
    'a macro that stops early': ['event.l.exists(a, a == 3)', 4],
    'map() and filter()': ['event.l.filter(a, true).map(a, a > 0, a)', 20],
    'a map': ["{'a': 1, 'b': 2}.all(k, k != '')", 2],
    in: ['11 in event.l', 10],
  };
  test.each(Object.entries(cases))('%s', (_, [text, steps]) => {
    // Strings that are compared add parts of a step
    expect(evaluate(text, { l: numbers(10) }, limits(steps + 0.5))).toBeDefined();
    expect(costError(text, { l: numbers(10) }, limits(steps - 1)).code).toBe('cost');
  });

  test('each record starts from zero', () => {
    const expression = compileExpression("{'it': event.l.all(a, a >= 0)}", 'event', () => 0, limits(10));
    for (let record = 0; record < 5; record++) expect(expression.evaluate({ event: { l: numbers(10) } })).toEqual({ it: true });
    expect(() => expression.evaluate({ event: { l: numbers(11) } })).toThrow(/takes more than 10 steps/);
    expect(expression.evaluate({ event: { l: numbers(10) } })).toEqual({ it: true });
  });
});

describe('too much is', () => {
  const items = numbers(1_000);
  const words = items.map((item) => `word ${item}`);
  const cases: Record<string, [text: string, event: unknown, what: RegExp]> = {
    'a string that doubles': [doubled("'0123456789abcdef'", 24), {}, /builds more than 16777216 bytes/],
    'a list that doubles': [doubled('[1, 2, 3, 4]', 24), {}, /builds more than 16777216 bytes/],
    'bytes that double': [doubled("b'0123456789abcdef'", 24), {}, /builds more than/],
    'strings that are joined': ['event.w.join(event.s)', { w: words, s: 'x'.repeat(1_000_000) }, /builds more than/],
    'a string that is replaced': ['event.s.replace("x", event.s)', { s: 'x'.repeat(100_000) }, /(builds|takes) more than/],
    'characters that become a list': ["event.s.split('')", { s: 'x'.repeat(2_000_000) }, /builds more than/],
    'lists in lists': ['event.l.map(a, event.l.map(b, [a, b]))', { l: items.slice(0, 900) }, /builds more than/],
    'merged maps': [
      'event.l.map(a, merge(event.m, {"a": a}))',
      { l: items, m: Object.fromEntries(words.map((word) => [word, 1n])) },
      /builds more than/,
    ],
    'a pattern on a long string': ["event.s.matches('(x+x+)+y')", { s: 'x'.repeat(15_000_000) }, /takes more than/],
    'patterns that are computed': [
      "event.l.all(a, event.l.all(b, 'x'.matches(string(a) + '|' + string(b) + '|x')))",
      { l: items },
      /takes more than/,
    ],
    'long strings that are compared': [
      'event.l.all(a, event.s != event.t)',
      { l: items, s: 'x'.repeat(100_000), t: `${'x'.repeat(99_999)}y` },
      /takes more than/,
    ],
    'large lists that are compared': ['event.l.all(a, event.l + [1] != event.l)', { l: numbers(1_001) }, /takes more than/],
    'a string that is searched for a long one': [
      'event.s.contains(event.t)',
      { s: 'x'.repeat(10_000_000), t: `${'x'.repeat(1_000)}y` },
      /takes more than/,
    ],
    'errors that are passed over': ['event.l.exists(a, event.l.exists(b, 1 / 0 > a))', { l: items }, /takes more than/],
    'a large body': [
      `event.l.all(a, event.l.all(b, ${Array.from({ length: 200 }, () => 'a + b >= 0').join(' && ')}))`,
      { l: items.slice(0, 500) },
      /takes more than/,
    ],
  };
  test.each(Object.entries(cases))('%s', (_, [text, event, what]) => {
    const started = performance.now();
    expect(costError(text, event).message).toMatch(what);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

/** A value that is added to itself over and over. */
function doubled(value: string, times: number): string {
  return times === 0 ? 'v0' : `cel.bind(v0, ${value}, ${nested(times)})`;
}

function nested(times: number): string {
  return Array.from({ length: times }).reduceRight<string>(
    (inner, _, at) => `cel.bind(v${at + 1}, v${at} + v${at}, ${inner})`,
    `v${times}`,
  );
}

test('what an ordinary expression costs is far from the limit', () => {
  const event = { lines: numbers(1_000).map((count) => ({ sku: `sku-${count}`, count })) };
  const limits = { steps: 20_000, bytes: 200_000 };
  const text = "merge(event, {'big': event.lines.filter(l, l.count > 10 && l.sku.startsWith('sku')).map(l, l.sku)})";
  expect(evaluate(text, event, limits)).toBeDefined();
});

test('an error of cost cannot be passed over', () => {
  const limits = { ...DEFAULT_LIMITS, steps: 5 };
  for (const text of [
    'true || event.l.all(a, true)',
    'event.l.all(a, true) || true',
    'event.l.exists(a, event.l.all(b, true) || a == 0)',
  ]) {
    if (text.startsWith('true')) expect(evaluate(text, { l: numbers(10) }, limits)).toBe(true);
    else expect(costError(text, { l: numbers(10) }, limits).code).toBe('cost');
  }
});
