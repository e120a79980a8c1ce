import { expect, test } from 'vitest';
import { commonestCause, isTripped, NO_STREAK, withDeadLetter } from './breaker.ts';

const letters = (...keys: string[]) => keys.reduce((streak, key) => withDeadLetter(streak, { key, cause: 'decode: schema-unknown', message: `no schema for ${key}` }), NO_STREAK);

const CASES: Record<string, [keys: string[], stopAfter: number, isTripped: boolean]> = {
  'so many of three keys': [['a', 'b', 'c', 'a'], 4, true],
  'one less': [['a', 'b', 'c'], 4, false],
  'of two keys, however many': [['a', 'b', 'a', 'b', 'a', 'b'], 4, false],
  'of a third key at last': [['a', 'b', 'a', 'b', 'a', 'b', 'c'], 4, true],
  'never, if it is to go on whatever comes': [['a', 'b', 'c', 'd'], 0, false],
  'one is enough only of three keys': [['a'], 1, false],
};

test.each(Object.entries(CASES))('%s', (_sentence, [keys, stopAfter, tripped]) => {
  expect(isTripped(letters(...keys), stopAfter)).toBe(tripped);
});

test('the commonest cause is named, with what the last of its dead letters said', () => {
  const streak = withDeadLetter(letters('a', 'b'), { key: 'c', cause: 'handle: evaluation', message: 'no such key' });
  expect(commonestCause(streak)).toEqual({ cause: 'decode: schema-unknown', count: 2, message: 'no schema for b' });
});
