import { expect, test } from 'vitest';
import { cpuSecondsOf, parseCpuSeconds, parseRssMiB, rssMiBOf } from './proc.ts';

test('CPU time is user and system time, whatever the program is called', () => {
  const rest = 'S 1 2 3 0 -1 4194304 9 8 7 6 250 50 11 12 20 0 7 0 123 456 789';
  expect(parseCpuSeconds(`42 (node) ${rest}`)).toBe(3);
  expect(parseCpuSeconds(`42 (my (odd) name) ${rest}`)).toBe(3);
});

test('resident memory is in MiB', () => {
  expect(parseRssMiB('Name:\tnode\nVmPeak:\t  999 kB\nVmRSS:\t  2048 kB\nThreads:\t7\n')).toBe(2);
});

test('a process that has ended has no memory', () => {
  expect(() => parseRssMiB('Name:\tnode\nState:\tZ (zombie)\n')).toThrow(/has ended/);
});

test('this process has both', () => {
  expect(cpuSecondsOf(process.pid)).toBeGreaterThan(0);
  expect(rssMiBOf(process.pid)).toBeGreaterThan(10);
});

test('a process that is not there is named', () => {
  expect(() => cpuSecondsOf(999_999_999)).toThrow(/999999999/);
});
