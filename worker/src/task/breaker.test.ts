import { expect, test } from 'vitest';
import { commonestCause, isTripped, NO_STREAK, withDeadLetter } from './breaker.ts';

const letters = (...keys: string[]) =>
  keys.reduce(
    (streak, key) => withDeadLetter(streak, { key, cause: 'decode: schema-unknown', message: `no schema for ${key}` }),
    NO_STREAK,
  );

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

test('no more keys are held than are needed to know that it is not one alone', () => {
  expect([...letters('a', 'b', 'c', 'd', 'e').keys]).toEqual(['a', 'b', 'c']);
});

test('the commonest cause is named, with what the last of its dead letters said', () => {
  const streak = withDeadLetter(letters('a', 'b'), { key: 'c', cause: 'handle: evaluation', message: 'no such key' });
  expect(commonestCause(streak)).toEqual({ cause: 'decode: schema-unknown', count: 2, message: 'no schema for b' });
});

test('of causes that are as common the first is named, and a later one where it is commoner', () => {
  const later = { key: 'z', cause: 'handle: evaluation', message: 'no such key' };
  const once = withDeadLetter(letters('a'), later);
  expect(commonestCause(once)).toMatchObject({ cause: 'decode: schema-unknown', count: 1 });
  expect(commonestCause(withDeadLetter(once, later))).toMatchObject({ cause: 'handle: evaluation', count: 2 });
});
