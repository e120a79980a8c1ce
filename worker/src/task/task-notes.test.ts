/** What a task notes for its next owner, and does about what it finds noted. */
import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { batch, copying, FakeBroker, type Options, type Run, type Running, running } from '../../test/support/fake-task.ts';
import { soon } from '../../test/support/soon.ts';
import { WorkerError } from '../errors.ts';
import type { Task } from './task.ts';

describe('a worker that ended', () => {
  /** What a worker that ends here leaves behind: a task that never comes any further. */
  async function ended(broker: FakeBroker, values: readonly string[]): Promise<string | null> {
    const run: Run = (records, limits) =>
      records.some(({ value }) => String(value) === 'poison') && !limits.hasEndedWorkers
        ? new Promise(() => undefined)
        : copying(records, limits);
    const { task } = await running(broker, { run, origin: { isHandedOver: false } });
    const from = Number(broker.offset);
    task.offer(batch(from, values.slice(from)));
    let last = -1n;
    await soon(async () => {
      const before = last;
      last = broker.offset!;
      for (let at = 0; at < 20; at++) await tick();
      return before === broker.offset;
    }).toBe(true);
    return broker.note;
  }

  const lives = async (broker: FakeBroker, values: readonly string[], count: number) => {
    const seen: [string | null, bigint | null][] = [];
    for (let nth = 0; nth < count; nth++) seen.push([await ended(broker, values), broker.offset]);
    return seen;
  };

  test('shows the record that ends it: the third worker is the last, and nobody else stops', async () => {
    const broker = new FakeBroker();
    broker.note = null;
    broker.endOffset = 3n;
    expect(await lives(broker, ['poison', 'b', 'c'], 4)).toEqual([
      ['attempt:1', 0n],
      ['attempt:2,records:1', 0n],
      ['attempt:3,records:1', 0n],
      ['attempt:1', 3n],
    ]);
    expect(broker.committed).toEqual(['dead poison', 'b', 'c']);
  });

  test('shows it in the middle of others, with one worker more', async () => {
    const broker = new FakeBroker();
    broker.note = null;
    broker.endOffset = 5n;
    expect(await lives(broker, ['a', 'b', 'poison', 'd', 'e'], 5)).toEqual([
      ['attempt:1', 0n],
      ['attempt:2,records:2', 1n],
      ['attempt:2,records:1', 2n],
      ['attempt:3,records:1', 2n],
      ['attempt:1', 5n],
    ]);
    expect(broker.committed).toEqual(['a', 'b', 'dead poison', 'd', 'e']);
  });

  test('while the registry did not answer does not count against any record', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:2,records:1';
    let prepares = 0;
    const { task } = await running(broker, {
      prepare: () =>
        new Promise(() => {
          prepares++;
        }),
      origin: { isHandedOver: false },
    });
    task.offer(batch(0, ['a']));
    await soon(() => prepares).toBe(1);
    for (let at = 0; at < 20; at++) await tick();
    expect(broker.note).toBe('attempt:2,records:1');
  });

  test('while it wrote what became of a record shows little: twenty of them are needed', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:3,records:1,writes:15,processed';
    broker.before.send = () => new Promise(() => undefined);
    for (const writes of [16, 17, 18, 19]) {
      const { task } = await running(broker, { origin: { isHandedOver: false } });
      task.offer(batch(0, ['a']));
      await soon(() => broker.note).toBe(`attempt:3,records:1,writes:${writes},processed`);
    }
    delete broker.before.send;
    const { task } = await running(broker, { origin: { isHandedOver: false } });
    task.offer(batch(0, ['a', 'b']));
    await soon(() => broker.committed).toEqual(['dead a', 'b']);
  });

  test('is followed by one that writes nothing until it is noted that the record is processed', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:2,records:1';
    let commits = 0;
    broker.before.commit = () => (++commits < 2 ? undefined : new Promise(() => undefined));
    const { task } = await running(broker, { origin: { isHandedOver: false } });
    task.offer(batch(0, ['a']));
    await soon(() => commits).toBe(2);
    for (let at = 0; at < 20; at++) await tick();
    expect(broker.calls.filter((call) => call === 'send')).toEqual([]);
  });

  test('while records wait for the registry does not count against them', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:2,records:1';
    const run: Run = async () => {
      throw new WorkerError('no-schema', 'systemic', 'the registry is unavailable');
    };
    const { task, timing } = await running(broker, { run, origin: { isHandedOver: false } });
    const seen: (string | null)[] = [];
    timing.wait = (_ms, signal) => {
      seen.push(broker.note);
      return seen.length < 3
        ? Promise.resolve()
        : new Promise((resolve) => {
            signal?.addEventListener('abort', () => resolve());
          });
    };
    task.offer(batch(0, ['a']));
    await soon(() => seen).toEqual(['attempt:2,records:1', 'attempt:2,records:1', 'attempt:2,records:1']);
  });
});

describe('the breaker', () => {
  const bad = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `bad ${from + at}`);

  async function stopped(broker: FakeBroker, options: Options = {}): Promise<Running> {
    const started = await running(broker, options);
    const from = Number(broker.offset);
    started.task.offer(batch(from, ['good', ...bad(9)].slice(from)));
    await soon(() => started.task.state).toBe('STOPPED');
    return started;
  }

  test('stops the task behind so many dead letters in a row, and says what most of them are', async () => {
    const broker = new FakeBroker();
    const { task } = await stopped(broker);
    expect(broker.committed).toEqual(['good', ...bad(5).map((each) => `dead ${each}`)]);
    expect([broker.offset, broker.note, task.isReady]).toEqual([6n, 'stopped:now', true]);
    expect(task.stopReason).toBe('5 dead letters in a row, 5 of them handle: evaluation (no such key)');
    task.offer(batch(6, ['late']));
    task.drain();
    await task.done;
    expect([task.isAtRest, broker.offset]).toEqual([false, 6n]);
  });

  test('in its next process tries one record, and writes nothing if that fails too', async () => {
    const broker = new FakeBroker();
    (await stopped(broker)).task.lose();
    const { task } = await stopped(broker, { settings: { maxRecords: 100 } });
    expect([broker.offset, broker.note]).toEqual([6n, 'stopped:now']);
    expect(task.stopReason).toBe('the first record after the stop is a dead letter too, handle: evaluation (no such key)');
  });

  test('in its next process tries a record, not the markers of a transaction before it', async () => {
    const broker = new FakeBroker();
    (await stopped(broker)).task.lose();
    const { task } = await running(broker);
    task.offer({ ...batch(6, []), nextOffset: 7n });
    await soon(() => broker.offset).toBe(7n);
    expect(broker.note).toBe('stopped:now');
    task.offer(batch(7, bad(1)));
    await soon(() => task.state).toBe('STOPPED');
    expect(broker.offset).toBe(7n);
  });

  test('in its next process goes on if that one succeeds', async () => {
    const broker = new FakeBroker();
    (await stopped(broker)).task.lose();
    const { task } = await running(broker);
    task.offer(batch(6, ['repaired', 'and more']));
    await soon(() => broker.offset).toBe(8n);
    expect(broker.note).toBe('attempt:1');
  });

  const GOES_ON: Record<string, (broker: FakeBroker) => Promise<Task>> = {
    'goes on where the settings changed': async (broker) => {
      (await stopped(broker)).task.lose();
      return (await running(broker, { settings: { settingsHash: 'changed' } })).task;
    },
    'goes on where somebody says so': async (broker) => {
      const { task } = await stopped(broker);
      broker.resumedAt = broker.offset;
      await soon(() => task.state).toBe('RUNNING');
      return task;
    },
  };

  test.each(Object.entries(GOES_ON))('%s, and counts from zero', async (_sentence, goOn) => {
    const broker = new FakeBroker();
    const task = await goOn(broker);
    expect(task.stopReason).toBeNull();
    task.offer(batch(6, bad(9)));
    await soon(() => task.state).toBe('STOPPED');
    expect(broker.offset).toBe(11n);
  });

  test('counts no dead letter twice that is written again', async () => {
    const broker = new FakeBroker();
    const { task } = await running(broker);
    broker.before.commit = () => {
      delete broker.before.commit;
      throw new Error('connection closed');
    };
    task.offer(batch(0, bad(4)));
    await soon(() => broker.calls.filter((call) => call === 'resume')).toHaveLength(2);
    task.offer(batch(0, [...bad(4), 'good']));
    await soon(() => broker.offset).toBe(5n);
    expect(task.state).toBe('RUNNING');
  });
});
