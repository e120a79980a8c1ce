/** The figures that sagafleet wants to reach, and whether this run did. */
import type { Entrant, SubjectName } from './entrant.ts';
import type { LatencyRow, Report, Row } from './report.ts';

export interface Judgement {
  what: string;
  /** "≥ 300,000" */
  wanted: string;
  /** Null: this run did not measure it. */
  found: number | null;
  isReached: boolean | null;
}

/** What is compared, and with which bound; a digit after the point where the bound is small. */
interface Target {
  what: string;
  atLeast?: number;
  below?: number;
  find(report: Report): number | null;
}

const TARGETS: readonly Target[] = [
  { what: 'raw exactly-once, records per CPU second', atLeast: 300_000, find: (report) => perCpu(report, ours({})) },
  { what: '… against kafkajs at-least-once', atLeast: 2, find: (report) => against(report, 'kafkajs', 'at-least-once') },
  { what: '… against Kafka Streams exactly-once', atLeast: 3, find: (report) => against(report, 'kafka-streams', 'exactly-once') },
  { what: 'franz-go exactly-once against it', below: 3, find: (report) => inverse(against(report, 'franz-go', 'exactly-once')) },
  { what: 'CEL exactly-once, records per CPU second', atLeast: 120_000, find: (report) => perCpu(report, ours({ work: 'cel' })) },
  {
    what: 'CEL exactly-once against at-least-once',
    atLeast: 0.85,
    find: (report) => ratio(perCpu(report, ours({ work: 'cel' })), perCpu(report, ours({ work: 'cel', mode: 'at-least-once' }))),
  },
  {
    what: 'raw exactly-once against at-least-once',
    atLeast: 0.85,
    find: (report) => ratio(perCpu(report, ours({})), perCpu(report, ours({ mode: 'at-least-once' }))),
  },
  {
    what: 'keys spread against kept',
    atLeast: 0.8,
    find: (report) => ratio(perCpu(report, ours({ keys: 'spread' })), perCpu(report, ours({}))),
  },
  { what: 'a hop, idle, p50 in ms', below: 12, find: (report) => latency(report, 'hop', 'idle')?.p50Ms ?? null },
  { what: 'a hop, idle, p99 in ms', below: 50, find: (report) => latency(report, 'hop', 'idle')?.p99Ms ?? null },
  { what: 'a hop, half load, p99 in ms', below: 300, find: (report) => latency(report, 'hop', 'half')?.p99Ms ?? null },
  { what: 'an order over HTTP, idle, p50 in ms', below: 80, find: (report) => latency(report, 'order', 'idle')?.p50Ms ?? null },
  { what: 'idle with 100 partitions, per cent of a core', below: 0.5, find: ({ process }) => process?.idleCpu ?? null },
  { what: 'idle with 1,000 partitions, per cent of a core', below: 1, find: ({ process }) => process?.idleManyCpu ?? null },
  { what: 'connections to a broker with 1,000 partitions', below: 17, find: ({ process }) => process?.connections ?? null },
  { what: 'one busy partition of twelve, against it alone', atLeast: 0.8, find: ({ process }) => process?.hotShare ?? null },
  { what: 'start until ready in ms', below: 1_000, find: ({ process }) => process?.startMs ?? null },
  { what: 'idle memory in MiB', below: 120, find: ({ process }) => process?.rssMiB ?? null },
  {
    what: 'takeover after SIGKILL, ms beyond the session timeout',
    below: 500,
    find: ({ process }) => (process ? process.takeoverKillMs - process.sessionTimeoutMs : null),
  },
  { what: 'takeover after a clean stop in ms', below: 400, find: ({ process }) => process?.takeoverStopMs ?? null },
  { what: 'gap of partitions that stay, p50 in ms', below: 50, find: ({ process }) => process?.unmovedGapMs.p50 ?? null },
  { what: 'gap of partitions that stay, longest in ms', below: 300, find: ({ process }) => process?.unmovedGapMs.max ?? null },
];

export function judge(report: Report): Judgement[] {
  return TARGETS.map(({ what, atLeast, below, find }) => {
    const found = find(report);
    const wanted = atLeast === undefined ? `< ${below!.toLocaleString('en-US')}` : `≥ ${atLeast.toLocaleString('en-US')}`;
    const isReached = found === null ? null : atLeast === undefined ? found < below! : found >= atLeast;
    return { what, wanted, found, isReached };
  });
}

function ours(differences: Partial<Entrant>): Entrant {
  return { subject: 'sagafleet', mode: 'exactly-once', work: 'raw', keys: 'kept', ...differences };
}

function against(report: Report, subject: SubjectName, mode: Entrant['mode']): number | null {
  return ratio(perCpu(report, ours({})), perCpu(report, ours({ subject, mode })));
}

function perCpu({ rows }: Report, entrant: Entrant): number | null {
  return rows.find((row) => isOf(row, entrant))?.recordsPerCpuSecond ?? null;
}

function isOf(row: Row, { subject, mode, work, keys }: Entrant): boolean {
  return row.subject === subject && row.mode === mode && row.work === work && row.keys === keys;
}

function latency(report: Report, path: LatencyRow['path'], load: LatencyRow['load']): LatencyRow | undefined {
  return report.latency.find((row) => row.subject === 'sagafleet' && row.path === path && row.load === load);
}

function ratio(value: number | null, base: number | null): number | null {
  return value === null || base === null ? null : value / base;
}

function inverse(value: number | null): number | null {
  return ratio(1, value);
}
