/** One record through one exactly-once step. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildProgram } from '@sagafleet/local';
import { type Arena, createTopic } from './arena.ts';
import { startContest, uniqueName } from './contest.ts';
import type { Entrant } from './entrant.ts';
import { PARTITIONS, registerSchemas } from './input.ts';
import type { Launch } from './job.ts';
import { startLoad } from './load-process.ts';
import { Probes } from './probes.ts';
import type { LatencyRow, Load } from './report.ts';
import { percentileOf } from './statistics.ts';

const IDLE_PARTITIONS = 3;
const PROBE_INTERVAL_MS = 100;
/** Sent before, so that connections stand and code is compiled. */
const WARM_UP_PROBES = 50;

export interface Hop {
  entrant: Entrant;
  launch: Launch;
  load: Load;
  /** That are timed. */
  probes: number;
  /** Of other records with load `half`. */
  recordsPerSecond: number;
}

/**
 * Idle: one record each 100 ms, to three partitions in turn. Half load: the same to one of twelve partitions, among all
 * the other records.
 */
export async function measureHop(arena: Arena, hop: Hop): Promise<LatencyRow> {
  const { entrant, launch, load } = hop;
  const { schemaId, encode } = await registerSchemas(arena);
  const partitions = load === 'idle' ? IDLE_PARTITIONS : PARTITIONS;
  const probed = load === 'idle' ? [0, 1, 2] : [0];
  const input = uniqueName(`hop-${load}`);
  await createTopic(arena, input, partitions);
  const contest = await startContest(arena, { entrant, launch, input, schemaId, partitions });
  const probes = await Probes.open(arena, { input, output: contest.step.output, encode, partitionCount: partitions, partitions: probed });
  let others: ChildProgram | null = null;
  try {
    await sendInTurn(probes, probed, 1);
    // Not before the subject works: nobody could say when it has caught up
    await probes.allSeen();
    if (load === 'half') others = startLoad(arena, { topic: input, partitions, recordsPerSecond: hop.recordsPerSecond });
    await sendInTurn(probes, probed, WARM_UP_PROBES);
    await probes.allSeen();
    const begin = { records: await recordsIn(arena, input), atMs: performance.now() };
    await sendInTurn(probes, probed, hop.probes);
    const seconds = (performance.now() - begin.atMs) / 1_000;
    const recordsPerSecond = Math.round(((await recordsIn(arena, input)) - begin.records) / seconds);
    await probes.allSeen();
    return { subject: entrant.subject, path: 'hop', load, ...latencyOf(probes, hop.probes), recordsPerSecond };
  } finally {
    await others?.stop();
    await probes.close();
    await contest.close();
  }
}

async function sendInTurn(probes: Probes, partitions: readonly number[], count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const dueAt = performance.now() + PROBE_INTERVAL_MS;
    await probes.send([partitions[at % partitions.length]!]);
    await sleep(Math.max(dueAt - performance.now(), 0));
  }
}

function latencyOf({ sent }: Probes, last: number): Pick<LatencyRow, 'p50Ms' | 'p99Ms' | 'count'> {
  const latencies = sent.slice(-last).map(({ sentAtMs, seenAtMs }) => seenAtMs - sentAtMs);
  return { p50Ms: toTenths(percentileOf(latencies, 50)), p99Ms: toTenths(percentileOf(latencies, 99)), count: latencies.length };
}

export function toTenths(value: number): number {
  return Math.round(value * 10) / 10;
}

async function recordsIn({ admin }: Arena, topic: string): Promise<number> {
  return (await admin.offsets(topic)).reduce((sum, { latest }) => sum + Number(latest), 0);
}
