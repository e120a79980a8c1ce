import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { fetchedBatches } from './fetched-batches.ts';
import type { Override } from './override.ts';

interface Batch { rawMessages: unknown[]; messages: { offset: string }[]; firstOffset(): string | null; lastOffset(): string; offsetLag(): string }
type BatchClass = new (topic: string, offset: string, data: object) => Batch;

function record(offset: number, changes: object = {}) {
  return { offset: String(offset), key: null, isControlRecord: false, batchContext: { producerId: '1', inTransaction: true, isControlBatch: false }, ...changes };
}

const MARKER = { isControlRecord: true, key: Buffer.alloc(4), batchContext: { producerId: '1', inTransaction: true, isControlBatch: true } };

function batchOf(fetchedOffset: string, data: { messages: object[]; abortedTransactions?: object[] }, ...overrides: Override[]): Batch {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  return new (copy.internals.load('consumer/batch') as BatchClass)('topic', fetchedOffset, { partition: 3, highWatermark: '100', ...data });
}

const FETCHES: Record<string, [fetchedOffset: string, data: { messages: object[]; abortedTransactions?: object[] }]> = {
  'records from the one that was asked for': ['7', { messages: [record(7), record(8)] }],
  'records before it, of the same record batch': ['7', { messages: [record(5), record(6), record(7), record(9)] }],
  'only records before it': ['7', { messages: [record(5), record(6)] }],
  'nothing': ['7', { messages: [] }],
  'control records': ['7', { messages: [record(7), record(8, { isControlRecord: true, key: Buffer.alloc(4) }), record(9)] }],
  'a transaction that was aborted': ['7', {
    messages: [record(7), record(8), record(9, MARKER), record(10)],
    abortedTransactions: [{ producerId: '1', firstOffset: '8' }],
  }],
};

test.each(Object.entries(FETCHES))('is as kafkajs has it: %s', (_sentence, [fetchedOffset, data]) => {
  const parts = (batch: Batch) => [batch.rawMessages, batch.messages, batch.firstOffset(), batch.lastOffset(), batch.offsetLag()];
  expect(parts(batchOf(fetchedOffset, data, fetchedBatches))).toEqual(parts(batchOf(fetchedOffset, data)));
});

test('kafkajs as published asks every record for its offset, several times', () => {
  expect(questionsFor(batchOf)).toBeGreaterThanOrEqual(100);
});

test('the first record alone says where a fetch begins', () => {
  expect(questionsFor((offset, data) => batchOf(offset, data, fetchedBatches))).toBe(1);
});

function questionsFor(make: (fetchedOffset: string, data: { messages: object[] }) => unknown): number {
  let questions = 0;
  const asked = (offset: number) => Object.defineProperty(record(offset), 'offset', {
    get: () => {
      questions++;
      return String(offset);
    },
  });
  make('0', { messages: Array.from({ length: 100 }, (_, offset) => asked(offset)) });
  return questions;
}
