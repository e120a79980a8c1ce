import { expect, test } from 'vitest';
import type { InputRecord } from '../driver.ts';
import { HandOffQueue, QueueMemory } from './queue.ts';

test('the position after a batch that cannot be read is behind its last record, also where a take ends there', () => {
  const queue = new HandOffQueue({ highBytes: 1_000, lowBytes: 100 }, new QueueMemory(1_000));
  const record = (offset: string): InputRecord => ({
    topic: 'in',
    partition: 0,
    offset,
    timestamp: '0',
    key: null,
    value: null,
    headers: [],
  });
  const unreadable = { ...record('5'), unreadable: { lastOffset: '8', reason: 'larger' } };
  queue.put({ topic: 'in', partition: 0, records: [record('4'), unreadable, record('9')], nextOffset: 10n, bytes: 1 });
  expect([1, 1, 1].map((records) => queue.take(records).done(records).get('in'))).toEqual([5n, 9n, 10n]);
});
