import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('a turn is over after some milliseconds, and the next one begins anew', async () => {
  let now = 0;
  const turns = new Turns(() => now);
  expect(turns.isOverAt(now)).toBe(false);
  now = 10;
  expect(turns.isOverAt(now)).toBe(true);
  await turns.next();
  expect(turns.isOverAt(now)).toBe(false);
});

test('turns are given in the order in which they were asked for, and sockets are looked at between them', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const rounds = (name: string) =>
    turns.next().then(() => {
      seen.push(name);
    });
  const all = [rounds('a'), rounds('b'), rounds('c')];
  // The loop looks at timers and sockets each time before it comes to immediates
  const watch = (left: number): void => {
    if (left > 0)
      setImmediate(() => {
        seen.push('-');
        watch(left - 1);
      });
  };
  watch(4);
  await Promise.all(all);
  expect(seen.filter((each) => each !== '-')).toEqual(['a', 'b', 'c']);
  expect(seen.join('').replaceAll(/--+/g, '-')).toMatch(/a-b-c/);
});
