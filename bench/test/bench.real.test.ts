import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { LatencyRow, Row } from '../src/report.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const POSITIVE: unknown = expect.toSatisfy((value: unknown) => Number.isFinite(value) && (value as number) > 0);
const MIN_MAX = { min: POSITIVE, max: POSITIVE };

/** No figure is judged: the bench itself judges that the work was done, and fails where it was not. */
test('measures the worker and a peer, and prints JSON and nothing else', { timeout: 240_000 }, async () => {
  const options = ['--only', 'sagafleet,kafkajs', '--parts', 'rows,latency', '--records', '4000', '--rounds', '1', '--probes', '5'];
  const { stdout } = await promisify(execFile)(process.execPath, ['-C', 'source', MAIN, ...options, '--output', 'json'], {
    timeout: 220_000,
  });
  const report = JSON.parse(stdout) as { rows: Row[]; latency: LatencyRow[]; process: unknown; missing: unknown[] };
  expect(report.missing).toEqual([]);
  expect(report.rows.map(({ subject, mode, work, keys }) => [subject, mode, work, keys].join(' '))).toEqual([
    'sagafleet exactly-once raw kept',
    'sagafleet exactly-once raw spread',
    'sagafleet exactly-once cel kept',
    'sagafleet at-least-once raw kept',
    'sagafleet at-least-once cel kept',
    'kafkajs at-least-once raw kept',
    'kafkajs exactly-once raw kept',
  ]);
  for (const row of report.rows) {
    expect(row).toMatchObject({ recordsPerSecond: POSITIVE, spread: { recordsPerSecond: MIN_MAX } });
  }
  expect(report.latency.map(({ subject, path, load }) => [subject, path, load].join(' '))).toEqual([
    'sagafleet hop idle',
    'sagafleet hop half',
    'kafkajs hop idle',
    'kafkajs hop half',
    'sagafleet order idle',
  ]);
  for (const row of report.latency) expect(row).toMatchObject({ p50Ms: POSITIVE, p99Ms: POSITIVE, count: 5 });
});
