import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Gate } from './gate.ts';

/** Who is inside, in the order in which they came in. */
class Visitors {
  readonly gate: Gate;
  readonly inside: string[] = [];
  readonly #leaves = new Map<string, () => void>();

  constructor(deadline: () => Promise<void> = () => new Promise(() => undefined)) {
    this.gate = new Gate(deadline);
  }

  enter(name: string, entering: Promise<() => void>): void {
    void entering.then((leave) => {
      this.inside.push(name);
      this.#leaves.set(name, leave);
    });
  }

  async leave(name: string): Promise<string[]> {
    this.#leaves.get(name)!();
    await tick();
    return this.inside;
  }
}

test('many share it, one that has to be alone waits for them, and those who come later wait for it', async () => {
  const visitors = new Visitors();
  const { gate } = visitors;
  visitors.enter('a', gate.share());
  visitors.enter('b', gate.share());
  visitors.enter('alone', gate.alone(2));
  visitors.enter('late', gate.share());
  visitors.enter('alone too', gate.alone(2));
  await tick();
  expect(visitors.inside).toEqual(['a', 'b']);
  expect(await visitors.leave('a')).toEqual(['a', 'b']);
  expect((await visitors.leave('b')).at(-1)).toBe('alone');
  expect((await visitors.leave('alone')).at(-1)).toBe('late');
  expect((await visitors.leave('late')).at(-1)).toBe('alone too');
});

test('a record that ended a worker before goes first, the most suspected before the others', async () => {
  const visitors = new Visitors();
  const { gate } = visitors;
  visitors.enter('first', gate.alone(2));
  visitors.enter('shared', gate.share());
  visitors.enter('third time', gate.alone(3));
  visitors.enter('fourth time', gate.alone(4));
  await tick();
  for (const next of ['fourth time', 'third time', 'shared']) expect((await visitors.leave(visitors.inside.at(-1)!)).at(-1)).toBe(next);
});

test('those who have to be alone wait until all have come that are expected; others do not wait', async () => {
  const visitors = new Visitors();
  const { gate } = visitors;
  const [comes, staysAway] = [gate.expect(), gate.expect()];
  visitors.enter('second time', gate.alone(2));
  visitors.enter('shared', gate.share());
  await tick();
  expect(await visitors.leave('shared')).toEqual(['shared']);
  visitors.enter('third time', gate.alone(3));
  comes();
  comes();
  await tick();
  expect(visitors.inside).toEqual(['shared']);
  staysAway();
  await tick();
  expect(visitors.inside.at(-1)).toBe('third time');
  expect((await visitors.leave('third time')).at(-1)).toBe('second time');
});

test('nobody waits longer than the deadline for one that does not come', async () => {
  const { promise: deadline, resolve: pass } = Promise.withResolvers<void>();
  const visitors = new Visitors(() => deadline);
  visitors.gate.expect();
  visitors.enter('alone', visitors.gate.alone(2));
  await tick();
  expect(visitors.inside).toEqual([]);
  pass();
  await tick();
  expect(visitors.inside).toEqual(['alone']);
});
