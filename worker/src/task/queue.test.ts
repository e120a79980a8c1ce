import { describe, expect, test } from 'vitest';
import type { FetchedBatch, InputRecord } from '../driver.ts';
import { HandOffQueue, QueueMemory } from './queue.ts';

function batch(topic: string, first: number, count: number, trailingControlRecords = 0): FetchedBatch {
  const records = Array.from({ length: count }, (_, i): InputRecord => ({
    topic,
    partition: 0,
    offset: String(first + i),
    timestamp: '0',
    key: null,
    value: null,
    headers: [],
  }));
  const nextOffset = BigInt(first + count + trailingControlRecords);
  return { topic, partition: 0, records, nextOffset, bytes: 100 * (count + trailingControlRecords) };
}

function queueOf(...batches: FetchedBatch[]): HandOffQueue {
  return queueIn(new QueueMemory(10_000), ...batches);
}

function queueIn(memory: QueueMemory, ...batches: FetchedBatch[]): HandOffQueue {
  const queue = new HandOffQueue({ highBytes: 1000, lowBytes: 300 }, memory);
  for (const each of batches) queue.put(each);
  return queue;
}

describe('hand-off queue', () => {
  test('takes records in fetch order over topics', () => {
    const { records } = queueOf(batch('a', 0, 2), batch('b', 5, 1), batch('a', 2, 1)).take(10);
    expect(records.map((record) => record.topic + record.offset)).toEqual(['a0', 'a1', 'b5', 'a2']);
  });

  test('the position moves past trailing control records', () => {
    expect(
      queueOf(batch('a', 0, 2, 1))
        .take(10)
        .done(2)
        .get('a'),
    ).toBe(3n);
  });

  test('a batch cut by maxRecords goes on where it was cut', () => {
    const queue = queueOf(batch('a', 0, 5, 1));
    const first = queue.take(2);
    expect(first.records.map((record) => record.offset)).toEqual(['0', '1']);
    expect(first.done(2).get('a')).toBe(2n);
    const rest = queue.take(10);
    expect(rest.records.map((record) => record.offset)).toEqual(['2', '3', '4']);
    expect(rest.done(3).get('a')).toBe(6n);
    expect(queue.isEmpty).toBe(true);
  });

  test('batches without records are taken along even when maxRecords is reached', () => {
    const queue = queueOf(batch('a', 0, 2), batch('a', 2, 0, 1));
    expect(queue.take(2).done(2).get('a')).toBe(3n);
  });

  test('is high above its mark, and low again only when drained below the low mark', () => {
    const queue = queueOf(batch('a', 0, 8), batch('a', 8, 4));
    expect([queue.isHigh, queue.isLow]).toEqual([true, false]);
    queue.take(8).done(8);
    expect([queue.isHigh, queue.isLow]).toEqual([false, false]);
    queue.take(4).done(4);
    expect(queue.isLow).toBe(true);
  });

  test('is low at its low mark', () => {
    const queue = queueOf(batch('a', 0, 3));
    expect([queue.isHigh, queue.isLow]).toEqual([false, true]);
  });

  test('is high with the first byte while all queues together hold too much', () => {
    const memory = new QueueMemory(0);
    const queue = queueIn(memory, { ...batch('a', 0, 1), bytes: 1 });
    expect([queue.isHigh, queue.isLow]).toEqual([true, false]);
  });

  test('while all queues together hold too much, one takes more only once it is empty', () => {
    const memory = new QueueMemory(500);
    const [stuck, moving] = [queueIn(memory, batch('a', 0, 6)), queueIn(memory, batch('b', 0, 2))];
    expect([moving.isHigh, moving.isLow]).toEqual([true, false]);
    moving.take(1).done(1);
    expect(moving.isLow).toBe(false);
    moving.take(1).done(1);
    expect([moving.isHigh, moving.isLow]).toEqual([false, true]);
    stuck.clear();
    moving.put(batch('b', 2, 2));
    expect([memory.isFull, moving.isHigh, moving.isLow]).toEqual([false, false, true]);
  });

  test('records that are taken count for the memory of all queues until they are processed', () => {
    const memory = new QueueMemory(500);
    const queue = queueIn(memory, batch('a', 0, 6));
    const taken = queue.take(6);
    expect([memory.isFull, queue.isLow]).toEqual([true, true]);
    taken.done(6);
    expect([memory.isFull, queue.isEmpty]).toEqual([false, true]);
  });

  test('what is taken and not done is taken again, first', () => {
    const memory = new QueueMemory(500);
    const queue = queueIn(memory, batch('a', 0, 2), batch('b', 0, 4, 1));
    const taken = queue.take(5);
    queue.put(batch('a', 2, 1));
    expect([...taken.done(3)]).toEqual([
      ['a', 2n],
      ['b', 1n],
    ]);
    expect([queue.isEmpty, queue.isLow, memory.isFull]).toEqual([false, false, true]);
    const rest = queue.take(10);
    expect(rest.records.map((record) => record.topic + record.offset)).toEqual(['b1', 'b2', 'b3', 'a2']);
    expect([...rest.done(4)]).toEqual([
      ['b', 5n],
      ['a', 3n],
    ]);
    expect(memory.isFull).toBe(false);
  });

  test('what was taken before it was cleared moves no position', () => {
    const memory = new QueueMemory(500);
    const queue = queueIn(memory, batch('a', 0, 6));
    const taken = queue.take(6);
    queue.clear();
    expect(memory.isFull).toBe(false);
    queue.put(batch('a', 0, 6));
    expect([...taken.done(6)]).toEqual([]);
    expect([memory.isFull, queue.take(10).records.length]).toEqual([true, 6]);
  });

  test('is low once it was cleared, however much others hold', () => {
    const memory = new QueueMemory(500);
    const queue = queueIn(memory, batch('a', 0, 6));
    memory.add(600);
    queue.clear();
    expect([memory.isFull, queue.isHigh, queue.isLow]).toEqual([true, false, true]);
  });

  test('a batch that was cut leaves the next one whole', () => {
    const queue = queueOf(batch('a', 0, 3), batch('a', 3, 3));
    queue.take(1).done(1);
    queue.take(10).done(2);
    expect(queue.take(10).records.map(({ offset }) => offset)).toEqual(['3', '4', '5']);
  });

  test('what is taken and not done waits again, and is done once', () => {
    const queue = queueOf(batch('a', 0, 11));
    const taken = queue.take(11);
    expect(queue.isHigh).toBe(false);
    expect([taken.done(3).get('a'), taken.done(3).get('a')]).toEqual([3n, undefined]);
    expect(queue.isHigh).toBe(true);
  });

  test('a batch wakes all who wait for it', async () => {
    const queue = queueOf();
    const ready = [queue.ready(), queue.ready()];
    queue.put(batch('a', 0, 1));
    await Promise.all(ready);
    await queue.ready();
  });

  test('ready waits for a batch', async () => {
    const queue = queueOf();
    const ready = queue.ready();
    queue.put(batch('a', 0, 1));
    await expect(ready).resolves.toBeUndefined();
  });
});
