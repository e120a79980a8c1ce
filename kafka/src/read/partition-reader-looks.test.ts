import { describe, expect, test, vi } from 'vitest';
import { log, longFetches, openReader, range } from '../../test/opened-reader.ts';
import { storedBatch } from '../../test/stored-batch.ts';

const NOT_LEADER = 6;
const NOT_AUTHORIZED = 29;

/** How long it took from each look to the next. */
const pauses = (times: readonly number[]) => times.slice(1).map((time, at) => Math.round(time - times[at]!));

describe('where leaders are', () => {
  test('is looked at every ten seconds while nothing happens, and no more once the reader is closed', async () => {
    const { cluster, reader, start, pass, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    const before = cluster.looks;
    await pass(9_800);
    expect(cluster.looks).toBe(before);
    await pass(400);
    expect(cluster.looks).toBe(before + 1);
    await pass(10_000);
    expect(cluster.looks).toBe(before + 2);
    // What is being fetched goes on
    expect(cluster.requests.filter(({ lane }) => lane === 'fetch-short')).toEqual([]);
    reader.close();
    await pass(20_000);
    expect(cluster.looks).toBe(before + 2);
  });

  test('is looked at for partitions that are paused too, and asks for the topics of all', async () => {
    const { cluster, reader, pass } = openReader();
    cluster.createTopic('t');
    cluster.createTopic('u');
    reader.seek('t', 0, 0n);
    reader.seek('u', 0, 0n);
    await pass(10_100);
    expect(cluster.looks).toBe(1);
    expect(['t', 'u'].map((topic) => cluster.leaders.leaderOf(topic, 0)?.leader)).toEqual([1, 1]);
  });

  test('is looked at later and later while it does not help, at last every second', async () => {
    const { cluster, start, pass } = openReader();
    start('none', 0);
    await pass(6_500);
    expect(pauses(cluster.lookedAt)).toEqual([50, 100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000]);
  });

  test('is looked at once for all partitions that need it', async () => {
    const { cluster, start, until } = openReader();
    cluster.createTopic('t', { partitions: 5 });
    for (let partition = 0; partition < 5; partition++) start('t', partition);
    await until(() => expect(longFetches(cluster).at(-1)?.partitions).toHaveLength(5));
    expect(cluster.looks).toBe(1);
  });

  test('is looked at again where it could not be told', async () => {
    const { cluster, start, read, told, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 0));
    cluster.failLook = new Error('no broker answers');
    start('t', 0);
    await until(() => expect(told).toEqual(['trouble: no broker answers']));
    cluster.failLook = null;
    await until(() => expect(read()).toEqual([0]));
  });
});

describe('trouble', () => {
  test('stops all partitions of a fetch, until a look', async () => {
    const { cluster, start, pass, until } = openReader();
    cluster.createTopic('t', { partitions: 3 });
    for (let partition = 0; partition < 3; partition++) start('t', partition);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    cluster.stop(1);
    await pass(4_000);
    expect(cluster.requests.length).toBeLessThanOrEqual(cluster.looks);
  });

  test.each([
    [2, 0],
    [3, 1],
  ])('of %i fetches in a row is reported %i times: a leader that moves is no trouble', async (failures, times) => {
    const { cluster, start, read, told, pass, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    // The first look is over by then
    await pass(3_100);
    for (let time = 0; time < failures; time++) cluster.failNext({ errorCode: NOT_LEADER });
    cluster.append('t', 0, ...log(0, 0));
    await until(() => expect(read()).toEqual([0]));
    cluster.append('t', 0, ...log(1, 1));
    await until(() => expect(read()).toEqual([0, 1]));
    expect(told).toHaveLength(times);
  });

  test('is told again where it comes again after it was over, and the first look is at once', async () => {
    const { cluster, start, read, told, pass, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    for (const time of [1, 2]) {
      cluster.update('t', 0, { errorCode: NOT_AUTHORIZED });
      const before = cluster.looks;
      await until(() => expect(told).toHaveLength(time));
      expect(pauses(cluster.lookedAt.slice(before))).toEqual([50]);
      cluster.append('t', 0, ...log(time, time));
      cluster.update('t', 0, { errorCode: 0, start: 0n });
      await until(() => expect(read()).toEqual(range(1, time)));
      await pass(3_200);
    }
  });

  test('is told once where it comes and goes', async () => {
    const { cluster, start, told, pass, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    cluster.update('t', 0, { errorCode: NOT_AUTHORIZED });
    await until(() => expect(told).toHaveLength(1));
    for (let time = 0; time < 3; time++) {
      cluster.update('t', 0, { errorCode: 0 });
      await pass(1_500);
      cluster.update('t', 0, { errorCode: NOT_AUTHORIZED });
      await pass(500);
    }
    expect(told).toHaveLength(1);
  });

  test('names the topic that is not there, or has no leader', async () => {
    const { cluster, start, told, until } = openReader();
    start('none', 0);
    await until(() => expect(told).toEqual([expect.stringMatching(/^trouble: topic none: .*does not host/)]));
    const other = openReader();
    other.cluster.createTopic('t', { leader: null as unknown as number });
    other.start('t', 0);
    await other.until(() => expect(other.told).toEqual([expect.stringMatching(/^trouble: topic t: .*leader/i)]));
    expect(cluster.requests).toEqual([]);
  });

  test('is a broker that sends a part of a batch again and again', async () => {
    const { cluster, start, told, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    cluster.append('t', 1, storedBatch({ firstOffset: 0n, records: [{ value: 'v' }] }).subarray(0, 65));
    start('t', 1);
    await until(() => expect(told).toEqual(['trouble: the broker sends no whole batch of t/1']));
  });
});

describe('a partition', () => {
  test('that nobody asked for rests not, and can be paused, resumed and removed', () => {
    const { cluster, reader } = openReader();
    reader.pause('t', 0);
    reader.resume('t', 0);
    reader.remove('t', 0);
    expect([reader.isResting('t', 0), cluster.looks]).toEqual([false, 0]);
  });

  test('that is resumed a second time is fetched once', async () => {
    const { cluster, reader, start, pass } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    reader.resume('t', 0);
    await pass(400);
    reader.resume('t', 0);
    await pass(400);
    expect(cluster.requests.filter(({ lane }) => lane === 'fetch-short')).toEqual([]);
  });

  test('that rests is not read until it is told where to go on, also when it is resumed or leaders are looked at', async () => {
    const { cluster, reader, start, told, read, pass, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 2));
    cluster.update('t', 0, { start: 2n });
    start('t', 0);
    await until(() => expect(told).toEqual(['out of range: t/0']));
    expect(reader.isResting('t', 0)).toBe(true);
    const before = cluster.requests.length;
    reader.pause('t', 0);
    reader.resume('t', 0);
    await pass(21_000);
    expect(cluster.requests).toHaveLength(before);
    reader.seek('t', 0, 2n);
    await until(() => expect(read()).toEqual([2]));
    expect([reader.isResting('t', 0), told]).toEqual([false, ['out of range: t/0']]);
  });

  test('that was recreated is read as the topic that it is now, and recreated again told again', async () => {
    const { cluster, reader, start, told, read, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    for (const time of [1, 2]) {
      await until(() => expect(longFetches(cluster).length).toBeGreaterThan(0));
      cluster.createTopic('t');
      cluster.append('t', 0, ...log(0, 0));
      await until(() => expect(told.filter((each) => each.startsWith('recreated'))).toHaveLength(time));
      reader.seek('t', 0, 0n);
      await until(() => expect(read()).toHaveLength(time));
    }
  });

  test('keeps the topic that its position is from, also over a seek that names none', async () => {
    const { cluster, reader, start, told, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    reader.pause('t', 0);
    cluster.createTopic('t');
    reader.seek('t', 0, 5n);
    await cluster.leaders.look(['t']);
    reader.resume('t', 0);
    await until(() => expect(told).toEqual(['recreated: t/0']));
  });

  test('is read from a position of the topic that is named', async () => {
    const { cluster, reader, read, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 2));
    reader.seek('t', 0, 1n, cluster.topic('t').id);
    reader.resume('t', 0);
    await until(() => expect(read()).toEqual([1, 2]));
  });

  test('is not asked of the leader that it had, once a look has found the next one', async () => {
    const { cluster, start, read, told, pass, until } = openReader();
    cluster.createTopic('t', { partitions: 3 });
    start('t', 0);
    start('t', 2);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    // Without a word to the fetch that is under way; another partition makes it look
    for (const partition of [0, 1])
      Object.assign(cluster.topic('t').partitions[partition]!, { leader: 2, leaderEpoch: 1, batches: log(0, 0) });
    start('t', 1);
    await until(() => expect([read('t', 0), read('t', 1)]).toEqual([[0], [0]]), 400);
    const before = cluster.looks;
    // What the one before answers in the end is nothing
    await pass(3_000);
    expect([cluster.looks, told]).toEqual([before, []]);
    expect([...cluster.session(1, 'fetch-long')!.partitions.keys()]).toEqual(['t-2']);
  });

  test('that moved while it was paused, and goes on elsewhere, takes nothing of the fetch before', async () => {
    const { cluster, reader, start, read, told, pass, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    reader.pause('t', 0);
    Object.assign(cluster.topic('t').partitions[0]!, { leader: 2, leaderEpoch: 1, batches: log(0, 1) });
    await cluster.leaders.look(['t']);
    reader.seek('t', 0, 1n);
    reader.resume('t', 0);
    const before = cluster.looks;
    await pass(3_000);
    expect([read(), cluster.looks, told]).toEqual([[1], before, []]);
  });

  test('that was removed stays away when leaders are looked at', async () => {
    const { cluster, reader, start, read, pass, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    reader.remove('t', 0);
    await pass(11_000);
    const before = cluster.requests.length;
    cluster.append('t', 0, ...log(0, 0));
    await pass(1_000);
    expect([cluster.requests.length, read()]).toEqual([before, []]);
  });
});

test('an answer without records is nothing, as brokers without room for sessions give it', async () => {
  const { cluster, start, told, pass } = openReader();
  cluster.hasSessions = false;
  cluster.createTopic('t', { partitions: 2 });
  start('t', 0);
  start('t', 1);
  await pass(5_000);
  expect([told, cluster.looks]).toEqual([[], 1]);
  expect(longFetches(cluster).length).toBeGreaterThan(8);
});

describe('a reader that is closed', () => {
  test('asks no broker for anything more', async () => {
    const { cluster, reader, start, pass, until } = openReader();
    cluster.createTopic('t', { leader: 1 });
    cluster.createTopic('u', { leader: 2 });
    start('t', 0);
    start('u', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(2));
    reader.close();
    await pass(2_000);
    expect(cluster.requests).toHaveLength(2);
  });

  test.each([
    ['answers', null],
    ['does not answer', new Error('no broker answers')],
  ])('looks no more, also where a look is under way that %s', async (_, failure) => {
    const { cluster, reader, start, told, pass } = openReader();
    cluster.createTopic('t');
    cluster.failLook = failure;
    start('t', 0);
    vi.advanceTimersByTime(1);
    reader.close();
    await pass(30_000);
    expect([cluster.looks, cluster.requests.length, told]).toEqual([1, 0, []]);
  });

  test('has no trouble with what fails only then', async () => {
    const { cluster, reader, start, told, pass, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    reader.close();
    cluster.stop(1);
    await pass(5_000);
    expect([cluster.looks, told]).toEqual([1, []]);
  });

  test('delivers nothing of a fetch that is under way, of any partition', async () => {
    const { cluster, reader, start, batches, pass, until } = openReader();
    cluster.createTopic('t', { partitions: 3 });
    for (let partition = 0; partition < 3; partition++) start('t', partition);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    for (let partition = 0; partition < 3; partition++) cluster.append('t', partition, ...log(0, 0));
    reader.close();
    await pass(1_000);
    expect(batches).toEqual([]);
  });
});

describe('damage', () => {
  test('is counted anew from a new position on, and where something whole came between', async () => {
    const { cluster, reader, start, told, read, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 2));
    start('t', 0, 3n);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    for (const offset of [0n, 1n, 2n]) {
      cluster.damages = 1;
      const before = read().length;
      reader.seek('t', 0, offset);
      await until(() => expect(read().slice(before)).toEqual(range(Number(offset), 2)));
      expect(cluster.damages).toBe(0);
    }
    expect([told, reader.isResting('t', 0)]).toEqual([[], false]);
  });

  test('that stays rests the partition, and is told once', async () => {
    const { cluster, reader, start, told, read, pass, until } = openReader();
    cluster.createTopic('t');
    const [batch] = log(0, 0);
    batch![70]! ^= 1;
    cluster.append('t', 0, batch!);
    start('t', 0);
    await until(() => expect(told).toEqual(['corrupt: t/0 at 0']));
    await pass(1_000);
    expect([told.length, reader.isResting('t', 0), cluster.requests.length]).toEqual([1, true, 2]);
    // Elsewhere it is the first time
    cluster.append('t', 0, ...log(1, 1));
    cluster.damages = 1;
    reader.seek('t', 0, 1n);
    await until(() => expect(read()).toEqual([1]));
    expect([told.length, cluster.damages]).toEqual([1, 0]);
  });
});
