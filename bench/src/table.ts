/** A report as Markdown. */
import type { Machine, MinMax, Report, Row } from './report.ts';

export function formatReport(report: Report): string {
  const parts = [rowsTable(report), machineLines(report)];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function rowsTable({ rows }: Report): string {
  if (rows.length === 0) return '';
  return table(
    ['subject', 'guarantee', 'work', 'records/s', 'min – max', 'records per CPU second', 'min – max'],
    rows.map((row) => [
      row.subject, row.mode, workOf(row), count(row.recordsPerSecond), range(row.spread.recordsPerSecond),
      count(row.recordsPerCpuSecond), range(row.spread.recordsPerCpuSecond),
    ]),
  );
}

function workOf({ work, keys }: Row): string {
  return keys === 'spread' ? `${work}, keys spread` : work;
}

function machineLines({ machine, versions, records, rounds }: Report): string {
  return [
    `${count(records)} records after a warm-up, median of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
    `${describeMachine(machine)}. ${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')}.`,
  ].join('\n');
}

function describeMachine({ cpu, cores, memoryGiB, system }: Machine): string {
  return `${cores} cores of ${cpu}, ${memoryGiB} GiB, ${system}`;
}

/** Columns that begin with a digit in every row are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, 3, ...rows.map((row) => row[at]!.length)));
  const isNumeric = head.map((_, at) => rows.every((row) => /^\d/.test(row[at]!)));
  const pad = (text: string, at: number) => (isNumeric[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!));
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (isNumeric[at] ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

/** "1,234,567" */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function range({ min, max }: MinMax): string {
  return `${count(min)} – ${count(max)}`;
}
