import { describe, expect, test } from 'vitest';
import { ExpressionError } from './errors.ts';
import { compileRule } from './rule.ts';

describe('a rule', () => {
  const self = { name: 'a', limits: { min: 1n, constructor: 'x' }, outcomes: { done: { emit: [{ topic: 't' }] }, failed: {} } };
  const cases: Record<string, [rule: string, holds: boolean]> = {
    holds: ['self.limits.min >= 1', true],
    'does not hold': ['self.limits.min > 1', false],
    'does not hold where it fails': ['self.limits.max > 1', false],
    'does not hold where it gives no bool': ['self.name', false],
    'sees a field that is there': ["self.outcomes['done'].?emit.hasValue()", true],
    'sees a field that is not there': ["self.outcomes['failed'].?emit.hasValue()", false],
    'goes on where a field is not there': ['self.?limits.?max.orValue(5) == 5 && self.?none.?max.orValue(6) == 6', true],
    'sees an item that is not there': ["!self.outcomes['done'].emit[?1].hasValue() && self.outcomes[?'done'].hasValue()", true],
    'fails on a value that is not there': ['self.?none.value() == 1', false],
    'takes the other of two': ["self.?none.or(self.?name).value() == 'a'", true],
    'sees a field of any name': ['has(self.limits.constructor) && !has(self.limits.toString)', true],
    'goes through the names of a map': ["self.outcomes.all(name, name.matches('^[a-z]+$'))", true],
  };
  test.each(Object.entries(cases))('%s', (_, [rule, holds]) => {
    expect(compileRule(rule)(self)).toBe(holds);
  });

  test('that is not CEL does not compile', () => {
    expect(() => compileRule('self.')).toThrow(ExpressionError);
    expect(() => compileRule('self.name.nothing()')).toThrow(/^unknown function "nothing"/);
  });
});
