/** A report as Markdown. */
import type { Machine, MinMax, ProcessFigures, Report, Row } from './report.ts';
import { judge, type Judgement } from './targets.ts';

export function formatReport(report: Report): string {
  const parts = [
    rowsTable(report),
    latencyTable(report),
    processTable(report.process),
    targetsTable(report),
    missingList(report),
    conditions(report),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function rowsTable({ rows }: Report): string {
  return table(
    ['subject', 'guarantee', 'work', 'records/s', 'min – max', 'records per CPU second', 'min – max'],
    rows.map((row) => [
      row.subject,
      row.mode,
      workOf(row),
      count(row.recordsPerSecond),
      range(row.spread.recordsPerSecond),
      count(row.recordsPerCpuSecond),
      range(row.spread.recordsPerCpuSecond),
    ]),
  );
}

function workOf({ work, keys }: Row): string {
  return keys === 'spread' ? `${work}, keys spread` : work;
}

function latencyTable({ latency }: Report): string {
  return table(
    ['subject', 'path', 'load', 'p50 ms', 'p99 ms', 'timed', 'records/s meanwhile'],
    latency.map(({ subject, path, load, p50Ms, p99Ms, count: timed, recordsPerSecond }) => [
      subject,
      path,
      load,
      p50Ms.toFixed(1),
      p99Ms.toFixed(1),
      count(timed),
      count(recordsPerSecond),
    ]),
  );
}

function processTable(figures: ProcessFigures | null): string {
  if (!figures) return '';
  return table(
    ['worker process', 'figure'],
    [
      ['idle with 100 partitions', `${figures.idleCpu} % of a core`],
      ['idle with 1,000 partitions', `${figures.idleManyCpu} % of a core`],
      ['connections to the broker with 1,000 partitions', String(figures.connections)],
      ['one busy partition of twelve, against it alone', String(figures.hotShare)],
      ['start until ready, topic drained', `${count(figures.startMs)} ms`],
      ['start until the first record is out, topic not drained', `${count(figures.startBehindMs)} ms`],
      ['idle memory', `${count(figures.rssMiB)} MiB`],
      [`takeover after SIGKILL, session timeout ${count(figures.sessionTimeoutMs)} ms`, `${count(figures.takeoverKillMs)} ms`],
      ['takeover after a clean stop', `${count(figures.takeoverStopMs)} ms`],
      ['gap of partitions that stay, p50 and longest', `${count(figures.unmovedGapMs.p50)} and ${count(figures.unmovedGapMs.max)} ms`],
    ],
  );
}

function targetsTable(report: Report): string {
  const measured = judge(report).filter(({ found }) => found !== null);
  return table(
    ['to reach', 'wanted', 'found', ''],
    measured.map((each) => [each.what, each.wanted, foundIn(each), each.isReached ? 'reached' : 'NOT REACHED']),
  );
}

/** Small numbers with what stands behind the point. */
function foundIn({ found }: Judgement): string {
  return found! < 100 ? String(Math.round(found! * 100) / 100) : count(found!);
}

function missingList({ missing }: Report): string {
  return missing.map(({ what, reason }) => `NOT MEASURED: ${what}: ${reason.split('\n')[0]}`).join('\n');
}

function conditions({ rows, machine, versions, records, rounds }: Report): string {
  return [
    `${rows.length > 0 ? `${count(records)} records after a warm-up, median` : 'Median'} of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
    `${describeMachine(machine)}. ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  ].join('\n');
}

function describeMachine({ cpu, cores, memoryGiB, system }: Machine): string {
  return `${cores} cores of ${cpu}, ${memoryGiB} GiB, ${system}`;
}

/** Empty without rows. A column of which every cell begins with a digit is aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const widths = head.map((title, at) => Math.max(title.length, 3, ...rows.map((row) => row[at]!.length)));
  const isNumeric = head.map((_, at) => rows.every((row) => /^\d/.test(row[at]!)));
  const pad = (text: string, at: number) => (isNumeric[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!));
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (isNumeric[at] ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** "1,234,567" */
function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function range({ min, max }: MinMax): string {
  return `${count(min)} – ${count(max)}`;
}
