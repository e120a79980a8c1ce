import { expect, test } from 'vitest';
import { messageOf } from './errors.ts';

test('a message tells each cause once, and of each only its first line', () => {
  const cause = new Error('field "x" is missing\n\n>  1 | event.x\n                ^');
  expect(messageOf(new Error('cannot encode', { cause: new Error('field "x" is missing', { cause }) }))).toBe(
    'cannot encode: field "x" is missing',
  );
});
