import { expect, test } from 'vitest';
import { type Moment, throughputIn } from './throughput.ts';

const moment = (records: number, atMs: number, cpuSeconds: number): Moment => ({ records, atMs, cpuSeconds });

test('counts from the first moment past the warm-up', () => {
  const moments = [moment(0, 0, 1), moment(900, 500, 2), moment(1_100, 1_000, 2.5), moment(2_000, 2_000, 3), moment(3_100, 3_000, 3.5)];
  expect(throughputIn(moments, 1_000)).toEqual({ recordsPerSecond: 1_000, recordsPerCpuSecond: 2_000 });
});

test('warm-up and work between two looks count from the look before', () => {
  expect(throughputIn([moment(0, 0, 1), moment(3_000, 1_000, 2), moment(3_000, 1_010, 2)], 1_000)).toEqual({
    recordsPerSecond: 3_000 / 1.01,
    recordsPerCpuSecond: 3_000,
  });
});

test('CPU time below what the system resolves counts as that', () => {
  expect(throughputIn([moment(0, 0, 1), moment(3_000, 1_000, 1)], 1_000).recordsPerCpuSecond).toBe(300_000);
});
