import { expect, test } from 'vitest';
import { BatchSize } from './batch-size.ts';

test('after a failure a batch holds half of the last one, and twice as much after each that is committed', () => {
  const size = new BatchSize(100);
  expect(size.records).toBe(100);
  size.taken(40);
  size.failed();
  expect(size.records).toBe(20);
  size.committed();
  expect(size.records).toBe(40);
  for (let at = 0; at < 3; at++) size.committed();
  expect(size.records).toBe(100);
});

test('it holds one record at least, however often it fails', () => {
  const size = new BatchSize(100);
  for (let at = 0; at < 10; at++) size.failed();
  expect(size.records).toBe(1);
});

test('half of one record is one', () => {
  const size = new BatchSize(100);
  size.taken(1);
  size.failed();
  expect(size.records).toBe(1);
});

test('a take without records says nothing of the size', () => {
  const size = new BatchSize(100);
  size.taken(0);
  size.failed();
  expect(size.records).toBe(50);
});
