import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { WorkerError } from '../errors.ts';
import type { Timing } from '../timing.ts';
import { awaitGroupOffsets, isDoubtful, readStart } from './start-positions.ts';

type Offsets = Record<string, bigint | null>;

const positionsOf = async (...args: Parameters<typeof readStart>) => (await readStart(...args)).positions;

/** A coordinator that gives these answers in turn, the last one for ever; `a/0` is topic a, partition 0. */
function coordinator(
  answers: Offsets[],
  { troubleAgeMs = Infinity, knownForMs = Infinity, end = 100n, unchangedForMs = 0, unchangedAt = 12n } = {},
) {
  let reads = 0;
  return {
    get reads() {
      return reads;
    },
    committedOffsets: async () => {
      const answer = answers[Math.min(reads++, answers.length - 1)]!;
      return Object.entries(answer).map(([at, offset]) => {
        const [topic, partition] = at.split('/');
        return { topic: topic!, partition: Number(partition), offset };
      });
    },
    earliestOffset: async () => 7n,
    endOffset: async () => end,
    coordinatorTroubleAgeMs: () => troubleAgeMs,
    coordinatorKnownForMs: () => knownForMs,
    offsetUnchangedForMs: (_topic: string, _partition: number, offset: bigint | null) => (offset === unchangedAt ? unchangedForMs : 0),
  };
}

/** Time that passes only by waiting. */
function virtualTiming(): Timing & { waited: number } {
  const timing = {
    waited: 0,
    now: () => 1_000_000 + timing.waited,
    wait: async (ms: number) => {
      await tick();
      timing.waited += ms;
    },
    random: () => 0.5,
  };
  return timing;
}

function question(floors: Record<string, bigint> = {}, recreated: readonly string[] = []) {
  return {
    group: 'default.payment',
    task: 0,
    topics: ['a'],
    signal: new AbortController().signal,
    floorOf: (topic: string) => floors[topic] ?? null,
    isRecreated: (topic: string) => recreated.includes(topic),
  };
}

describe('start positions', () => {
  test('are the committed offsets, read once in quiet times', async () => {
    const reader = coordinator([{ 'a/0': 12n, 'a/1': 4n }]);
    const timing = virtualTiming();
    expect(await positionsOf(question(), reader, timing)).toEqual(new Map([['a', 12n]]));
    expect([reader.reads, timing.waited]).toEqual([1, 0]);
  });

  test('a partition without an offset beside others with one is read from its beginning', async () => {
    const reader = coordinator([{ 'a/0': null, 'a/1': 4n }]);
    expect(await positionsOf(question(), reader, virtualTiming())).toEqual(new Map([['a', 7n]]));
  });

  test('a partition whose offset the broker dropped is not taken for a new one', async () => {
    const reader = {
      ...coordinator([]),
      committedOffsets: async () => [
        { topic: 'a', partition: 0, offset: null, isForgotten: true },
        { topic: 'a', partition: 1, offset: 4n, isForgotten: false },
      ],
    };
    await expect(readStart(question(), reader, virtualTiming())).rejects.toMatchObject({ code: 'offsets-missing', consequence: 'fatal' });
  });

  test('a position that a transaction still holds is none, and no reason to take the group for a new one', async () => {
    const reader = (partition: number) => ({
      ...coordinator([]),
      committedOffsets: async () =>
        [0, 1].map((each) => ({ topic: 'a', partition: each, offset: each === partition ? null : 4n, isUnstable: each === partition })),
    });
    await expect(readStart(question(), reader(0), virtualTiming())).rejects.toMatchObject({
      code: 'markers-missing',
      consequence: 'systemic',
    });
    expect(await positionsOf(question(), reader(1), virtualTiming())).toEqual(new Map([['a', 4n]]));
    await awaitGroupOffsets(
      'default.payment',
      { committedOffsets: async () => [{ topic: 'a', partition: 0, offset: null, isUnstable: true }] },
      virtualTiming(),
    );
  });

  test('no offset anywhere is read again until the coordinator has loaded', async () => {
    const reader = coordinator([
      { 'a/0': null, 'a/1': null },
      { 'a/0': null, 'a/1': null },
      { 'a/0': 12n, 'a/1': 4n },
    ]);
    expect(await positionsOf(question(), reader, virtualTiming())).toEqual(new Map([['a', 12n]]));
  });

  test('no offset anywhere that stays so is fatal and says what to do', async () => {
    const timing = virtualTiming();
    const reading = readStart(question(), coordinator([{ 'a/0': null, 'a/1': null }]), timing);
    await expect(reading).rejects.toMatchObject({ code: 'offsets-missing', consequence: 'fatal' });
    await expect(reading).rejects.toThrow(/--reset-offsets/);
    expect(timing.waited).toBe(5_500);
  });

  test('are the first record where the group is there, and nobody knows of more', async () => {
    const timing = virtualTiming();
    expect([await positionsOf(question(), coordinator([{ 'a/0': 0n }]), timing), timing.waited]).toEqual([new Map([['a', 0n]]), 0]);
  });

  test('are not read any more once the task is lost', async () => {
    const lost = new AbortController();
    const timing = { ...virtualTiming(), wait: async () => lost.abort() };
    const reading = readStart({ ...question({ a: 12n }), signal: lost.signal }, coordinator([{ 'a/0': 3n }]), timing);
    await expect(reading).rejects.toMatchObject({ code: 'not-a-member' });
  });

  test('an answer below what is known is not believed', async () => {
    const reader = coordinator([{ 'a/0': 3n }, { 'a/0': 12n }]);
    expect(await positionsOf(question({ a: 12n }), reader, virtualTiming())).toEqual(new Map([['a', 12n]]));
    expect(reader.reads).toBe(2);
  });

  test('an answer that stays below what is known is an error, not a start', async () => {
    const timing = virtualTiming();
    const reading = readStart(question({ a: 12n }), coordinator([{ 'a/0': 3n }]), timing);
    await expect(reading).rejects.toMatchObject({ code: 'offsets-stale', consequence: 'systemic' });
    expect(timing.waited).toBe(5_500);
  });

  test('soon after trouble an answer is believed that stays the same for three seconds', async () => {
    const reader = coordinator([...Array<Offsets>(3).fill({ 'a/0': 3n }), { 'a/0': 12n }], { troubleAgeMs: 2_000 });
    const timing = virtualTiming();
    expect(await positionsOf(question(), reader, timing)).toEqual(new Map([['a', 12n]]));
    expect(timing.waited).toBeGreaterThanOrEqual(1_500 + 3_000);
  });

  test('an error between two equal answers is not passed over: it is a coordinator that loads again', async () => {
    const reader = coordinator([{ 'a/0': 3n }], { troubleAgeMs: 2_000 });
    const { committedOffsets } = reader;
    reader.committedOffsets = async () => {
      if (reader.reads === 3) throw new WorkerError('broker-unavailable', 'systemic', 'the group is loading');
      return committedOffsets();
    };
    await expect(readStart(question(), reader, virtualTiming())).rejects.toThrow('the group is loading');
  });
});

describe('shortly after trouble with the coordinator', () => {
  const WATCHED: Record<string, { watched: { unchangedForMs: number; unchangedAt: bigint }; reads: number }> = {
    'believes one read of what this process has been reading for a while': {
      watched: { unchangedForMs: 3_000, unchangedAt: 12n },
      reads: 1,
    },
    'does not where it has not read it for long enough': { watched: { unchangedForMs: 2_000, unchangedAt: 12n }, reads: 7 },
    'does not where it has been reading something else': { watched: { unchangedForMs: 60_000, unchangedAt: 11n }, reads: 7 },
  };

  const SECOND: Record<string, { second: Offsets; waited: number }> = {
    'agrees where other tasks came further': { second: { 'a/0': 3n, 'b/0': 5n, 'a/1': 9n }, waited: 3_000 },
    'does not where one of two topics did': { second: { 'a/0': 3n, 'b/0': 6n, 'a/1': 4n }, waited: 4_000 },
  };

  test.each(Object.entries(SECOND))('an answer %s', async (_sentence, { second, waited }) => {
    const reader = coordinator([{ 'a/0': 3n, 'b/0': 5n, 'a/1': 4n }, second], { troubleAgeMs: 2_000 });
    const timing = virtualTiming();
    await readStart({ ...question(), topics: ['a', 'b'] }, reader, timing);
    expect(timing.waited).toBe(waited);
  });

  test('a task believes what has been read for long enough in all of its topics, whatever is answered for others', async () => {
    const reader = coordinator([{ 'b/1': 1n, 'b/0': 5n, 'a/1': 4n, 'a/0': 12n }], { troubleAgeMs: 100 });
    const timing = virtualTiming();
    const unchanged = (topic: string, partition: number, offset: bigint | null) => {
      const isRead = partition === 0 && (topic === 'a' ? offset === 12n : offset === 5n && timing.waited >= 1_000);
      return isRead ? 3_000 : 0;
    };
    await readStart(
      { ...question(), topics: ['a', 'b'] },
      { ...reader, committedOffsets: reader.committedOffsets, offsetUnchangedForMs: unchanged },
      timing,
    );
    expect(timing.waited).toBe(1_000);
  });

  const DOUBTS: Record<string, { troubleAgeMs: number; knownForMs: number; isSo: boolean }> = {
    'in quiet times': { troubleAgeMs: 10_001, knownForMs: 5_001, isSo: false },
    'soon after trouble': { troubleAgeMs: 10_000, knownForMs: Infinity, isSo: true },
    'soon after it came to be known': { troubleAgeMs: Infinity, knownForMs: 5_000, isSo: true },
  };

  test.each(Object.entries(DOUBTS))('single reads are doubted or not: %s', (_sentence, { isSo, ...ages }) => {
    expect(isDoubtful(coordinator([], ages))).toBe(isSo);
  });

  test.each(Object.entries(WATCHED))('a task %s', async (_sentence, { watched, reads }) => {
    const reader = coordinator([{ 'a/0': 12n }], { troubleAgeMs: 100, ...watched });
    expect(await positionsOf(question(), reader, virtualTiming())).toEqual(new Map([['a', 12n]]));
    expect(reader.reads).toBe(reads);
  });
});

describe('a process that has just begun', () => {
  const NEW = { knownForMs: 100 };

  test('believes no single read of a backlog that nobody in the group knows of', async () => {
    const reader = coordinator([{ 'a/0': 3n }, { 'a/0': 12n }], NEW);
    const timing = virtualTiming();
    expect(await positionsOf(question(), reader, timing)).toEqual(new Map([['a', 12n]]));
    expect(timing.waited).toBeGreaterThanOrEqual(3_000);
  });

  const BELIEVED: Record<string, [answer: Offsets, floors: Record<string, bigint>]> = {
    'where a member told a position': [{ 'a/0': 12n }, { a: 12n }],
    'at the end, where there is nothing to work twice': [{ 'a/0': 100n }, {}],
  };

  test.each(Object.entries(BELIEVED))('believes one read %s', async (_sentence, [answer, floors]) => {
    const reader = coordinator([answer], NEW);
    const timing = virtualTiming();
    await readStart(question(floors), reader, timing);
    expect([reader.reads, timing.waited]).toEqual([1, 0]);
  });
});

describe('a topic that was deleted and created again', () => {
  const COMMITTED: Record<string, { offset: bigint | null; isOfDeletedTopic: boolean }> = {
    'has an offset of the one before, written by a transaction that ended late': { offset: 12n, isOfDeletedTopic: true },
    'has no offset, since brokers drop those of a topic with it': { offset: null, isOfDeletedTopic: false },
  };

  test.each(Object.entries(COMMITTED))('is read from its beginning, whatever members told: it %s', async (_sentence, committed) => {
    const reader = { ...coordinator([]), committedOffsets: async () => [{ topic: 'a', partition: 0, ...committed }] };
    const positions = positionsOf(question({ a: 50n }, committed.isOfDeletedTopic ? [] : ['a']), reader, virtualTiming());
    expect(await positions).toEqual(new Map([['a', 7n]]));
  });

  test('leaves the positions of other topics as they are', async () => {
    const reader = {
      ...coordinator([]),
      committedOffsets: async () => [
        { topic: 'a', partition: 0, offset: 12n, isOfDeletedTopic: true },
        { topic: 'b', partition: 0, offset: 4n },
      ],
    };
    expect(await positionsOf({ ...question(), topics: ['a', 'b'] }, reader, virtualTiming())).toEqual(
      new Map([
        ['a', 7n],
        ['b', 4n],
      ]),
    );
  });
});

test('notes are those of the task, and none of a topic that was deleted', async () => {
  const reader = {
    ...coordinator([]),
    committedOffsets: async () => [
      { topic: 'a', partition: 1, offset: 1n, note: 'stopped:0b' },
      { topic: 'b', partition: 0, offset: 2n, note: 'stopped:0c', isOfDeletedTopic: true },
      { topic: 'a', partition: 0, offset: 3n, note: 'stopped:0a' },
    ],
  };
  const { notes } = await readStart({ ...question(), topics: ['a', 'b'] }, reader, virtualTiming());
  expect([...notes]).toEqual([
    ['a', { kind: 'stopped', settings: '0a' }],
    ['b', null],
  ]);
});

test('a partition that the cluster does not know yet is waited for', async () => {
  await expect(readStart(question(), coordinator([{ 'b/0': 3n }]), virtualTiming())).rejects.toMatchObject({ code: 'broker-unavailable' });
});

describe('before joining', () => {
  test('the offsets of a group that is being set up are waited for', async () => {
    const reader = coordinator([{ 'a/0': null }, { 'a/0': null }, { 'a/0': 0n }]);
    await awaitGroupOffsets('default.payment', reader, virtualTiming());
    expect(reader.reads).toBe(3);
  });

  test('a group that nobody sets up is fatal', async () => {
    const timing = virtualTiming();
    const waiting = awaitGroupOffsets('default.payment', coordinator([{ 'a/0': null }]), timing);
    await expect(waiting).rejects.toMatchObject({ code: 'offsets-missing', consequence: 'fatal' });
    expect(timing.waited).toBe(15_500);
  });

  test('one offset is enough', async () => {
    const timing = virtualTiming();
    await awaitGroupOffsets('default.payment', coordinator([{ 'a/0': null, 'a/1': 0n }]), timing);
    expect(timing.waited).toBe(0);
  });
});
