/** How a task begins and ends, in the order that protects what its owners before and after it do. */
import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FakeGroup } from '../../test/support/fake-group.ts';
import { batch, copying, FakeBroker, type Run, running, taskOn } from '../../test/support/fake-task.ts';
import { soon } from '../../test/support/soon.ts';
import { WorkerError } from '../errors.ts';

type Call = keyof FakeBroker['before'];
const ORDER: Call[] = ['fence', 'committed', 'end', 'activate'];
const ENDED = { isHandedOver: false };
const isAway = () => new WorkerError('no-schema', 'systemic', 'the registry is away');
const never = () => new Promise<void>(() => undefined);
const untilAborted = (_ms: number, signal?: AbortSignal) =>
  new Promise<void>((resolve) => {
    signal?.addEventListener('abort', () => resolve());
  });

async function ticks(): Promise<void> {
  for (let at = 0; at < 20; at++) await tick();
}

describe('a task that begins', () => {
  test.each(ORDER)('does nothing else before the answer to %s', async (call) => {
    const broker = new FakeBroker();
    broker.before[call] = never;
    const { task } = taskOn(broker, { origin: ENDED });
    await ticks();
    expect(broker.calls).toEqual(ORDER.slice(0, ORDER.indexOf(call) + 1));
    expect([task.isReady, task.isStuck]).toEqual([false, false]);
  });

  test.each(['fence', 'end', 'activate'] as const)('goes no further where it is lost during %s', async (call) => {
    const broker = new FakeBroker();
    const { task, logged } = taskOn(broker, { origin: ENDED });
    broker.before[call] = () => task.lose();
    await task.done;
    expect(broker.calls.slice(0, -1)).toEqual([...ORDER.slice(0, ORDER.indexOf(call) + 1), 'release']);
    expect([broker.calls.at(-1), logged]).toEqual(['discard', []]);
  });

  test('proves its membership again where reads took long, and waits for that', async () => {
    const broker = new FakeBroker();
    const { timing } = taskOn(broker);
    broker.before.committed = () => timing.pass(1_001);
    broker.before.prove = never;
    await ticks();
    expect(broker.calls).toEqual(['fence', 'committed', 'prove']);
  });

  test('does not fence where it is lost while it proves its membership', async () => {
    const broker = new FakeBroker();
    const { task, timing } = taskOn(broker);
    timing.pass(1_001);
    broker.before.prove = () => task.lose();
    await task.done;
    expect(broker.calls).toEqual(['prove', 'release']);
  });

  test('takes a proof of a second ago for one', async () => {
    const broker = new FakeBroker();
    const { timing } = taskOn(broker);
    broker.before.committed = () => timing.pass(1_000);
    await soon(() => broker.calls).toEqual(['fence', 'committed', 'activate', 'seek 0', 'resume']);
  });

  test('counts the age of a proof from when it was asked for', async () => {
    const broker = new FakeBroker();
    const { timing } = taskOn(broker);
    broker.before.prove = () => timing.pass(2_000);
    timing.pass(1_001);
    await soon(() => broker.calls.slice(0, 5)).toEqual(['prove', 'fence', 'committed', 'prove', 'activate']);
  });

  test('stays one that only an administrator can help until it is fenced', async () => {
    const broker = new FakeBroker();
    const { task } = taskOn(broker);
    const seen: string[] = [];
    broker.before.fence = () => {
      seen.push(task.state);
      if (seen.length < 3) throw new WorkerError('hung-transaction', 'systemic', 'out/0 holds a transaction open');
    };
    await soon(() => task.state).toBe('RUNNING');
    expect(seen).toEqual(['FENCING', 'HUNG', 'HUNG']);
  });

  test('suspects nothing where nothing came since', async () => {
    const broker = new FakeBroker();
    broker.endOffset = 0n;
    const taken: number[] = [];
    const run: Run = (records, limits) => {
      taken.push(records.length);
      return copying(records, limits);
    };
    const { task } = await running(broker, { run, origin: ENDED });
    task.offer(batch(0, ['a', 'b', 'c']));
    await soon(() => taken).toEqual([3]);
  });

  test('takes nothing that was deleted for a position before it runs', () => {
    const { task, broker } = taskOn(new FakeBroker());
    task.moveTo('in', 5n);
    expect(broker.calls).toEqual([]);
  });

  test('tells the positions of all of its topics', async () => {
    const group = new FakeGroup();
    await group.join([], { tasks: new Map([[0, ['in', 'more']]]) });
    expect(group.tasks.knownPositions()).toEqual(['in', 'more'].map((topic) => ({ topic, partition: 0, offset: 5n })));
  });

  test('is stopped where it was in one of its topics, and tries one record', async () => {
    const group = new FakeGroup();
    group.committed.set('in/0', { topic: 'in', partition: 0, offset: 5n, note: 'stopped:now' });
    await group.join([], { tasks: new Map([[0, ['in', 'more']]]) });
    group.offer(0, 10);
    await soon(() => group.taken).toEqual(['0: 1', '0: 1', '0: 8']);
  });
});

describe('tasks that have to be alone', () => {
  test('wait for one that begins', async () => {
    const broker = new FakeBroker();
    broker.before.fence = never;
    const { gate } = taskOn(broker);
    let isIn = false;
    void gate.alone(3).then(() => {
      isIn = true;
    });
    await ticks();
    expect(isIn).toBe(false);
  });

  test('do not wait for one that runs and suspects nothing', async () => {
    const { gate } = await running();
    (await gate.alone(3))();
  });

  test('wait for one that suspects a record until it has taken it', async () => {
    const { task, gate, broker } = await running(new FakeBroker(), { origin: ENDED });
    let isIn = false;
    void gate.alone(9).then(() => {
      isIn = true;
    });
    await ticks();
    expect(isIn).toBe(false);
    task.offer(batch(0, ['a']));
    await soon(() => isIn).toBe(true);
    expect(broker.committed).toEqual([]);
  });

  test('do not wait for one that was lost before it could begin', async () => {
    const broker = new FakeBroker();
    const { task, gate } = taskOn(broker);
    broker.before.fence = () => task.lose();
    await task.done;
    (await gate.alone(3))();
  });

  test('do not wait for one that failed to begin', async () => {
    const broker = new FakeBroker();
    const { gate, timing } = taskOn(broker);
    timing.wait = untilAborted;
    broker.before.fence = () => {
      throw isAway();
    };
    (await gate.alone(3))();
  });
});

describe('a task that is over', () => {
  test.each(['lose', 'drain'] as const)('ends at once on %s while it waits for the registry', async (how) => {
    const { task, broker, timing } = await running(new FakeBroker(), {
      run: async () => {
        throw isAway();
      },
    });
    const waiting = Promise.withResolvers<void>();
    timing.wait = (ms, signal) => {
      waiting.resolve();
      return untilAborted(ms, signal);
    };
    task.offer(batch(0, ['a']));
    await waiting.promise;
    task[how]();
    await task.done;
    expect(broker.calls.at(-1)).toBe('discard');
  });

  test.each(['lose', 'drain'] as const)('ends at once on %s before it is tried again', async (how) => {
    const broker = new FakeBroker();
    broker.before.fence = () => {
      throw isAway();
    };
    const { task, timing } = taskOn(broker);
    const waiting = Promise.withResolvers<void>();
    timing.wait = (ms, signal) => {
      waiting.resolve();
      return untilAborted(ms, signal);
    };
    await waiting.promise;
    task[how]();
    await task.done;
    expect(broker.calls.filter((call) => call === 'fence')).toHaveLength(1);
  });

  test.each(['lose', 'drain'] as const)('ends at once on %s while it is stopped', async (how) => {
    const { task, timing } = await running(new FakeBroker(), { settings: { stopAfter: 1 } });
    timing.wait = untilAborted;
    task.offer(batch(0, ['bad 1', 'bad 2', 'bad 3']));
    await soon(() => task.state).toBe('STOPPED');
    task[how]();
    await task.done;
    expect(task.stopReason).toBeNull();
  });

  test('lost it forgets what its topics refused, and does not wait until its last commit is visible', async () => {
    const { task, broker, sizeLimits } = await running();
    broker.before.settle = never;
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    expect(sizeLimits.forgotten).toEqual([]);
    task.lose();
    await task.done;
    expect(sizeLimits.forgotten).toEqual([0]);
  });

  test('drained its partitions are paused, before what is under way is written', async () => {
    const { task, broker } = await running();
    const committing = Promise.withResolvers<void>();
    broker.before.commit = () => {
      committing.resolve();
      return never();
    };
    task.offer(batch(0, ['a']));
    await committing.promise;
    task.drain();
    expect([broker.calls.at(-1), task.state]).toEqual(['pause', 'DRAINING']);
  });

  test('drained it says where its last commit does not become visible, and ends', async () => {
    const { task, broker, logged } = await running();
    const settling = Promise.withResolvers<void>();
    broker.before.settle = () => settling.promise;
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    task.drain();
    await ticks();
    settling.reject(new WorkerError('markers-missing', 'systemic', 'a marker is missing'));
    await task.done;
    expect(logged).toEqual([
      { level: 40, task: 0, reason: 'a marker is missing', msg: 'the last transaction becomes visible when the step starts again' },
    ]);
  });

  test('is at rest where its last transaction is written, and not where it never began', async () => {
    const { task, broker } = await running();
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    task.drain();
    await task.done;
    const starting = taskOn(new FakeBroker());
    starting.task.drain();
    await starting.task.done;
    expect([task.isAtRest, starting.task.isAtRest, starting.logged]).toEqual([true, false, []]);
  });

  test('its end is that of its producer', async () => {
    const { task, broker } = await running();
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.before.discard = () => promise;
    let isDone = false;
    const done = task.done.then(() => {
      isDone = true;
    });
    task.lose();
    await ticks();
    expect(isDone).toBe(false);
    resolve();
    await done;
  });
});
