/** What a run found; printed as JSON exactly as it stands. */
import type { Entrant } from './entrant.ts';
import type { Spread } from './statistics.ts';

export interface Row extends Entrant {
  /** Median of the rounds. */
  recordsPerSecond: number;
  /** Records per second of CPU time of the subject's process, median of the rounds. */
  recordsPerCpuSecond: number;
  spread: { recordsPerSecond: MinMax; recordsPerCpuSecond: MinMax };
}

export type MinMax = Omit<Spread, 'median'>;

/** `hop`: one record through one exactly-once step. `order`: from HTTP to the end of the order saga. */
export type Path = 'hop' | 'order';
export type Load = 'idle' | 'half';

export interface LatencyRow {
  subject: Entrant['subject'];
  path: Path;
  load: Load;
  p50Ms: number;
  p99Ms: number;
  /** Records that were timed. */
  count: number;
  /** Records a second that went in. */
  recordsPerSecond: number;
}

export interface ProcessFigures {
  /** Per cent of a core, with 100 partitions. */
  idleCpu: number;
  /** The same with 1,000 partitions, and how many connections to the broker the worker has then. */
  idleManyCpu: number;
  connections: number;
  /** Records per second of one busy partition beside eleven idle ones, against those that it has alone. */
  hotShare: number;
  /** Until ready, on a drained topic. */
  startMs: number;
  /** Until the first record is out, on a topic that holds one. */
  startBehindMs: number;
  rssMiB: number;
  takeoverKillMs: number;
  takeoverStopMs: number;
  sessionTimeoutMs: number;
  /** Longest silence of partitions that did not move, over both takeovers. */
  unmovedGapMs: { p50: number; max: number };
}

/** What was to be measured and was not. */
export interface Missing {
  what: string;
  reason: string;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
}

export interface Report {
  rows: Row[];
  latency: LatencyRow[];
  /** Null where it was not asked for. */
  process: ProcessFigures | null;
  missing: Missing[];
  records: number;
  rounds: number;
  machine: Machine;
  versions: Record<string, string>;
}
