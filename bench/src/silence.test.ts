import { expect, test } from 'vitest';
import { longestSilence } from './silence.ts';

test('the longest gap between two records', () => {
  expect(longestSilence([10, 20, 90, 100], 5)).toEqual({ beganAtMs: 20, endedAtMs: 90 });
});

test('a gap that was over before does not count', () => {
  expect(longestSilence([10, 90, 100, 130], 95)).toEqual({ beganAtMs: 100, endedAtMs: 130 });
});

test('a gap that had begun before counts from its beginning', () => {
  expect(longestSilence([10, 90, 100], 50)).toEqual({ beganAtMs: 10, endedAtMs: 90 });
});

test('before the first record silence begins with the span', () => {
  expect(longestSilence([90], 50)).toEqual({ beganAtMs: 50, endedAtMs: 90 });
});
