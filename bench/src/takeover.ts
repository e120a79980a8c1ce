/** Two workers share a step; one of them ends. How long do its partitions wait, and the other's? */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arena, createTopic } from './arena.ts';
import { dropOutputs, prepareStep, uniqueName } from './contest.ts';
import { BenchError } from './errors.ts';
import { type EncodeOrder, PARTITIONS } from './input.ts';
import { type Probe, Probes } from './probes.ts';
import type { ProcessFigures } from './report.ts';
import { SESSION_TIMEOUT_MS } from './sagafleet.ts';
import { longestSilence } from './silence.ts';
import { medianOf, percentileOf } from './statistics.ts';
import { startWorker, tasksOf, untilShared, type WorkerProcess } from './worker-process.ts';

/** Between two records to each partition. */
const PROBE_INTERVAL_MS = 20;
/** A worker that began less than 5 s ago reads offsets for 3 s before it believes them (docs/decisions/0006). */
const WARM_UP_MS = 8_000;
/** Goes on after the last partition is back, for whatever follows a rebalance. */
const AFTERMATH_MS = 1_000;
const BACK_WITHIN_MS = SESSION_TIMEOUT_MS + 20_000;
const POLL_MS = 20;

const ALL = Array.from({ length: PARTITIONS }, (_, at) => at);

/** Of the partitions that moved the slowest one, of those that did not each one. */
interface Takeover {
  movedMs: number;
  unmovedGapsMs: number[];
}

type Figures = Pick<ProcessFigures, 'takeoverKillMs' | 'takeoverStopMs' | 'sessionTimeoutMs' | 'unmovedGapMs'>;

export async function measureTakeovers(arena: Arena, { encode, rounds }: { encode: EncodeOrder; rounds: number }): Promise<Figures> {
  const takeovers: Record<'SIGKILL' | 'SIGTERM', Takeover[]> = { SIGKILL: [], SIGTERM: [] };
  for (let round = 0; round < rounds; round++) {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const takeover = await measureTakeover(arena, encode, signal);
      takeovers[signal].push(takeover);
      arena.progress(`takeover after ${signal}: ${Math.round(takeover.movedMs)} ms`);
    }
  }
  const gaps = [...takeovers.SIGKILL, ...takeovers.SIGTERM].flatMap(({ unmovedGapsMs }) => unmovedGapsMs);
  return {
    takeoverKillMs: Math.round(medianOf(takeovers.SIGKILL.map(({ movedMs }) => movedMs))),
    takeoverStopMs: Math.round(medianOf(takeovers.SIGTERM.map(({ movedMs }) => movedMs))),
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    unmovedGapMs: { p50: Math.round(percentileOf(gaps, 50)), max: Math.round(Math.max(...gaps)) },
  };
}

async function measureTakeover(arena: Arena, encode: EncodeOrder, signal: 'SIGKILL' | 'SIGTERM'): Promise<Takeover> {
  const input = uniqueName('takeover-in');
  await createTopic(arena, input, PARTITIONS);
  const step = await prepareStep(arena, { name: uniqueName('takeover'), input, partitions: PARTITIONS });
  const workers = [await startWorker(arena, step), await startWorker(arena, step)];
  const probes = await Probes.open(arena, { ...step, encode, partitionCount: PARTITIONS, partitions: ALL });
  try {
    await untilShared(workers, PARTITIONS / workers.length);
    return await endOne(workers[0]!, probes, signal);
  } finally {
    await probes.close();
    await Promise.all(workers.map(({ program }) => program.stop()));
    await dropOutputs(arena, step);
  }
}

async function endOne({ program, healthUrl }: WorkerProcess, probes: Probes, signal: NodeJS.Signals): Promise<Takeover> {
  const sending = new AbortController();
  const sent = sendUntil(probes, sending.signal);
  try {
    await sleep(WARM_UP_MS);
    const moved = new Set(await tasksOf(healthUrl));
    const endedAt = performance.now();
    program.signal(signal);
    await untilBack(probes.sent, moved, endedAt);
    await sleep(AFTERMATH_MS);
    return takeoverIn(probes.sent, moved, endedAt);
  } finally {
    sending.abort();
    await sent;
  }
}

async function sendUntil(probes: Probes, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const dueAt = performance.now() + PROBE_INTERVAL_MS;
    await probes.send(ALL);
    await sleep(Math.max(dueAt - performance.now(), 0));
  }
}

/** Back is a partition when a record came out that was sent well after the end of its worker. */
async function untilBack(sent: readonly Probe[], moved: ReadonlySet<number>, endedAt: number): Promise<void> {
  const isBack = (partition: number) =>
    sent.some(
      (probe) => probe.partition === partition && probe.sentAtMs > endedAt + 2 * PROBE_INTERVAL_MS && !Number.isNaN(probe.seenAtMs),
    );
  for (const deadline = endedAt + BACK_WITHIN_MS; ![...moved].every(isBack); await sleep(POLL_MS)) {
    if (performance.now() > deadline) throw new BenchError('NotMeasured', `partitions were not taken over in ${BACK_WITHIN_MS / 1_000} s`);
  }
}

export function takeoverIn(sent: readonly Probe[], moved: ReadonlySet<number>, endedAt: number): Takeover {
  const takeover: Takeover = { movedMs: 0, unmovedGapsMs: [] };
  for (const [partition, probes] of Map.groupBy(sent, (probe) => probe.partition)) {
    const seen = probes
      .map(({ seenAtMs }) => seenAtMs)
      .filter((at) => !Number.isNaN(at))
      .sort((a, b) => a - b);
    const { beganAtMs, endedAtMs } = longestSilence(seen, endedAt);
    if (moved.has(partition)) takeover.movedMs = Math.max(takeover.movedMs, endedAtMs - endedAt);
    else takeover.unmovedGapsMs.push(endedAtMs - beganAtMs);
  }
  return takeover;
}
