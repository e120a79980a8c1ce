import { expect, test } from 'vitest';
import type { Report } from './report.ts';
import { formatReport, table } from './table.ts';

const REPORT: Report = {
  rows: [
    {
      subject: 'sagafleet',
      mode: 'exactly-once',
      work: 'raw',
      keys: 'spread',
      recordsPerSecond: 345_678,
      recordsPerCpuSecond: 310_000,
      spread: { recordsPerSecond: { min: 300_000, max: 350_000 }, recordsPerCpuSecond: { min: 309_000, max: 311_000 } },
    },
  ],
  latency: [{ subject: 'sagafleet', path: 'hop', load: 'idle', p50Ms: 13, p99Ms: 20.25, count: 300, recordsPerSecond: 10 }],
  process: null,
  missing: [{ what: 'franz-go', reason: 'there is no go here\nat all' }],
  records: 1_000_000,
  rounds: 3,
  machine: { cpu: 'Some CPU', cores: 2, memoryGiB: 16, system: 'Linux 6' },
  versions: { Node: '24.0.0', Kafka: '4.3.1' },
};

test('columns of numbers stand to the right', () => {
  expect(
    table(
      ['name', 'count'],
      [
        ['a', '7'],
        ['longer', '1,000'],
      ],
    ),
  ).toBe(['| name   | count |', '|--------|------:|', '| a      |     7 |', '| longer | 1,000 |'].join('\n'));
});

test('a table of nothing is nothing', () => {
  expect(table(['name'], [])).toBe('');
});

test('a report names figures, their spread and the conditions', () => {
  const text = formatReport(REPORT);
  expect(text).toContain('| raw, keys spread |');
  expect(text).toContain('|   345,678 | 300,000 – 350,000 |');
  expect(text).toContain('1,000,000 records after a warm-up, median of 3 rounds.');
  expect(text).toContain('2 cores of Some CPU, 16 GiB, Linux 6. Node 24.0.0, Kafka 4.3.1.');
});

test('what was wanted is told with what was found, and only where something was', () => {
  const text = formatReport(REPORT);
  expect(text).toMatch(/\| a hop, idle, p50 in ms +\| < 12 +\| +13 +\| NOT REACHED +\|/);
  expect(text).toMatch(/\| a hop, idle, p99 in ms +\| < 50 +\| +20.25 +\| reached +\|/);
  expect(text).not.toContain('an order over HTTP');
});

test('what is missing is told loudly, with the first line of why', () => {
  expect(formatReport(REPORT)).toContain('NOT MEASURED: franz-go: there is no go here\n');
});
