import { setImmediate as tick } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { batch, copying, FakeBroker, type Run, type Running, running, taskOn } from '../../test/support/fake-task.ts';
import { soon } from '../../test/support/soon.ts';
import { WorkerError } from '../errors.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('task', () => {
  test('reads nothing until its predecessor is fenced and its position is read after that', async () => {
    const { broker } = await running();
    expect(broker.calls).toEqual(['fence', 'committed', 'activate', 'seek 0', 'resume']);
  });

  test('waits for its earlier instance in this process before it fences', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { task, broker } = taskOn(new FakeBroker(), { origin: { before: promise } });
    await new Promise(setImmediate);
    expect(broker.calls).toEqual([]);
    resolve();
    await soon(() => task.state).toBe('RUNNING');
  });

  test('after a while a join proves nothing any more: the membership is proven before fencing', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { task, broker, timing } = taskOn(new FakeBroker(), { origin: { before: promise } });
    timing.pass(2_000);
    resolve();
    await soon(() => task.state).toBe('RUNNING');
    expect(broker.calls.slice(0, 2)).toEqual(['prove', 'fence']);
  });

  test('writes outputs, then offsets, then commits', async () => {
    const { task, broker } = await running();
    task.offer(batch(0, ['a', 'b']));
    await soon(() => broker.offset).toBe(2n);
    expect(broker.committed).toEqual(['a', 'b']);
    expect(broker.calls.slice(-3)).toEqual(['send', 'offsets', 'commit']);
  });

  test('handles the next records while a transaction commits, and writes them after it', async () => {
    const handled: string[] = [];
    const run: Run = async (records, limits) => {
      handled.push(...records.map(({ value }) => String(value)));
      return copying(records, limits);
    };
    const { task, broker } = await running(new FakeBroker(), { run });
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.before.commit = () => promise;
    task.offer(batch(0, ['a']));
    await soon(() => broker.calls.at(-1)).toBe('commit');
    task.offer(batch(1, ['b']));
    await soon(() => handled).toEqual(['a', 'b']);
    expect(broker.calls.filter((call) => call === 'send')).toHaveLength(1);
    resolve();
    await soon(() => broker.committed).toEqual(['a', 'b']);
  });

  test('what was handled while a transaction failed is worked again, behind it', async () => {
    const { task, broker } = await running();
    const { promise, reject } = Promise.withResolvers<void>();
    broker.before.commit = () => promise;
    task.offer(batch(0, ['a']));
    await soon(() => broker.calls.at(-1)).toBe('commit');
    task.offer(batch(1, ['b']));
    broker.before = {};
    reject(new Error('no answer'));
    await soon(() => broker.calls.filter((call) => call === 'fence')).toHaveLength(2);
    await soon(() => task.state).toBe('RUNNING');
    expect(broker.committed).toEqual([]);
    task.offer(batch(0, ['a', 'b']));
    await soon(() => broker.committed).toEqual(['a', 'b']);
  });

  test('a batch of control records moves the offset alone', async () => {
    const { task, broker } = await running();
    task.offer({ ...batch(0, []), nextOffset: 3n });
    await soon(() => broker.offset).toBe(3n);
    expect(broker.calls.slice(-2)).toEqual(['offsets', 'commit']);
  });

  describe('a defect of ours', () => {
    const defect = () => new WorkerError('defect', 'transient', 'in/0, offset 0, met a defect', { cause: new TypeError('undefined') });
    const meeting = (defects: number): Run => {
      let runs = 0;
      return (records, limits) => (runs++ < defects ? Promise.reject(defect()) : copying(records, limits));
    };
    /** The broker hands out again whatever is not committed. */
    async function feed({ task, broker, fatal }: Running, values: readonly string[]): Promise<void> {
      let startsFed = 0;
      await soon(() => {
        const starts = broker.calls.filter((call) => call === 'resume').length;
        if (task.state === 'RUNNING' && starts > startsFed) task.offer(batch(Number(broker.offset), values.slice(Number(broker.offset))));
        startsFed = starts;
        return broker.committed.length === values.length || fatal.length > 0;
      }).toBe(true);
    }

    test('starts the task again and commits nothing', async () => {
      const started = await running(new FakeBroker(), { run: meeting(2) });
      await feed(started, ['a']);
      expect(started.broker.committed).toEqual(['a']);
      expect(started.fatal).toEqual([]);
      expect(started.broker.calls.filter((call) => call === 'fence')).toHaveLength(3);
    });

    test('ends the process the third time in a row', async () => {
      const started = await running(new FakeBroker(), { run: meeting(3) });
      await feed(started, ['a']);
      expect(started.fatal).toMatchObject([
        {
          code: 'defect',
          consequence: 'fatal',
          message: expect.stringMatching(/^task 0 failed 3 times in a row, .*in\/0, offset 0/) as string,
        },
      ]);
      expect(started.task.state).toBe('LOST');
      expect(started.broker.committed).toEqual([]);
    });

    test('counts from zero after a commit', async () => {
      let runs = 0;
      const run: Run = (records, limits) => (runs++ % 3 < 2 ? Promise.reject(defect()) : copying(records, limits));
      const started = await running(new FakeBroker(), { run });
      await feed(started, ['a']);
      await feed(started, ['a', 'b']);
      expect(started.broker.committed).toEqual(['a', 'b']);
      expect(started.fatal).toEqual([]);
    });
  });

  test('takes nothing before it runs, when lost or when draining', async () => {
    const starting = taskOn(new FakeBroker());
    starting.task.offer(batch(0, ['early']));
    await soon(() => starting.task.state).toBe('RUNNING');
    starting.task.offer(batch(0, ['a']));
    await soon(() => starting.broker.committed).toEqual(['a']);
    for (const end of ['lose', 'drain'] as const) {
      const { task, broker } = await running();
      task[end]();
      task.offer(batch(0, ['a']));
      await task.done;
      expect(broker.committed).toEqual([]);
    }
  });

  test('lost in the middle of a transaction it commits nothing, and ends', async () => {
    const { task, broker } = await running();
    broker.before.offsets = () => task.lose();
    task.offer(batch(0, ['a']));
    await task.done;
    expect({ offset: broker.offset, committed: broker.committed, state: task.state }).toEqual({ offset: 0n, committed: [], state: 'LOST' });
    expect(broker.calls.at(-1)).toBe('discard');
    expect(broker.calls.filter((call) => call === 'discard')).toHaveLength(1);
  });

  test.each(['lose', 'drain'] as const)('ends when told to %s during its last commit', async (how) => {
    const { task, broker } = await running();
    broker.before.commit = () => task[how]();
    task.offer(batch(0, ['a']));
    await task.done;
    expect(broker.committed).toEqual(['a']);
  });

  test('draining finishes what is under way and takes nothing more', async () => {
    const { task, broker } = await running();
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.before.commit = () => promise;
    task.offer(batch(0, ['a']));
    await soon(() => broker.calls.at(-1)).toBe('commit');
    task.offer(batch(1, ['b']));
    task.drain();
    resolve();
    await task.done;
    expect(broker.committed).toEqual(['a']);
  });

  test('after an error the producer is dropped, membership proven, and the offsets say where to go on', async () => {
    const { task, broker } = await running();
    broker.before.commit = () => {
      delete broker.before.commit;
      throw new Error('connection closed');
    };
    task.offer(batch(0, ['a', 'b']));
    await soon(() => broker.calls.slice(-9)).toEqual([
      'commit',
      'discard',
      'pause',
      'prove',
      'fence',
      'committed',
      'activate',
      'seek 0',
      'resume',
    ]);
    task.offer(batch(0, ['a', 'b']));
    await soon(() => broker.committed).toEqual(['a', 'b']);
  });

  test('it starts again when a commit is not visible, also where no record follows', async () => {
    const { task, broker } = await running();
    broker.before.settle = () => {
      delete broker.before.settle;
      throw new WorkerError('markers-missing', 'systemic', 'a marker is missing');
    };
    task.offer(batch(0, ['a']));
    await soon(() => broker.calls.filter((call) => call === 'fence')).toHaveLength(2);
    await soon(() => task.state).toBe('RUNNING');
    expect(broker.committed).toEqual(['a']);
  });

  test('one that is stopped waits until its last commit is visible', async () => {
    const { task, broker } = await running();
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.before.settle = () => promise;
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    let isDone = false;
    const done = task.done.then(() => {
      isDone = true;
    });
    task.drain();
    await soon(() => broker.calls.at(-1)).toBe('pause');
    for (let at = 0; at < 20; at++) await tick();
    expect([isDone, broker.calls.at(-1)]).toEqual([false, 'pause']);
    resolve();
    await done;
    expect(broker.calls.at(-1)).toBe('discard');
  });

  test('a transaction that only an administrator can end is a state of its own, until it is ended', async () => {
    const broker = new FakeBroker();
    broker.before.fence = async () => {
      await tick();
      throw new WorkerError('hung-transaction', 'systemic', 'out/0 holds a transaction open');
    };
    const { task } = taskOn(broker);
    await soon(() => task.state).toBe('HUNG');
    delete broker.before.fence;
    await soon(() => task.state).toBe('RUNNING');
  });

  test('an unknown commit that was done is not done again', async () => {
    const { task, broker } = await running();
    broker.before.commit = () => {
      delete broker.before.commit;
      broker.committed.push('a');
      broker.offset = 1n;
      throw new Error('no answer');
    };
    task.offer(batch(0, ['a']));
    await soon(() => broker.calls.filter((call) => call === 'resume').length).toBe(2);
    expect(broker.calls.at(-2)).toBe('seek 1');
    task.offer(batch(1, ['b']));
    await soon(() => broker.committed).toEqual(['a', 'b']);
  });

  test('fenced by another owner it stays out until its membership is proven', async () => {
    const { task, broker } = await running();
    await broker.driver.fenceTask(0, () => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.before.prove = () => promise;
    task.offer(batch(0, ['a']));
    await soon(() => broker.calls.at(-1)).toBe('prove');
    expect(task.state).toBe('FENCING');
    task.lose();
    resolve();
    await task.done;
    expect(broker.committed).toEqual([]);
  });

  test('what no record can be blamed for is tried again without giving the transaction up', async () => {
    let failures = 3;
    const run: Run = async (records, limits) => {
      if (failures-- > 0) throw new WorkerError('no-schema', 'systemic', 'the registry is away');
      return copying(records, limits);
    };
    const { task, broker } = await running(new FakeBroker(), { run });
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    expect(broker.calls.filter((call) => call === 'fence')).toHaveLength(1);
  });

  test('no offsets of the group at all ends the process', async () => {
    const broker = new FakeBroker();
    broker.offset = null;
    const { task, fatal } = taskOn(broker);
    await task.done;
    expect(fatal).toEqual([expect.objectContaining({ code: 'offsets-missing' })]);
  });

  test('over the high mark it pauses, and resumes from where it was when it has caught up', async () => {
    const { task, broker } = await running();
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.before.commit = () => promise;
    task.offer(batch(0, ['a']));
    await soon(() => broker.calls.at(-1)).toBe('commit');
    task.offer(batch(1, ['b'], 2_000));
    expect(broker.calls.at(-1)).toBe('pause');
    resolve();
    await soon(() => broker.committed).toEqual(['a', 'b']);
    expect(broker.calls.slice(broker.calls.lastIndexOf('pause'))).toEqual(['pause', 'resume', 'send', 'offsets', 'commit']);
  });

  test('records that the broker dropped are passed over, also where none follow', async () => {
    const { task, broker } = await running();
    task.moveTo('in', 5n);
    await soon(() => broker.offset).toBe(5n);
    expect(broker.calls).toContain('seek 5');
    task.offer(batch(5, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
  });

  test('keeps nothing of the transactions that it has written', async () => {
    const { task, broker } = await running();
    const heapAfter = async (transactions: number) => {
      for (let at = 0; at < transactions; at++) {
        const next = broker.offset!;
        task.offer({ ...batch(Number(next), []), nextOffset: next + 1n });
        while (broker.offset === next) await new Promise(setImmediate);
      }
      broker.calls.length = 0;
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await heapAfter(2_000);
    expect((await heapAfter(4_000)) - before).toBeLessThan(4_000 * 100);
  });

  test('told to start again while it waits for the registry it does so at once', async () => {
    const run: Run = async () => {
      throw new WorkerError('no-schema', 'systemic', 'the registry is away');
    };
    const { task, broker, timing } = await running(new FakeBroker(), { run });
    timing.wait = (_ms, signal) =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () => resolve());
      });
    task.offer(batch(0, ['a']));
    await new Promise(setImmediate);
    task.startAgain(new WorkerError('markers-missing', 'systemic', 'the last transaction is not visible'));
    await soon(() => broker.calls).toContain('discard');
  });

  test('told that its topic is another one it starts again, also while it has nothing to do', async () => {
    const { task, broker } = await running();
    task.startAgain(new WorkerError('topic-recreated', 'systemic', 'topic in was created again'));
    await soon(() => broker.calls.filter((call) => call === 'fence')).toHaveLength(2);
    await soon(() => task.state).toBe('RUNNING');
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
  });

  test('keeps nothing of a record that is committed: its bytes hold the whole answer that they came in', async () => {
    const { task, broker } = await running();
    const offerOne = () => {
      const only = batch(0, ['a']);
      task.offer(only);
      return new WeakRef(only.records[0]!.value!);
    };
    const value = offerOne();
    await soon(() => broker.offset).toBe(1n);
    await soon(() => {
      collectGarbage();
      return value.deref();
    }).toBeUndefined();
  });

  test('is stuck when a commit is never answered, and not while it has nothing to do', async () => {
    const { task, broker, timing } = await running();
    timing.pass(600_000);
    expect(task.isStuck).toBe(false);
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.before.commit = () => promise;
    task.offer(batch(0, ['a']));
    await soon(() => broker.calls).toContain('commit');
    expect(task.isStuck).toBe(false);
    timing.pass(180_000);
    expect(task.isStuck).toBe(false);
    timing.pass(1);
    expect(task.isStuck).toBe(true);
    resolve();
    await soon(() => task.isStuck).toBe(false);
    expect(broker.committed).toEqual(['a']);
  });
});
