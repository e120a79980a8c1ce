import { expect, test } from 'vitest';
import { medianOf, percentileOf, spreadOf } from './statistics.ts';

test('the median of an odd number is a value, of an even number the mean of two', () => {
  expect(medianOf([9, 1, 5])).toBe(5);
  expect(medianOf([4, 1, 2, 9])).toBe(3);
  expect(medianOf([7])).toBe(7);
});

test('a spread names the median and both ends', () => {
  expect(spreadOf([30, 10, 20])).toEqual({ median: 20, min: 10, max: 30 });
});

test('a percentile is a value that was seen', () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect(percentileOf(hundred, 50)).toBe(50);
  expect(percentileOf(hundred, 99)).toBe(99);
  expect(percentileOf([3, 4], 99)).toBe(4);
  expect(percentileOf([3, 4], 0)).toBe(3);
});

test('numbers are ordered as numbers', () => {
  expect(percentileOf([10, 9, 100], 50)).toBe(10);
});

test('of nothing there are no statistics', () => {
  expect(() => medianOf([])).toThrow(RangeError);
});
