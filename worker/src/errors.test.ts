import { expect, test } from 'vitest';
import { consequenceOf, messageOf, WorkerError } from './errors.ts';

test('a message tells each cause once, and of each only its first line', () => {
  const cause = new Error('field "x" is missing\n\n>  1 | event.x\n                ^');
  expect(messageOf(new Error('cannot encode', { cause: new Error('field "x" is missing', { cause }) }))).toBe('cannot encode: field "x" is missing');
});

test('an error without a consequence has the one that the caller gives it', () => {
  expect(consequenceOf(new WorkerError('no-schema', 'systemic', 'no schema'), 'permanent')).toBe('systemic');
  expect(consequenceOf(new TypeError('x is not a function'), 'permanent')).toBe('permanent');
});
