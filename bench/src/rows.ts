/** All entrants, round by round: what disturbs the machine for a while does not hit one of them alone. */
import type { Arena } from './arena.ts';
import { type Entrant, nameOf } from './entrant.ts';
import { type Input, writeInput } from './input.ts';
import type { Launch } from './job.ts';
import type { Missing, Row } from './report.ts';
import { spreadOf } from './statistics.ts';
import type { Subject } from './subjects.ts';
import { runRace, type Throughput } from './throughput.ts';

/** Half as many again as are measured are worked before, so that the compilers of V8 and the JVM have done their work. */
const WARM_UP_SHARE = 0.5;

export interface RowsOptions {
  records: number;
  rounds: number;
  nodeOptions: readonly string[];
}

interface Prepared {
  entrant: Entrant;
  launch: Launch;
  rounds: Throughput[];
}

export async function measureRows(
  arena: Arena,
  subjects: readonly Subject[],
  options: RowsOptions,
): Promise<{ rows: Row[]; missing: Missing[] }> {
  const missing: Missing[] = [];
  const prepared = await prepareAll(arena, subjects, missing);
  const warmUpRecords = Math.floor(options.records * WARM_UP_SHARE);
  arena.progress(`writing ${warmUpRecords + options.records} records`);
  const input = await writeInput(arena, warmUpRecords + options.records);
  for (let round = 1; round <= options.rounds; round++) {
    for (const each of prepared) {
      const what = `${nameOf(each.entrant)}, round ${round} of ${options.rounds}`;
      const throughput = await tryRace(arena, each, { input, warmUpRecords, nodeOptions: options.nodeOptions }, (reason) =>
        missing.push({ what, reason }),
      );
      if (!throughput) continue;
      each.rounds.push(throughput);
      arena.progress(`${what}: ${Math.round(throughput.recordsPerSecond)}/s, ${Math.round(throughput.recordsPerCpuSecond)} per CPU second`);
    }
  }
  return { rows: prepared.filter(({ rounds }) => rounds.length > 0).map(rowOf), missing };
}

async function prepareAll(arena: Arena, subjects: readonly Subject[], missing: Missing[]): Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (const { name, entrants, prepare } of subjects) {
    try {
      const launch = await prepare(arena);
      prepared.push(...entrants.map((entrant) => ({ entrant: { subject: name, ...entrant }, launch, rounds: [] })));
    } catch (error) {
      missing.push({ what: name, reason: (error as Error).message });
      arena.progress(`${name} cannot take part: ${(error as Error).message}`);
    }
  }
  return prepared;
}

type Conditions = { input: Input; warmUpRecords: number; nodeOptions: readonly string[] };

/** One that fails leaves the others their turn. */
async function tryRace(
  arena: Arena,
  { entrant, launch }: Prepared,
  conditions: Conditions,
  onFailure: (reason: string) => void,
): Promise<Throughput | null> {
  try {
    return await runRace(arena, { entrant, launch, ...conditions });
  } catch (error) {
    arena.progress((error as Error).message);
    onFailure((error as Error).message);
    return null;
  }
}

function rowOf({ entrant, rounds }: Prepared): Row {
  const perSecond = spreadOf(rounds.map(({ recordsPerSecond }) => recordsPerSecond));
  const perCpuSecond = spreadOf(rounds.map(({ recordsPerCpuSecond }) => recordsPerCpuSecond));
  return {
    ...entrant,
    recordsPerSecond: Math.round(perSecond.median),
    recordsPerCpuSecond: Math.round(perCpuSecond.median),
    spread: {
      recordsPerSecond: { min: Math.round(perSecond.min), max: Math.round(perSecond.max) },
      recordsPerCpuSecond: { min: Math.round(perCpuSecond.min), max: Math.round(perCpuSecond.max) },
    },
  };
}
