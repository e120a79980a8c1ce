/** Records per second of one entrant, seen from outside the process: the same for all. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ChildProgram } from '@sagafleet/cli';
import { type Arena, commitStart, createTopic, deleteTopics } from './arena.ts';
import { type Entrant, nameOf } from './entrant.ts';
import { type Input, PARTITIONS } from './input.ts';
import { judgeOutput, readOutput } from './output.ts';
import { cpuSecondsOf } from './proc.ts';
import type { Launch } from './job.ts';

export interface Throughput { recordsPerSecond: number; recordsPerCpuSecond: number }

export interface Race {
  entrant: Entrant;
  launch: Launch;
  input: Input;
  /** So many records are worked before the clock starts. */
  warmUpRecords: number;
  nodeOptions: readonly string[];
}

/** Where an entrant is at a moment. */
interface Moment { records: number; atMs: number; cpuSeconds: number }

const START_TIMEOUT_MS = 60_000;
/** An entrant that is slower than that has stopped working. */
const SLOWEST_RECORDS_PER_MS = 5;

let races = 0;

/**
 * Runs an entrant until the group's committed offsets are at the end of the input. The clock and the count of CPU time
 * run from the first sight of offsets past the warm-up.
 * @throws CliError when it ends or hangs, BenchError WrongOutput
 */
export async function runRace(arena: Arena, race: Race): Promise<Throughput> {
  const { entrant, input } = race;
  const name = `bench-${++races}-${entrant.subject}`;
  const step = {
    brokers: arena.platform.brokers, registryUrl: arena.platform.registryUrl, input: input.topic,
    output: `${name}-out`, group: name, deadLetterTopic: `${name}-dlq`,
  };
  const folder = join(arena.platform.dataDir, name);
  mkdirSync(folder);
  await createTopic(arena, step.output, PARTITIONS);
  await createTopic(arena, step.deadLetterTopic, 1);
  await commitStart(arena, step.group, step.input);
  const command = await race.launch({
    entrant, step, schemaId: input.schemaId, partitions: PARTITIONS, folder, nodeOptions: race.nodeOptions,
  });
  const program = new ChildProgram({ ...command, name: nameOf(entrant), logFile: join(arena.platform.logsDir, `${name}.log`) });
  try {
    const throughput = await measure(program, race, () => progressOf(arena, step.group, step.input));
    await program.stop();
    judgeOutput(entrant, input, await readOutput(arena, step.output));
    return throughput;
  } finally {
    await program.stop();
    await deleteTopics(arena, [step.output, step.deadLetterTopic]);
  }
}

async function measure(program: ChildProgram, { input, warmUpRecords }: Race, progress: () => Promise<number>): Promise<Throughput> {
  const reach = async (records: number, what: string): Promise<Moment> => {
    let moment: Moment = { records: 0, atMs: 0, cpuSeconds: 0 };
    await program.waitUntil(what, async () => {
      moment = { records: await progress(), atMs: performance.now(), cpuSeconds: cpuSecondsOf(program.pid) };
      return moment.records >= records;
    }, START_TIMEOUT_MS + records / SLOWEST_RECORDS_PER_MS);
    return moment;
  };
  const begin = await reach(Math.max(warmUpRecords, 1), 'work through the warm-up');
  const end = await reach(input.records, 'work through its input');
  return throughputBetween(begin, end);
}

export function throughputBetween(begin: Moment, end: Moment): Throughput {
  const records = end.records - begin.records;
  return {
    recordsPerSecond: records / ((end.atMs - begin.atMs) / 1_000),
    recordsPerCpuSecond: records / (end.cpuSeconds - begin.cpuSeconds),
  };
}

/** The input holds no control records, so that offsets count records. */
async function progressOf({ admin }: Arena, group: string, topic: string): Promise<number> {
  const offsets = await admin.committedOffsets(group, [topic]);
  return offsets.reduce((sum, { offset }) => sum + Number(offset ?? 0n), 0);
}
