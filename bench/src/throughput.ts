/** Records per second of one entrant, seen from outside the process: the same for all. */
import type { ChildProgram } from '@sagafleet/local';
import type { Arena } from './arena.ts';
import { startContest } from './contest.ts';
import type { Entrant } from './entrant.ts';
import { type Input, PARTITIONS } from './input.ts';
import type { Launch } from './job.ts';
import { judgeOutput, readOutput } from './output.ts';
import { CPU_RESOLUTION_SECONDS, cpuSecondsOf } from './proc.ts';

export interface Throughput {
  recordsPerSecond: number;
  recordsPerCpuSecond: number;
}

export interface Race {
  entrant: Entrant;
  launch: Launch;
  input: Input;
  /** So many records are worked before the clock starts. */
  warmUpRecords: number;
  nodeOptions: readonly string[];
}

/** Where an entrant is at a moment. */
export interface Moment {
  records: number;
  atMs: number;
  cpuSeconds: number;
}

const START_TIMEOUT_MS = 60_000;
/** An entrant that is slower than that has stopped working. */
const SLOWEST_RECORDS_PER_MS = 5;

/**
 * Runs an entrant until the group's committed offsets are at the end of the input. The clock and the count of CPU time
 * run from the first sight of offsets past the warm-up.
 * @throws CliError when it ends or hangs, BenchError WrongOutput
 */
export async function runRace(arena: Arena, race: Race): Promise<Throughput> {
  const { entrant, input } = race;
  const contest = await startContest(arena, { ...race, input: input.topic, schemaId: input.schemaId, partitions: PARTITIONS });
  try {
    const { step, program } = contest;
    const throughput = await measure(program, race, () => progressOf(arena, step.group, step.input));
    await program.stop();
    judgeOutput(entrant, input, await readOutput(arena, step.output));
    return throughput;
  } finally {
    await contest.close();
  }
}

async function measure(program: ChildProgram, { input, warmUpRecords }: Race, progress: () => Promise<number>): Promise<Throughput> {
  const moments: Moment[] = [];
  const reach = (records: number, what: string) =>
    program.waitUntil(
      what,
      async () => {
        const moment = { records: await progress(), atMs: performance.now(), cpuSeconds: cpuSecondsIfAlive(program.pid) };
        if (moment.cpuSeconds === null) return false;
        moments.push({ ...moment, cpuSeconds: moment.cpuSeconds });
        return moment.records >= records;
      },
      START_TIMEOUT_MS + records / SLOWEST_RECORDS_PER_MS,
    );
  await reach(warmUpRecords, 'work through the warm-up');
  await reach(input.records, 'work through its input');
  return throughputIn(moments, warmUpRecords);
}

/**
 * From the first moment past the warm-up to the last one; where these are the same, from the moment before.
 * @param moments in their order, at least two
 */
export function throughputIn(moments: readonly Moment[], warmUpRecords: number): Throughput {
  const end = moments.at(-1)!;
  const pastWarmUp = moments.findIndex(({ records }) => records >= warmUpRecords);
  const begin = moments[pastWarmUp]!.records < end.records ? moments[pastWarmUp]! : moments[Math.max(pastWarmUp - 1, 0)]!;
  const records = end.records - begin.records;
  return {
    recordsPerSecond: records / ((end.atMs - begin.atMs) / 1_000),
    recordsPerCpuSecond: records / Math.max(end.cpuSeconds - begin.cpuSeconds, CPU_RESOLUTION_SECONDS),
  };
}

/** Null for a process that has just ended, whose output says more than a missing file. */
function cpuSecondsIfAlive(pid: number): number | null {
  try {
    return cpuSecondsOf(pid);
  } catch {
    return null;
  }
}

/** The input holds no control records, so that offsets count records. */
async function progressOf({ admin }: Arena, group: string, topic: string): Promise<number> {
  const offsets = await admin.committedOffsets(group, [topic]);
  return offsets.reduce((sum, { offset }) => sum + Number(offset ?? 0n), 0);
}
