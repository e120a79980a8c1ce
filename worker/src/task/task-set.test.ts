import { describe, expect, test } from 'vitest';
import { FakeGroup } from '../../test/support/fake-group.ts';
import { soon } from '../../test/support/soon.ts';
import type { Assignment, TopicPosition } from '../driver.ts';
import { NO_STREAK, withDeadLetter } from './breaker.ts';

describe('a task that is still there after a join', () => {
  test('goes on reading as if nothing had happened', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    expect(await group.join([0])).toEqual(['release 1', 'discard 1']);
  });

  const OWNED_BY_OTHERS: Record<string, Partial<Assignment>> = {
    'under a new member id, as after a crash': { memberId: 'b' },
    'in a later generation than the next, since another owner may have committed more': { generation: 3 },
    'with other topics': { tasks: new Map([[0, ['in', 'more']]]) },
    'with as many topics, one of them another': { tasks: new Map([[0, ['more']]]) },
  };

  test.each(Object.entries(OWNED_BY_OTHERS))('is not read any more and fenced as if it were new %s', async (_sentence, changes) => {
    const group = new FakeGroup();
    await group.join([0]);
    group.assign([0], changes);
    const since = group.calls.indexOf('resume 0') + 1;
    await soon(() => group.calls.slice(since, since + 3)).toEqual(['release 0', 'discard 0', 'fence 0']);
  });

  test('is one with the same topics in any order, and no other', async () => {
    const group = new FakeGroup();
    await group.join([], { tasks: new Map([[0, ['in', 'more']]]) });
    expect(await group.join([], { tasks: new Map([[0, ['more', 'in']]]) })).toEqual([]);
    group.assign([], { tasks: new Map([[0, ['in', 'third']]]) });
    expect(group.calls.at(-1)).toBe('release 0');
  });
});

describe('a task that comes back', () => {
  test('takes fewer records than those that it was lost over, and suspects none that this process noted itself', async () => {
    const group = new FakeGroup();
    await group.join([0]);
    group.offer(0, 40);
    await soon(() => group.committed.get('in/0')).toMatchObject({ offset: 45n, note: 'attempt:1' });
    await group.join([]);
    await group.join([0]);
    group.offer(0, 40);
    await soon(() => group.taken.at(1)).toBe('0: 20');
  });

  test('begins only when its producer from before is gone', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    const { promise, resolve } = Promise.withResolvers<void>();
    group.before.discard = (task) => (task === 0 ? promise : undefined);
    await group.join([1]);
    group.assign([0, 1]);
    await soon(() => group.tasks.states).toEqual({ 0: 'FENCING', 1: 'RUNNING' });
    expect([group.calls.at(-1), group.tasks.isReady]).toEqual(['release 0', false]);
    resolve();
    await soon(() => group.calls.slice(-4)).toEqual(['discard 0', 'fence 0', 'seek 0 to 5', 'resume 0']);
  });
});

describe('the health of the process', () => {
  test('is ready once it is a member and all of its tasks run', async () => {
    const group = new FakeGroup();
    expect(group.tasks.isReady).toBe(false);
    group.before.fence = (task) => (task === 1 ? new Promise(() => undefined) : undefined);
    group.assign([0, 1]);
    await soon(() => group.tasks.states).toEqual({ 0: 'RUNNING', 1: 'FENCING' });
    expect(group.tasks.isReady).toBe(false);
  });

  test('is alive until one of its tasks makes no progress', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    expect(group.tasks.isAlive).toBe(true);
    const { promise, resolve } = Promise.withResolvers<void>();
    group.before.commit = () => {
      resolve();
      return new Promise(() => undefined);
    };
    group.offer(1, 1);
    await promise;
    group.timing.pass(600_000);
    expect(group.tasks.isAlive).toBe(false);
  });

  test('says which tasks the breaker stopped, and why', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    expect(group.tasks.stopReasons).toEqual({});
    group.tripped = withDeadLetter(NO_STREAK, { key: 'a', cause: 'handle: evaluation', message: 'no such key' });
    group.offer(1, 1);
    await soon(() => group.tasks.states).toEqual({ 0: 'RUNNING', 1: 'STOPPED' });
    expect(group.tasks.stopReasons).toEqual({ 1: '1 dead letters in a row, 1 of them handle: evaluation (no such key)' });
  });

  test('is told when too much was fetched', async () => {
    const group = new FakeGroup();
    await group.join([0]);
    expect(group.tasks.isMemoryFull()).toBe(false);
    group.memory.add(1_001);
    expect(group.tasks.isMemoryFull()).toBe(true);
  });

  test.each(['onUnreadable', 'onCrash'] as const)('ends with %s', (event) => {
    const group = new FakeGroup();
    const error = new Error('no keys for this topic');
    group.tasks[event](error);
    expect(group.fatal).toEqual([error]);
  });

  test('says which tasks it has after each join', () => {
    const group = new FakeGroup();
    group.assign([2, 0, 1]);
    expect(group.logged).toEqual([{ level: 30, tasks: [0, 1, 2], memberId: 'a', msg: 'joined the group' }]);
  });
});

describe('drained', () => {
  test('tasks tell where they stand', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    await group.tasks.drain();
    expect(group.tasks.atRest).toEqual([0, 1].map((partition) => ({ topic: 'in', partition, offset: 5n })));
    expect(group.logged).toMatchObject([{ msg: 'joined the group' }]);
  });

  test('one that was in the middle of a transaction tells nothing', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    const [begun, writing] = [Promise.withResolvers<void>(), Promise.withResolvers<never>()];
    group.begin = () => {
      begun.resolve();
      return writing.promise;
    };
    group.tasks.onBatch({ topic: 'in', partition: 0, records: [], nextOffset: 6n, bytes: 1 });
    await begun.promise;
    const drained = group.tasks.drain();
    writing.reject(new Error('no answer'));
    await drained;
    expect(group.tasks.atRest).toEqual([{ topic: 'in', partition: 1, offset: 5n }]);
  });

  test.each([
    ['a lost task', [1, 2, 0]],
    ['a task that is owned', [1, 0, 2]],
  ])('takes no task any more, and ends with the last producer: that of %s', async (_sentence, order) => {
    const group = new FakeGroup();
    await group.join([0, 1, 2]);
    const discards = [0, 1, 2].map(() => Promise.withResolvers<void>());
    group.before.discard = (task) => discards[task]!.promise;
    await group.join([1, 2]);
    let isDrained = false;
    const drained = group.tasks.drain().then(() => {
      isDrained = true;
    });
    group.assign([0, 1, 2]);
    expect(group.tasks.states).toEqual({ 1: 'DRAINING', 2: 'DRAINING' });
    for (const task of order) {
      expect(isDrained).toBe(false);
      discards[task]!.resolve();
      await soon(() => group.calls.at(-1)).toBe(`discard ${task}`);
    }
    await drained;
    expect(group.calls.filter((call) => call.startsWith('fence'))).toHaveLength(3);
  });
});

describe('a topic that was deleted and created again', () => {
  test('is read from its beginning, wherever the group was in the one before', async () => {
    const group = new FakeGroup();
    await group.join([0]);
    group.tasks.onRecreated('in', 0);
    await soon(() => group.calls.slice(-2)).toEqual(['seek 0 to 2', 'resume 0']);
    expect(group.fatal).toEqual([]);
    expect(group.tasks.knownPositions()).toEqual([{ topic: 'in', partition: 0, offset: 2n }]);
  });
});

describe('records that the broker deleted before they were read', () => {
  test('are passed over, and said to be lost', async () => {
    const group = new FakeGroup();
    await group.join([0]);
    group.logged.length = 0;
    group.tasks.onOutOfRange({ topic: 'in', partition: 0, offset: 1n }, 5n);
    expect(group.logged).toEqual([
      {
        level: 50,
        topic: 'in',
        partition: 0,
        from: '5',
        to: '5',
        msg: "records were deleted by the topic's retention before they were read",
      },
    ]);
    expect([group.calls.at(-1), group.fatal]).toEqual(['seek 0 to 5', []]);
    await soon(() => group.committed.get('in/0')).toMatchObject({ offset: 5n, note: 'attempt:1' });
  });

  test('end the process where they were processed: the topic is another one', async () => {
    const group = new FakeGroup();
    await group.join([0]);
    const before = [...group.calls];
    group.tasks.onOutOfRange({ topic: 'in', partition: 0, offset: 5n }, 4n);
    expect(group.fatal).toMatchObject([{ code: 'offset-out-of-range', consequence: 'fatal' }]);
    expect(String(group.fatal[0])).toContain('in/0 ends before 5');
    expect(group.calls).toEqual(before);
  });
});

test('events of a task that was lost have no effect', () => {
  const group = new FakeGroup();
  group.tasks.onOutOfRange({ topic: 'in', partition: 1, offset: 0n }, 0n);
  group.tasks.onRecreated('in', 1);
  group.offer(1, 1);
  expect([group.calls, group.fatal]).toEqual([[], []]);
  expect(group.logged).toMatchObject([{ topic: 'in', partition: 1, from: '0', to: '0' }]);
});

describe('positions that members of the group know of', () => {
  const floors = [
    { topic: 'in', partition: 0, offset: 9n },
    { topic: 'in', partition: 1, offset: 4n },
    { topic: 'in', partition: 2, offset: 8n },
  ];

  test('are kept for as long as nobody knows of a higher one', async () => {
    const group = new FakeGroup();
    await group.join([1], { floors });
    expect(group.tasks.knownPositions()).toEqual([floors[0], { ...floors[1], offset: 5n }, floors[2]]);
    await group.join([1], { floors });
    expect(group.tasks.knownPositions()).toEqual([floors[0], { ...floors[1], offset: 5n }, floors[2]]);
  });

  test('are not gone below, whatever the coordinator says', async () => {
    const group = new FakeGroup();
    group.assign([0], { floors });
    await soon(() => group.logged.at(-1)).toMatchObject({
      msg: 'task starts again',
      reason: expect.stringContaining('it was at 9 before') as string,
    });
  });

  const NEW_COORDINATOR: Record<string, { known: TopicPosition[]; afterMs: number }> = {
    'at once where they agree': { known: [{ topic: 'in', partition: 0, offset: 5n }], afterMs: 0 },
    'after a while where they know nothing': { known: [], afterMs: 3_000 },
    'after a while where they know of others': {
      known: [
        { topic: 'in', partition: 1, offset: 5n },
        { topic: 'more', partition: 0, offset: 5n },
      ],
      afterMs: 3_000,
    },
  };

  test.each(Object.entries(NEW_COORDINATOR))(
    'a coordinator that is new to this process is believed %s',
    async (_sentence, { known, afterMs }) => {
      const group = new FakeGroup();
      group.coordinatorKnownForMs = 100;
      const before = group.timing.now();
      await group.join([0], { floors: known });
      expect(group.timing.now() - before).toBe(afterMs);
    },
  );
});

test('a listener that fails ends the process and not the consumer', () => {
  const group = new FakeGroup();
  group.assign([], { tasks: null as never });
  expect(group.fatal).toEqual([expect.objectContaining({ code: 'unexpected', consequence: 'fatal' })]);
});
