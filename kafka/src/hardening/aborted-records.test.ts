import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { type AbortedTransaction, abortedRecords, type FetchedRecord } from './aborted-records.ts';
import type { Internals } from './override.ts';

interface Case { log: FetchedRecord[]; aborted: AbortedTransaction[]; seen: string[]; leaksFromStock: boolean }

const record = (offset: number, producerId: string, key: Buffer | null = null) =>
  ({ offset: String(offset), key, isControlRecord: false, batchContext: { producerId, inTransaction: true, isControlBatch: false } });
const marker = (offset: number, producerId: string) =>
  ({
    ...record(offset, producerId, Buffer.from([0, 0, 0, 0])), isControlRecord: true,
    batchContext: { producerId, inTransaction: true, isControlBatch: true },
  });
/** What `record-batches` puts behind a batch whose last records compaction took. */
const end = (offset: number, producerId: string) => ({ ...record(offset, producerId), isControlRecord: true });

const CASES: Record<string, Case> = {
  'a transaction between its first record and its marker is left out': {
    log: [record(0, 'a'), record(1, 'b'), marker(2, 'a'), record(3, 'a'), marker(4, 'a')],
    aborted: [{ producerId: 'a', firstOffset: '0' }],
    seen: ['1', '3'],
    leaksFromStock: false,
  },
  'the end of a batch is not the end of its transaction': {
    log: [record(0, 'a'), end(5, 'a'), record(6, 'a'), marker(7, 'a'), record(8, 'a')],
    aborted: [{ producerId: 'a', firstOffset: '0' }],
    seen: ['8'],
    leaksFromStock: false,
  },
  'transactions come in the order of their ends': {
    log: [record(0, 'a'), record(1, 'b'), marker(2, 'b'), record(3, 'a'), marker(4, 'a')],
    aborted: [{ producerId: 'b', firstOffset: '1' }, { producerId: 'a', firstOffset: '0' }],
    seen: [],
    leaksFromStock: true,
  },
  'several transactions began before the first record that was fetched': {
    log: [record(10, 'b'), record(11, 'a'), marker(12, 'a'), marker(13, 'b')],
    aborted: [{ producerId: 'a', firstOffset: '1' }, { producerId: 'b', firstOffset: '2' }],
    seen: [],
    leaksFromStock: true,
  },
  'a record has the key of an abort marker': {
    log: [record(0, 'a', Buffer.from([0, 0, 0, 0])), record(1, 'a'), marker(2, 'a')],
    aborted: [{ producerId: 'a', firstOffset: '0' }],
    seen: [],
    leaksFromStock: true,
  },
  'a producer that is not in a transaction shares an id with one that was': {
    log: [record(0, 'a'), { ...record(1, 'a'), batchContext: { producerId: 'a', inTransaction: false, isControlBatch: false } }, marker(2, 'a')],
    aborted: [{ producerId: 'a', firstOffset: '0' }],
    seen: ['1'],
    leaksFromStock: false,
  },
  'nothing was aborted': {
    log: [record(0, 'a'), marker(1, 'a')],
    aborted: [],
    seen: ['0'],
    leaksFromStock: false,
  },
};

type BatchClass = new (topic: string, offset: string, data: object) => { messages: FetchedRecord[] };

function readAll(internals: Internals, { log, aborted }: Case): string[] {
  const Batch = internals.load('consumer/batch') as BatchClass;
  const data = { partition: 0, highWatermark: '99', messages: log, abortedTransactions: aborted };
  return new Batch('topic', '0', data).messages.map(({ offset }) => offset);
}

test.each(Object.entries(CASES))('%s', (_sentence, one) => {
  const copy = privateCopy(abortedRecords);
  onTestFinished(() => copy[Symbol.dispose]());
  expect(readAll(copy.internals, one)).toEqual(one.seen);
});

const leaks = Object.entries(CASES).filter(([, { leaksFromStock }]) => leaksFromStock);

test.each(leaks)('kafkajs as published shows aborted records when %s', (_sentence, one) => {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  expect(readAll(copy.internals, one)).not.toEqual(one.seen);
});
