import { expect, test } from 'vitest';
import type { Entrant } from './entrant.ts';
import type { Report, Row } from './report.ts';
import { judge, type Judgement } from './targets.ts';

function rowOf(recordsPerCpuSecond: number, entrant: Partial<Entrant> = {}): Row {
  const minMax = { min: 0, max: 0 };
  return {
    subject: 'sagafleet',
    mode: 'exactly-once',
    work: 'raw',
    keys: 'kept',
    ...entrant,
    recordsPerSecond: 1,
    recordsPerCpuSecond,
    spread: { recordsPerSecond: minMax, recordsPerCpuSecond: minMax },
  };
}

const NOTHING: Report = {
  rows: [],
  latency: [],
  process: null,
  missing: [],
  records: 1,
  rounds: 1,
  machine: { cpu: 'test', cores: 2, memoryGiB: 1, system: 'test' },
  versions: {},
};

function judgementOf(what: string, report: Partial<Report>): Pick<Judgement, 'found' | 'isReached'> {
  const judgement = judge({ ...NOTHING, ...report }).find((each) => each.what === what)!;
  return { found: judgement.found, isReached: judgement.isReached };
}

test('what was not measured is neither reached nor missed', () => {
  expect(judge(NOTHING).every(({ found, isReached }) => found === null && isReached === null)).toBe(true);
  expect(judgementOf('… against kafkajs at-least-once', { rows: [rowOf(300_000)] })).toEqual({ found: null, isReached: null });
});

test('a lower bound is reached when it is met', () => {
  const what = 'raw exactly-once, records per CPU second';
  expect(judgementOf(what, { rows: [rowOf(300_000)] })).toEqual({ found: 300_000, isReached: true });
  expect(judgementOf(what, { rows: [rowOf(299_999)] }).isReached).toBe(false);
});

test('an upper bound is missed when it is met', () => {
  const what = 'a hop, idle, p50 in ms';
  const latency = { subject: 'sagafleet', path: 'hop', load: 'idle', p50Ms: 12, p99Ms: 20, count: 1, recordsPerSecond: 10 } as const;
  expect(judgementOf(what, { latency: [latency] })).toEqual({ found: 12, isReached: false });
  expect(judgementOf(what, { latency: [{ ...latency, p50Ms: 11.9 }] }).isReached).toBe(true);
});

const RATIOS: Record<string, { rows: Row[]; found: number; isReached: boolean }> = {
  '… against kafkajs at-least-once': {
    rows: [rowOf(250), rowOf(100, { subject: 'kafkajs', mode: 'at-least-once' }), rowOf(10, { subject: 'kafkajs' })],
    found: 2.5,
    isReached: true,
  },
  '… against Kafka Streams exactly-once': { rows: [rowOf(250), rowOf(100, { subject: 'kafka-streams' })], found: 2.5, isReached: false },
  'franz-go exactly-once against it': { rows: [rowOf(100), rowOf(250, { subject: 'franz-go' })], found: 2.5, isReached: true },
  'CEL exactly-once against at-least-once': {
    rows: [rowOf(1_000), rowOf(80, { work: 'cel' }), rowOf(100, { work: 'cel', mode: 'at-least-once' })],
    found: 0.8,
    isReached: false,
  },
  'keys spread against kept': { rows: [rowOf(100), rowOf(80, { keys: 'spread' })], found: 0.8, isReached: true },
};

test.for(Object.entries(RATIOS))('%s', ([what, { rows, found, isReached }]) => {
  expect(judgementOf(what, { rows })).toEqual({ found: expect.closeTo(found) as number, isReached });
});

test('a takeover after SIGKILL counts from the session timeout', () => {
  const process = {
    idleCpu: 1,
    idleManyCpu: 0.9,
    connections: 9,
    hotShare: 0.95,
    startMs: 1,
    startBehindMs: 1,
    rssMiB: 1,
    takeoverKillMs: 10_400,
    takeoverStopMs: 1,
    sessionTimeoutMs: 10_000,
    unmovedGapMs: { p50: 1, max: 1 },
  };
  expect(judgementOf('takeover after SIGKILL, ms beyond the session timeout', { process })).toEqual({ found: 400, isReached: true });
});
