/** What a task does with records from one start to the next, while its transactions are under way. */
import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FakeGroup } from '../../test/support/fake-group.ts';
import { batch, copying, FakeBroker, type Options, type Run, type Running, running } from '../../test/support/fake-task.ts';
import { ListedBatch } from '../../test/support/listed-batch.ts';
import { soon } from '../../test/support/soon.ts';
import { RefusedBatch } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import { StageFailure } from '../pipeline/run-step.ts';
import { BatchSize } from './batch-size.ts';
import { NO_STREAK, withDeadLetter } from './breaker.ts';

const ENDED = { isHandedOver: false };
const again = new WorkerError('markers-missing', 'systemic', 'the last transaction is not visible', {
  cause: new Error('a marker is missing'),
});

async function ticks(): Promise<void> {
  for (let at = 0; at < 20; at++) await tick();
}

/** With how many records it took at a time. */
async function counting(broker = new FakeBroker(), options: Options = {}): Promise<Running & { taken: number[] }> {
  const taken: number[] = [];
  const run: Run = (records, limits) => {
    taken.push(records.length);
    return copying(records, limits);
  };
  return { ...(await running(broker, { run, ...options })), taken };
}

/** Holds the call from now on. */
function hold(broker: FakeBroker, call: 'commit' | 'send'): { held: Promise<void>; go(): void } {
  const [held, going] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  broker.before[call] = () => {
    held.resolve();
    return going.promise;
  };
  return { held: held.promise, go: going.resolve };
}

const timesOf = (broker: FakeBroker, call: string) => broker.calls.filter((each) => each === call).length;

async function restarted({ task, broker }: Running): Promise<void> {
  const starts = timesOf(broker, 'resume');
  task.startAgain(again);
  await soon(() => timesOf(broker, 'resume')).toBe(starts + 1);
}

describe('while there is more', () => {
  test('a task waits for the configured linger before it takes it, and not for the first', async () => {
    const { task, timing, taken } = await counting(new FakeBroker(), { settings: { lingerMs: 1 }, origin: { size: new BatchSize(1) } });
    const waits: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    timing.wait = (ms) => {
      waits.push(ms);
      return promise;
    };
    task.offer(batch(0, ['a', 'b']));
    await ticks();
    expect([taken, waits]).toEqual([[1], [1]]);
    resolve();
    await soon(() => taken).toEqual([1, 1]);
  });

  test('a task without a linger does not wait', async () => {
    const { task, timing, taken } = await counting(new FakeBroker(), { origin: { size: new BatchSize(1) } });
    const before = timing.now();
    timing.wait = () => new Promise(() => undefined);
    task.offer(batch(0, ['a', 'b']));
    await soon(() => taken).toEqual([1, 1]);
    expect(timing.now()).toBe(before);
  });
});

describe('what was handled while a transaction was under way', () => {
  test('is not written once the task is lost', async () => {
    const { task, broker, taken } = await counting();
    const { held, go } = hold(broker, 'commit');
    task.offer(batch(0, ['a']));
    await held;
    task.offer(batch(1, ['b']));
    await soon(() => taken).toEqual([1, 1]);
    task.lose();
    go();
    await task.done;
    expect([timesOf(broker, 'send'), timesOf(broker, 'offsets')]).toEqual([1, 1]);
  });

  test('is not written once the task has to start again', async () => {
    const { task, broker, taken } = await counting();
    const { held, go } = hold(broker, 'commit');
    task.offer(batch(0, ['a']));
    await held;
    task.offer(batch(1, ['b']));
    await soon(() => taken).toEqual([1, 1]);
    task.startAgain(again);
    go();
    await soon(() => timesOf(broker, 'resume')).toBe(2);
    expect(timesOf(broker, 'send')).toBe(1);
  });
});

test('records that are queued are not handled once the task has to start again', async () => {
  const { task, broker, taken } = await counting();
  task.offer(batch(0, ['a']));
  task.startAgain(again);
  await soon(() => timesOf(broker, 'resume')).toBe(2);
  expect(taken).toEqual([]);
});

test('the reason that is said to start again is the first', async () => {
  const { task, broker, logged } = await running();
  task.startAgain(again);
  task.startAgain(new WorkerError('topic-recreated', 'systemic', 'topic in was created again'));
  await soon(() => timesOf(broker, 'resume')).toBe(2);
  expect(logged).toEqual([
    { level: 40, task: 0, reason: expect.stringContaining('the last transaction is not visible') as string, msg: 'task starts again' },
  ]);
});

test('a task that has started again waits as before', async () => {
  const run: Run = async () => {
    throw new WorkerError('no-schema', 'systemic', 'the registry is away');
  };
  const started = await running(new FakeBroker(), { run });
  await restarted(started);
  const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
  started.timing.wait = (_ms, signal) => {
    resolve(signal?.aborted);
    return new Promise(() => undefined);
  };
  started.task.offer(batch(0, ['a']));
  expect(await promise).toBe(false);
});

test('a task that is drained ends only when its transaction does', async () => {
  const { task, broker } = await running();
  const { held, go } = hold(broker, 'commit');
  task.offer(batch(0, ['a']));
  await held;
  task.drain();
  await ticks();
  expect(timesOf(broker, 'discard')).toBe(0);
  go();
  await task.done;
  expect(broker.committed).toEqual(['a']);
});

describe('after a transaction that failed', () => {
  test('a batch holds half of its records', async () => {
    const { task, broker, taken } = await counting();
    broker.before.commit = () => {
      delete broker.before.commit;
      throw new Error('no answer');
    };
    const values = Array.from({ length: 40 }, (_, at) => `${at}`);
    task.offer(batch(0, values));
    await soon(() => timesOf(broker, 'resume')).toBe(2);
    task.offer(batch(0, values));
    await soon(() => taken.slice(0, 2)).toEqual([40, 20]);
  });

  test('the task begins again only once its producer is gone', async () => {
    const { task, broker } = await running();
    const { promise, resolve } = Promise.withResolvers<void>();
    broker.before.discard = () => promise;
    task.startAgain(again);
    await ticks();
    expect(broker.calls.at(-1)).toBe('discard');
    resolve();
    await soon(() => timesOf(broker, 'resume')).toBe(2);
  });
});

describe('while records are suspected', () => {
  test('none is taken before the transaction under way is written', async () => {
    const { task, broker, taken } = await counting(new FakeBroker(), { origin: ENDED });
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    const { held, go } = hold(broker, 'send');
    task.offer(batch(1, ['b', 'c', 'd']));
    await held;
    await ticks();
    expect([taken, broker.note]).toEqual([[1, 2], 'attempt:2,records:2']);
    go();
    await soon(() => taken).toEqual([1, 2, 1]);
  });

  test('one that ended two workers is alone until it is written, and one that ended one is until it is handled', async () => {
    for (const [note, isAlone] of [
      ['attempt:2,records:1', true],
      ['attempt:1', false],
    ] as const) {
      const broker = new FakeBroker();
      broker.note = note;
      const { task, gate } = await running(broker, { origin: ENDED });
      const { held, go } = hold(broker, 'send');
      task.offer(batch(0, ['a']));
      await held;
      let isIn = false;
      const entered = gate.share().then(() => {
        isIn = true;
      });
      await ticks();
      expect(isIn).toBe(!isAlone);
      go();
      await entered;
      expect(broker.committed).toEqual(isAlone ? ['a'] : []);
    }
  });
});

describe('a record that is alone', () => {
  test('is noted before it is handled and before it is written, one after the other', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:2,records:1';
    const { task } = await running(broker, { origin: ENDED });
    const from = broker.calls.length;
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    expect(broker.calls.slice(from)).toEqual(['offsets', 'commit', 'offsets', 'commit', 'send', 'offsets', 'commit']);
  });

  test('is not written before it is noted that it was handled', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:2,records:1';
    const { task } = await running(broker, { origin: ENDED });
    broker.before.commit = () => (broker.note === 'attempt:3,records:1' ? new Promise(() => undefined) : undefined);
    task.offer(batch(0, ['a']));
    await ticks();
    expect([timesOf(broker, 'commit'), timesOf(broker, 'send')]).toEqual([2, 0]);
  });

  test('that kept its event loop for longer than sessions last is not noted as processed', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:2,records:1';
    const run: Run = async (records, limits) => ({ ...(await copying(records, limits)), longestMs: 3_000 });
    const { task } = await running(broker, { run, origin: ENDED });
    const { held } = hold(broker, 'send');
    task.offer(batch(0, ['a']));
    await held;
    expect(broker.note).toBe('attempt:3,records:1');
  });
});

describe('a note is known for the own one', () => {
  test('where it was committed, and that was not known', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:2,records:1';
    const { task } = await running(broker, { origin: ENDED });
    broker.before.commit = () => {
      delete broker.before.commit;
      broker.note = 'attempt:3,records:1';
      throw new Error('no answer');
    };
    task.offer(batch(0, ['a']));
    await soon(() => timesOf(broker, 'resume')).toBe(2);
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
  });

  test('where it was committed with outputs, and that was not known', async () => {
    const broker = new FakeBroker();
    broker.note = 'attempt:2,records:1';
    const { task } = await running(broker, { origin: ENDED });
    broker.before.send = () => {
      broker.before = {};
      broker.before.commit = () => {
        broker.before = {};
        [broker.offset, broker.note] = [1n, 'attempt:1'];
        throw new Error('no answer');
      };
    };
    task.offer(batch(0, ['a']));
    await soon(() => timesOf(broker, 'resume')).toBe(2);
    const from = broker.calls.length;
    task.offer(batch(1, ['b']));
    await soon(() => broker.committed).toEqual(['b']);
    expect(broker.calls.slice(from)).toEqual(['send', 'offsets', 'commit']);
  });

  test('and is not written again while records wait', async () => {
    const broker = new FakeBroker();
    broker.note = null;
    let failures = 1;
    const run: Run = async (records, limits) => {
      if (failures-- > 0) throw new WorkerError('no-schema', 'systemic', 'the registry is away');
      return copying(records, limits);
    };
    const { task } = await running(broker, { run });
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    expect(timesOf(broker, 'commit')).toBe(2);
  });

  test('nor behind records that were suspected', async () => {
    const broker = new FakeBroker();
    broker.endOffset = 1n;
    const { task } = await running(broker, { origin: ENDED });
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    const from = broker.calls.length;
    task.offer(batch(1, ['b']));
    await soon(() => broker.committed).toEqual(['a', 'b']);
    expect(broker.calls.slice(from)).toEqual(['send', 'offsets', 'commit']);
  });
});

test('dead letters are said once they are committed, each with its reason', async () => {
  const run: Run = async (records, limits) => {
    const handled = await copying(records, limits);
    for (const [at, record] of records.entries()) {
      handled.outputs.add([], record, {
        error: new StageFailure('handle', new Error('no such key')),
        stub: at === 0 ? null : 'too large',
        isSmallest: true,
      });
    }
    return handled;
  };
  const { task, broker, logged } = await running(new FakeBroker(), { run });
  const { held, go } = hold(broker, 'commit');
  task.offer(batch(0, ['a', 'b']));
  await held;
  expect(logged).toEqual([]);
  go();
  await soon(() => broker.offset).toBe(2n);
  const letter = { level: 50, topic: 'in', partition: 0, stage: 'handle', reason: 'no such key', msg: 'dead letter' };
  expect(logged).toEqual([
    { ...letter, offset: '0' },
    { ...letter, offset: '1', stub: 'too large' },
  ]);
});

describe('before records are handled', () => {
  test('their note is committed', async () => {
    const broker = new FakeBroker();
    broker.note = null;
    const { task, taken } = await counting(broker);
    const { held, go } = hold(broker, 'commit');
    task.offer(batch(0, ['a']));
    await held;
    await ticks();
    expect(taken).toEqual([]);
    go();
    await soon(() => taken).toEqual([1]);
  });

  test('the task that is alone has left, and the task may be lost by then', async () => {
    const { task, gate, taken } = await counting();
    const leave = await gate.alone(3);
    task.offer(batch(0, ['a']));
    await ticks();
    expect(taken).toEqual([]);
    task.lose();
    leave();
    await task.done;
    expect(taken).toEqual([]);
  });

  test('what they need is looked for where one is suspected alone', async () => {
    let prepares = 0;
    const prepare = async () => {
      prepares++;
    };
    const { task, broker } = await running(new FakeBroker(), { prepare });
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    expect(prepares).toBe(0);
  });
});

test('others are handled, and nobody is alone, while records are handled', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const run: Run = async (records, limits) => {
    await promise;
    return copying(records, limits);
  };
  const { task, gate } = await running(new FakeBroker(), { run });
  task.offer(batch(0, ['a']));
  await ticks();
  (await gate.share())();
  let isIn = false;
  const entered = gate.alone(3).then(() => {
    isIn = true;
  });
  await ticks();
  expect(isIn).toBe(false);
  resolve();
  await entered;
});

test('a task is stuck where records are handled for more than three minutes', async () => {
  const { task, timing } = await running(new FakeBroker(), { run: () => new Promise(() => undefined) });
  task.offer(batch(0, ['a']));
  await ticks();
  timing.pass(180_000);
  expect(task.isStuck).toBe(false);
  timing.pass(1);
  expect(task.isStuck).toBe(true);
});

describe('what is tried again', () => {
  const isAway = () => new WorkerError('no-schema', 'systemic', 'the registry is away');

  /** Fails as often with this error, and how long was waited after each. */
  async function failing(times: number, error: Error): Promise<Running & { waits: number[] }> {
    let failures = 0;
    const run: Run = (records, limits) => (failures++ < times ? Promise.reject(error) : copying(records, limits));
    const started = await running(new FakeBroker(), { run });
    const waits: number[] = [];
    const { timing } = started;
    const { wait } = timing;
    timing.wait = (ms, signal) => {
      waits.push(ms);
      return wait(ms, signal);
    };
    return { ...started, waits };
  }

  test('is waited for longer each time, and said once', async () => {
    const { task, broker, waits, logged } = await failing(3, isAway());
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    expect(waits).toEqual([50, 100, 200]);
    expect(logged).toEqual([{ level: 40, task: 0, reason: 'the registry is away', msg: 'waiting' }]);
  });

  test('is said the first time', async () => {
    const { task, broker, logged } = await failing(1, isAway());
    task.offer(batch(0, ['a']));
    await soon(() => broker.committed).toEqual(['a']);
    expect(logged).toHaveLength(1);
  });

  test('is said with where it happened where it is a defect of ours', async () => {
    const { task, broker, waits, logged } = await failing(
      1,
      new WorkerError('defect', 'transient', 'met a defect', { cause: new TypeError('undefined') }),
    );
    task.offer(batch(0, ['a']));
    await soon(() => timesOf(broker, 'resume')).toBe(2);
    expect(logged).toEqual([
      {
        level: 40,
        task: 0,
        reason: expect.stringContaining('met a defect') as string,
        stack: expect.stringContaining('TypeError') as string,
        msg: 'task starts again',
      },
    ]);
    expect(waits).toEqual([50]);
  });

  test('is sent in another form at once where it was refused, which is no warning', async () => {
    const { task, broker, waits, logged } = await failing(0, isAway());
    broker.before.send = () => {
      delete broker.before.send;
      throw new RefusedBatch('output-too-large', { topic: 'out', partition: 3, records: new ListedBatch() });
    };
    task.offer(batch(0, ['a']));
    await soon(() => timesOf(broker, 'resume')).toBe(2);
    expect(logged).toEqual([
      { level: 30, task: 0, topic: 'out', partition: 3, msg: 'batch rejected by the broker, sending it in another form' },
    ]);
    expect(waits).toEqual([0]);
  });

  test('is counted by what failed: a defect is the first of its kind, whatever else failed before', async () => {
    const { task, broker, fatal } = await failing(
      1,
      new WorkerError('defect', 'transient', 'met a defect', { cause: new TypeError('undefined') }),
    );
    let failures = 0;
    broker.before.fence = () => {
      if (failures++ < 3) throw isAway();
    };
    task.startAgain(again);
    await soon(() => timesOf(broker, 'resume')).toBe(2);
    task.offer(batch(0, ['a']));
    await soon(() => timesOf(broker, 'resume')).toBe(3);
    expect(fatal).toEqual([]);
  });
});

describe('the breaker', () => {
  const bad = (count: number) => Array.from({ length: count }, (_, at) => `bad ${at}`);

  test.each([
    { where: 'over transactions', restarts: 0 },
    { where: 'where the task starts again, however often', restarts: 2 },
  ])('counts on $where', async ({ restarts }) => {
    const started = await running();
    const { task, broker } = started;
    task.offer(batch(0, bad(3)));
    await soon(() => broker.offset).toBe(3n);
    for (let nth = 0; nth < restarts; nth++) await restarted(started);
    task.offer(batch(3, bad(3)));
    await soon(() => task.state).toBe('STOPPED');
    expect(broker.offset).toBe(5n);
  });

  test('says what to do', async () => {
    const { task, logged } = await running();
    task.offer(batch(0, bad(5)));
    await soon(() => task.state).toBe('STOPPED');
    expect(logged.at(-1)).toEqual({
      level: 50,
      task: 0,
      reason: task.stopReason,
      msg: 'task stopped, nothing behind is lost: correct the step and apply it, or run "sagafleet resume payment"',
    });
  });

  test('has stopped a task that has to start again: it does, and is at rest no more than before', async () => {
    const { task, broker } = await running();
    task.offer(batch(0, bad(5)));
    await soon(() => task.state).toBe('STOPPED');
    task.startAgain(again);
    await soon(() => timesOf(broker, 'resume')).toBe(2);
    expect([task.state, task.isAtRest, timesOf(broker, 'fence')]).toEqual(['RUNNING', false, 2]);
  });

  test('lets a task go on that is resumed, fenced once, and then it is at rest', async () => {
    const { task, broker } = await running();
    task.offer(batch(0, bad(5)));
    await soon(() => task.state).toBe('STOPPED');
    broker.resumedAt = 5n;
    await soon(() => task.state).toBe('RUNNING');
    expect([task.isAtRest, timesOf(broker, 'fence')]).toEqual([true, 2]);
  });

  test('lets a task go on that is resumed in one of its topics', async () => {
    const group = new FakeGroup();
    for (const topic of ['in', 'more']) group.committed.set(`${topic}/0`, { topic, partition: 0, offset: 5n, note: 'stopped:now' });
    group.resumed.set('more', 5n);
    await group.join([], { tasks: new Map([[0, ['in', 'more']]]) });
    group.offer(0, 10);
    await soon(() => group.taken).toEqual(['0: 10']);
  });
});

describe('a transaction of several topics', () => {
  test('is where each of them is resumed from', async () => {
    const group = new FakeGroup();
    await group.join([], { tasks: new Map([[0, ['in', 'more']]]) });
    group.tripped = withDeadLetter(NO_STREAK, { key: 'a', cause: 'handle: evaluation', message: 'no such key' });
    group.offer(0, 2);
    group.offer(0, 3, 'more');
    await soon(() => group.tasks.states).toEqual({ 0: 'STOPPED' });
    group.resumed.set('more', 8n);
    await soon(() => group.tasks.states).toEqual({ 0: 'RUNNING' });
  });

  test.each(['is lost', 'goes on'])('is written before another of its topics is noted, where the task then %s', async (then) => {
    const group = new FakeGroup();
    await group.join([], { tasks: new Map([[0, ['in', 'more']]]) });
    const { begin } = group;
    let begun = 0;
    group.begin = (task) => {
      begun++;
      return begin(task);
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    group.before.commit = () => (begun === 2 ? promise : undefined);
    group.offer(0, 2);
    await soon(() => begun).toBe(2);
    group.offer(0, 3, 'more');
    await ticks();
    expect(begun).toBe(2);
    if (then === 'is lost') {
      await group.join([]);
      resolve();
      await group.tasks.drain();
      expect(begun).toBe(2);
    } else {
      resolve();
      await soon(() => group.committed.get('more/0')).toMatchObject({ offset: 8n });
    }
  });

  test('moves all of their positions', async () => {
    const group = new FakeGroup();
    await group.join([], { tasks: new Map([[0, ['in', 'more']]]) });
    group.offer(0, 2);
    group.offer(0, 3, 'more');
    const positions = [
      { topic: 'in', partition: 0, offset: 7n },
      { topic: 'more', partition: 0, offset: 8n },
    ];
    await soon(() => group.tasks.knownPositions()).toEqual(positions);
    expect([group.committed.get('in/0'), group.committed.get('more/0')]).toEqual(positions.map((each) => ({ ...each, note: 'attempt:1' })));
    expect(group.taken).toEqual(['0: 5']);
  });
});
