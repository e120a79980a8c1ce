import { describe, expect, test } from 'vitest';
import { log, longFetches, openReader, range } from '../../test/opened-reader.ts';
import { storedBatch } from '../../test/stored-batch.ts';

describe('what a fetch brings', () => {
  test('of several partitions is delivered, each', async () => {
    const { cluster, start, read, batches, until } = openReader();
    cluster.createTopic('t', { partitions: 12 });
    for (let partition = 0; partition < 12; partition++) cluster.append('t', partition, ...log(0, 1));
    for (let partition = 0; partition < 12; partition++) start('t', partition);
    await until(() => expect(batches).toHaveLength(12));
    // All in the first; the second is under way
    expect(longFetches(cluster).length).toBeLessThanOrEqual(2);
    expect(range(0, 11).map((partition) => read('t', partition))).toEqual(range(0, 11).map(() => [0, 1]));
  });

  test('is a view of the answer where that holds little else', async () => {
    const { cluster, start, batches, until } = openReader({ partitionBytes: 100_000 });
    cluster.createTopic('t');
    cluster.append('t', 0, storedBatch({ firstOffset: 0n, records: [{ value: Buffer.alloc(90_000) }] }));
    start('t', 0);
    await until(() => expect(batches).toHaveLength(1));
    expect(batches[0]!.records[0]!.value!.buffer.byteLength).toBeLessThan(100_000);
  });
});

describe('a broker', () => {
  test('is fetched from over two connections, with one request each at a time', async () => {
    const { cluster, start, read, told, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    start('t', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    for (let at = 0; at < 5; at++) {
      cluster.append('t', 1, ...log(at, at));
      if (at === 0) start('t', 1);
      await until(() => expect(read('t', 1)).toEqual(range(0, at)));
    }
    expect(new Set(cluster.requests.map(({ lane }) => lane))).toEqual(new Set(['fetch-long', 'fetch-short']));
    expect(told).toEqual([]);
  });

  test('gets all partitions in one long fetch again, once a short one comes back while none is under way', async () => {
    const { cluster, start, pass, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    start('t', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    // So that a short fetch is under way when the long one ends
    await pass(10);
    start('t', 1);
    await pass(2_000);
    const [last] = cluster.requests.slice(-1);
    expect(last).toMatchObject({ lane: 'fetch-long' });
    expect(cluster.requests.slice(-3).every(({ lane }) => lane === 'fetch-long')).toBe(true);
  });

  test('that fails is no trouble to those that are not read from it any more', async () => {
    const { cluster, reader, start, told, pass, until } = openReader();
    cluster.createTopic('t');
    start('t', 0);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    reader.remove('t', 0);
    const before = cluster.looks;
    cluster.stop(1);
    await pass(1_000);
    expect([cluster.looks, told]).toEqual([before, []]);
  });

  test('that fails stops the partitions that are still read from it, and they alone', async () => {
    const { cluster, reader, start, read, until } = openReader();
    cluster.createTopic('t', { partitions: 2 });
    start('t', 0);
    start('t', 1);
    await until(() => expect(longFetches(cluster)).toHaveLength(1));
    reader.remove('t', 0);
    cluster.stop(1);
    start('t', 0);
    await until(() => expect(cluster.looks).toBeGreaterThan(2));
    cluster.start(1);
    for (const partition of [0, 1]) cluster.append('t', partition, ...log(0, 0));
    await until(() => expect([read('t', 0), read('t', 1)]).toEqual([[0], [0]]));
  });
});
