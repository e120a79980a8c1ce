import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Gate } from './gate.ts';

test('many share it, one that has to be alone waits for them, and those who come later wait for it', async () => {
  const gate = new Gate();
  const inside: string[] = [];
  const leaves = new Map<string, () => void>();
  const enter = (name: string, entering: Promise<() => void>) => void entering.then((leave) => {
    inside.push(name);
    leaves.set(name, leave);
  });
  enter('a', gate.share());
  enter('b', gate.share());
  enter('alone', gate.alone());
  enter('late', gate.share());
  enter('alone too', gate.alone());
  await tick();
  expect(inside).toEqual(['a', 'b']);
  leaves.get('a')!();
  await tick();
  expect(inside).toEqual(['a', 'b']);
  leaves.get('b')!();
  await tick();
  expect(inside).toEqual(['a', 'b', 'alone']);
  leaves.get('alone')!();
  await tick();
  expect(inside).toEqual(['a', 'b', 'alone', 'late']);
  leaves.get('late')!();
  await tick();
  expect(inside.at(-1)).toBe('alone too');
});
