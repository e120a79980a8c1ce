import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { log, LONG_POLL_MS, longFetches, openReader, range } from '../../test/opened-reader.ts';
import { CODECS, storedBatch } from '../../test/stored-batch.ts';

test('a partition is read in order from its position on, over many fetches', async () => {
  const { cluster, start, read, batches, until } = openReader({ partitionBytes: 400 });
  cluster.createTopic('t');
  cluster.append('t', 0, ...log(0, 99));
  start('t', 0, 7n);
  await until(() => expect(read().length).toBe(93));
  expect(read()).toEqual(range(7, 99));
  expect(
    batches
      .map(({ fetchedOffset, nextOffset }) => [fetchedOffset, nextOffset])
      .every(([from], at) => at === 0 || from === batches[at - 1]!.nextOffset),
  ).toBe(true);
  cluster.append('t', 0, ...log(100, 100));
  await until(() => expect(read().at(-1)).toBe(100));
});

test('a stretch without visible records moves the position, and is told', async () => {
  const { cluster, start, batches, until } = openReader();
  cluster.createTopic('t');
  cluster.append('t', 0, ...log(0, 0, { attributes: 0x30 }));
  start('t', 0);
  await until(() => expect(batches).toMatchObject([{ records: [], fetchedOffset: 0n, nextOffset: 1n }]));
});

test('a thousand partitions share a fetch', async () => {
  const { cluster, start, batches, until } = openReader();
  cluster.createTopic('t', { partitions: 1_000 });
  for (let partition = 0; partition < 1_000; partition++) start('t', partition);
  await until(() => expect(longFetches(cluster).at(-1)?.partitions.length).toBe(1_000));
  expect(cluster.requests.length).toBeLessThan(4);
  cluster.append('t', 999, ...log(0, 0));
  await until(() => expect(batches).toMatchObject([{ partition: 999 }]));
});

test('topics of which one name begins with the other are told apart', async () => {
  const { cluster, start, read, until } = openReader();
  for (const topic of ['t', 't/1', 't/1/1']) {
    cluster.createTopic(topic, { partitions: 2 });
    start(topic, 1);
  }
  cluster.append('t/1', 1, ...log(0, 3));
  await until(() => expect(read('t/1', 1)).toEqual(range(0, 3)));
  expect([read('t', 1), read('t/1/1', 1)]).toEqual([[], []]);
});

describe('a busy partition', () => {
  test('beside idle ones is not held up by their long poll', async () => {
    const opened = openReader({
      partitionBytes: 100,
      // As a task whose queue is full for a moment
      onBatch: ({ topic, partition }) => {
        opened.reader.pause(topic, partition);
        setImmediate(() => opened.reader.resume(topic, partition));
      },
    });
    const { cluster, start, read, until } = opened;
    cluster.createTopic('t', { partitions: 12 });
    for (let partition = 0; partition < 12; partition++) start('t', partition);
    await until(() => expect(longFetches(cluster).length).toBeGreaterThan(0));
    cluster.append('t', 0, ...log(0, 199));
    const startedAt = performance.now();
    await until(() => expect(read().length).toBe(200));
    // One fetch each: with a long poll between them it would be more than a minute
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(read()).toEqual(range(0, 199));
  });

  test('that has nothing left goes back to the long poll of the others', async () => {
    const { cluster, reader, start, until } = openReader();
    cluster.createTopic('t', { partitions: 3 });
    start('t', 0);
    await until(() => expect(longFetches(cluster).length).toBe(1));
    start('t', 1);
    await until(() => expect(cluster.requests.length).toBeGreaterThan(1));
    await until(() => expect(longFetches(cluster).length).toBeGreaterThanOrEqual(3));
    const later = cluster.requests.slice(cluster.requests.indexOf(longFetches(cluster)[2]!));
    expect(later.every(({ maxWaitMs }) => maxWaitMs === LONG_POLL_MS)).toBe(true);
    reader.close();
  });

  test('does not starve others: what did not fit into an answer is in the next, also without sessions', async () => {
    for (const hasSessions of [true, false]) {
      const { cluster, start, batches, reader, until } = openReader({ partitionBytes: 1_024 * 1_024 });
      cluster.hasSessions = hasSessions;
      cluster.createTopic('t', { partitions: 12 });
      const large = Array.from({ length: 4 }, (_, at) =>
        storedBatch({ firstOffset: BigInt(at), records: [{ value: Buffer.alloc(1_000_000) }] }),
      );
      for (let partition = 0; partition < 12; partition++) cluster.append('t', partition, ...large);
      for (let partition = 0; partition < 12; partition++) start('t', partition);
      const firsts = () => range(0, 11).map((partition) => batches.findIndex((batch) => batch.partition === partition));
      await until(() => expect(Math.min(...firsts())).toBe(0));
      expect(Math.max(...firsts())).toBeLessThan(24);
      reader.close();
    }
  });
});

test('a batch that is larger than what is wanted at once is read, also behind a busy partition', async () => {
  const { cluster, start, read, batches, until } = openReader({ partitionBytes: 500 });
  cluster.hasSessions = false;
  cluster.createTopic('t', { partitions: 2 });
  cluster.append('t', 0, ...log(0, 499));
  cluster.append('t', 1, storedBatch({ firstOffset: 0n, records: [{ value: Buffer.alloc(50_000) }] }));
  start('t', 0);
  start('t', 1);
  await until(() => expect(read('t', 1)).toEqual([0]));
  expect(batches.findIndex(({ partition }) => partition === 1)).toBeLessThan(4);
});

test('a small batch does not hold the whole answer in memory', async () => {
  const { cluster, start, batches, until } = openReader({ partitionBytes: 100_000 });
  cluster.createTopic('t', { partitions: 2 });
  cluster.append('t', 0, storedBatch({ firstOffset: 0n, records: [{ value: Buffer.alloc(90_000) }] }));
  cluster.append('t', 1, ...log(0, 0));
  start('t', 0);
  start('t', 1);
  await until(() => expect(batches.length).toBe(2));
  for (const { records, bytes } of batches) {
    expect(records[0]!.value!.buffer.byteLength).toBeLessThanOrEqual(Math.max(2 * bytes, Buffer.poolSize));
  }
});

describe('pause, seek and remove', () => {
  test('a new partition is paused, and a paused one is asked for no more', async () => {
    const { cluster, reader, start, read, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    cluster.append('t', 0, ...log(0, 0));
    reader.seek('t', 0, 0n);
    start('t', 1);
    await until(() => expect(longFetches(cluster).length).toBe(2));
    expect(read()).toEqual([]);
    reader.resume('t', 0);
    await until(() => expect(read()).toEqual([0]));
    reader.pause('t', 0);
    const before = longFetches(cluster).length;
    await until(() => expect(longFetches(cluster).length).toBeGreaterThan(before + 2));
    cluster.append('t', 0, ...log(1, 1));
    const seen = longFetches(cluster).length;
    await until(() => expect(longFetches(cluster).length).toBeGreaterThan(seen + 1));
    expect(read()).toEqual([0]);
  });

  test('a seek during a fetch drops what it brings, and does not wait for it', async () => {
    const { cluster, reader, start, read, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 9));
    start('t', 0, 10n);
    await until(() => expect(longFetches(cluster).length).toBe(1));
    const soughtAt = performance.now();
    reader.seek('t', 0, 5n);
    await until(() => expect(read()).toEqual(range(5, 9)));
    expect(performance.now() - soughtAt).toBeLessThan(LONG_POLL_MS / 2);
    // The long one is still asking from 10 on
    cluster.append('t', 0, ...log(10, 10));
    await until(() => expect(read().at(-1)).toBe(10));
    expect(read()).toEqual(range(5, 10));
  });

  test('a seek while a fetch is decompressed drops it', async () => {
    const { cluster, reader, start, read, pass, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 0, { attributes: CODECS.gzip }), ...log(1, 1));
    start('t', 0);
    vi.advanceTimersByTime(1);
    while (cluster.requests.length === 0) await nextTurn();
    reader.seek('t', 0, 1n);
    await until(() => expect(read()).toEqual([1]));
    await pass(1_000);
    expect(read()).toEqual([1]);
  });

  test('what is removed while it is fetched is not delivered, and can be added again', async () => {
    const { cluster, reader, start, read, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    start('t', 0);
    start('t', 1);
    await until(() => expect(longFetches(cluster).length).toBe(1));
    reader.remove('t', 0);
    reader.remove('t', 0);
    cluster.append('t', 0, ...log(0, 1));
    cluster.append('t', 1, ...log(0, 0));
    await until(() => expect(read('t', 1)).toEqual([0]));
    expect(read()).toEqual([]);
    start('t', 0, 1n);
    await until(() => expect(read()).toEqual([1]));
  });
});

describe('brokers', () => {
  test('a leader that moves is followed, without a gap and without a word', async () => {
    const { cluster, start, read, told, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    cluster.append('t', 0, ...log(0, 4));
    start('t', 0);
    start('t', 1);
    await until(() => expect(read().length).toBe(5));
    cluster.moveLeader('t', 0, 2);
    cluster.append('t', 0, ...log(5, 9));
    cluster.append('t', 1, ...log(0, 0));
    await until(() => expect([read().length, read('t', 1).length]).toEqual([10, 1]));
    expect(read()).toEqual(range(0, 9));
    expect(cluster.requests.at(-1)!.nodeId).toBe(2);
    expect(told).toEqual([]);
  });

  test('a leader that moves while its broker answers nothing is read from the next one at once', async () => {
    const { cluster, start, read, reader, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    start('t', 0);
    await until(() => expect(longFetches(cluster).length).toBe(1));
    // The fetch of broker 1 goes on for its whole time
    Object.assign(cluster.topic('t').partitions[0]!, { leader: 2, leaderEpoch: 1, batches: log(0, 0) });
    start('t', 1); // is what makes it look
    cluster.update('t', 1, { leader: 2, leaderEpoch: 1 });
    await until(() => expect(read()).toEqual([0]), LONG_POLL_MS / 2);
    reader.close();
  });

  test('a broker that is away is asked again, less and less often, told once, and read when it is back', async () => {
    const { cluster, start, read, told, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster).length).toBe(1));
    cluster.stop(1);
    await until(() => expect(told).toEqual(['trouble: connection refused']));
    await until(() => expect(cluster.looks).toBeGreaterThan(6));
    expect(cluster.requests.length).toBeLessThan(30);
    cluster.start(1);
    cluster.append('t', 0, ...log(0, 2));
    await until(() => expect(read()).toEqual([0, 1, 2]));
    expect(told).toHaveLength(1);
  });

  test('a partition that is refused does not stop the others', async () => {
    const { cluster, start, read, told, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    cluster.update('t', 1, { errorCode: 29 });
    start('t', 0);
    start('t', 1);
    for (let at = 0; at < 20; at++) {
      cluster.append('t', 0, ...log(at, at));
      await until(() => expect(read().length).toBe(at + 1));
    }
    await until(() => expect(told).toEqual([expect.stringMatching(/^trouble: .*authorized/i)]));
    cluster.append('t', 1, ...log(0, 0));
    cluster.update('t', 1, { errorCode: 0 });
    await until(() => expect(read('t', 1)).toEqual([0]));
  });

  test('a partition without a leader is waited for, and told', async () => {
    const { cluster, start, read, told, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 0));
    cluster.moveLeader('t', 0, null);
    start('t', 0);
    await until(() => expect(told).toEqual([expect.stringMatching(/^trouble: .*leader/i)]));
    cluster.moveLeader('t', 0, 1);
    await until(() => expect(read()).toEqual([0]));
  });

  test('a session that the broker does not know any more is nothing but another request', async () => {
    const { cluster, start, read, told, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster).length).toBe(2));
    cluster.failNext({ errorCode: 70 });
    cluster.append('t', 0, ...log(0, 0));
    await until(() => expect(read()).toEqual([0]));
    cluster.append('t', 0, ...log(1, 1));
    await until(() => expect(read()).toEqual([0, 1]));
    expect(told).toEqual([]);
  });
});

describe('topics', () => {
  test('one that is not there yet is waited for, and told', async () => {
    const { cluster, start, read, told, until } = openReader();
    start('t', 0);
    await until(() => expect(told).toEqual([expect.stringMatching(/^trouble: .*topic/i)]));
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 0));
    await until(() => expect(read()).toEqual([0]));
  });

  test('one that was deleted and created again is told, and read only from where the reader is told to', async () => {
    const { cluster, reader, start, read, told, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 2));
    start('t', 0);
    await until(() => expect(read().length).toBe(3));
    cluster.deleteTopic('t');
    await until(() => expect(cluster.looks).toBeGreaterThan(2));
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 9));
    await until(() => expect(told.filter((each) => !each.startsWith('trouble'))).toEqual(['recreated: t/0']));
    expect(read()).toHaveLength(3);
    expect(reader.isResting('t', 0)).toBe(true);
    reader.seek('t', 0, 0n);
    expect(reader.isResting('t', 0)).toBe(false);
    await until(() => expect(read().length).toBe(13));
    expect(told.filter((each) => each.startsWith('recreated'))).toHaveLength(1);
  });

  test('a position that is from another topic of the name is not read from', async () => {
    const { cluster, reader, told, read, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 2));
    reader.seek('t', 0, 1n, 'AAECAwQFBgcICQoLDA0ODw');
    reader.resume('t', 0);
    await until(() => expect(told).toEqual(['recreated: t/0']));
    expect(read()).toEqual([]);
  });

  test.each([
    [5n, 'deleted'],
    [99n, 'not there yet'],
  ])('a position (%s) whose record is %s is told once, and rests until a seek', async (position) => {
    const { cluster, reader, start, told, read, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    cluster.append('t', 0, ...log(10, 12));
    cluster.update('t', 0, { start: 10n });
    start('t', 0, position);
    start('t', 1);
    await until(() => expect(told).toEqual(['out of range: t/0']));
    const fetches = longFetches(cluster).length;
    await until(() => expect(longFetches(cluster).length).toBeGreaterThan(fetches + 1));
    expect(told).toHaveLength(1);
    reader.seek('t', 0, 10n);
    await until(() => expect(read()).toEqual([10, 11, 12]));
  });
});

describe('damage', () => {
  const damaged = (offset: number) => {
    const [batch] = log(offset, offset);
    batch![70]! ^= 1;
    return batch!;
  };

  test('that is gone with the next fetch is nothing', async () => {
    const { cluster, start, told, read, until } = openReader();
    cluster.createTopic('t');
    cluster.append('t', 0, ...log(0, 1));
    start('t', 0);
    await until(() => expect(read()).toEqual([0, 1]));
    for (const at of [2, 3]) {
      cluster.damages = 1;
      cluster.append('t', 0, ...log(at, at));
      await until(() => expect(read().length).toBe(at + 1));
    }
    expect([cluster.damages, told]).toEqual([0, []]);
  });

  test('that stays is told with its place, and what stands before it is delivered', async () => {
    const { cluster, reader, start, told, read, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    cluster.append('t', 0, ...log(0, 1), damaged(2), ...log(3, 3));
    start('t', 0);
    start('t', 1);
    await until(() => expect(told).toEqual(['corrupt: t/0 at 2']));
    expect(read()).toEqual([0, 1]);
    reader.seek('t', 0, 3n);
    await until(() => expect(read()).toEqual([0, 1, 3]));
    cluster.append('t', 1, ...log(0, 0));
    await until(() => expect(read('t', 1)).toEqual([0]));
  });
});

describe('close', () => {
  test('nothing is delivered and nothing is asked for any more', async () => {
    const { cluster, reader, start, read, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster).length).toBe(1));
    reader.close();
    reader.close();
    cluster.append('t', 0, ...log(0, 0));
    start('t', 0);
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    expect(cluster.requests).toHaveLength(1);
    expect(read()).toEqual([]);
  });

  test('connections that are closed are not asked without end', async () => {
    const { cluster, start, told, until } = openReader();
    cluster.createTopic('t', { partitions: 100 });
    for (let partition = 0; partition < 100; partition++) start('t', partition);
    await until(() => expect(longFetches(cluster).length).toBe(1));
    cluster.close();
    await until(() => expect(told).toEqual(['trouble: the connections are closed']));
    expect(cluster.requests.length).toBeLessThan(5);
  });
});
