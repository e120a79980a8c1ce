/** `npm run test:chaos`: seeded faults under load, and whether the step did its work exactly once. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { describeFindings } from './judge.ts';
import {
  BROKER_FAULTS, FAULT_KINDS, isOutputLeaderFault, MARKER_FAULTS, planFaults, WORKER_FAULTS, type Fault, type FaultKind,
} from './plan.ts';
import type { MarkerKill } from './marker-faults.ts';
import { runChaos, type ChaosEvent, type ChaosOptions, type ChaosReport } from './run-chaos.ts';

const HELP = `Runs workers of a step through faults and judges what they wrote.

  npm run test:chaos -- [options]

  --seed <n>             the first seed; the same seed gives the same faults (default: by chance)
  --seeds <n>            how many runs, seed after seed (1)
  --minutes <n>          how long the faults of one run last (4)
  --faults <n>           of one run (20)
  --kinds <a,b>          only these faults, of
                         ${WORKER_FAULTS.join(', ')},
                         ${BROKER_FAULTS.join(', ')},
                         connections-cut, power-cut,
                         ${MARKER_FAULTS.slice(0, 2).join(', ')},
                         ${MARKER_FAULTS.slice(2).join(', ')}
                         (those of output leaders on three brokers)
  --records <n>          of one run, committed by three producers (200000)
  --brokers <1|3|1,3>    Kafka brokers; with "1,3" runs take turns (1,3)
  --output-replication <1|3>
                         of the topics that the step writes; of one replica the leader can be killed (on three brokers 1
                         and 3 in turn, and 1 where no kind is wanted but those of output leaders)
  --load <n>             busy processes beside the run, each half of the time (as many as there are processors); 0: none
  --workers <n>          as many at least, faults apart (3)
  --session-timeout <ms> of the workers (6000)
  --plan                 only print the faults
  --keep                 keep topics and logs of clean runs too
  -h, --help             this text

Kills between the answer to EndTxn and its markers alone, on one broker; the last lines say how many made it skip markers:

  npm run test:chaos -- --brokers 1 --kinds kill-after-end-txn,kill-after-end-txn-workers --faults 30
  npm run test:chaos -- --brokers 3 --kinds kill-output-leader,kill-output-leader-workers --faults 10

Exit code 0: every run was clean; 1: something was found, the last lines say what, where topics and logs are kept and how
to run it again, or there was no verdict; 2: wrong options.
`;

const EXIT_FOUND = 1;
const EXIT_USAGE = 2;
const MINUTE_MS = 60_000;
const DRAIN_WITHIN_MS = 120_000;
const REPLICATION_TURNS = [1, 3];
const LAYOUTS: Record<string, readonly number[]> = { 1: [1], 3: [3], '1,3': [1, 3] };

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '4' },
  faults: { type: 'string', default: '20' },
  kinds: { type: 'string', default: FAULT_KINDS.join(',') },
  records: { type: 'string', default: '200000' },
  brokers: { type: 'string', default: '1,3' },
  'output-replication': { type: 'string' },
  load: { type: 'string', default: String(availableParallelism()) },
  workers: { type: 'string', default: '3' },
  'session-timeout': { type: 'string', default: '6000' },
  plan: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

type Run = Omit<ChaosOptions, 'onEvent' | 'signal'> & { kinds: readonly FaultKind[] };
interface Options { runs: Run[]; isPlanOnly: boolean }

/** Undefined: only help was asked for. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return undefined;
  const number = (name: Exclude<keyof typeof OPTIONS, 'kinds' | 'plan' | 'keep' | 'help'>, least = Number.MIN_VALUE) => {
    const value = Number(values[name]);
    if (!(value >= least)) throw new Error(`--${name} must be a number ${least === 0 ? 'of at least 0' : 'above 0'}, not "${values[name]}"`);
    return value;
  };
  const kinds = values.kinds.split(',') as FaultKind[];
  const unknown = kinds.find((kind) => !FAULT_KINDS.includes(kind));
  if (unknown !== undefined) throw new Error(`no kind of fault is called "${unknown}"`);
  const layouts = LAYOUTS[values.brokers];
  if (!layouts) throw new Error(`--brokers is 1, 3 or 1,3, not "${values.brokers}"`);
  if (kinds.every(isOutputLeaderFault) && layouts.includes(1)) throw new Error('output leaders are killed on three brokers only; set --brokers 3');
  const replication = values['output-replication'];
  if (replication !== undefined && !['1', '3'].includes(replication)) throw new Error(`--output-replication is 1 or 3, not "${replication}"`);
  const outputReplicationOf = (each: number, brokers: number) => {
    if (brokers === 1 || kinds.every(isOutputLeaderFault)) return 1;
    return replication === undefined ? REPLICATION_TURNS[Math.floor(each / 2) % 2]! : Number(replication);
  };
  const seed = values.seed === undefined ? 1 + Math.floor(Math.random() * 1_000_000) : number('seed');
  const runs = Array.from({ length: number('seeds') }, (_, at) => ({ seed: seed + at, brokers: layouts[at % layouts.length]! })).map((run): Run => ({
    ...run, outputReplication: outputReplicationOf(run.seed, run.brokers), load: number('load', 0), durationMs: number('minutes') * MINUTE_MS, faults: number('faults'),
    records: number('records'), workers: number('workers'), sessionTimeoutMs: number('session-timeout'), drainWithinMs: DRAIN_WITHIN_MS,
    kinds, keep: values.keep,
  }));
  return { runs, isPlanOnly: values.plan };
}

/** Whether every run was clean. */
async function runAll({ runs, isPlanOnly }: Options): Promise<boolean> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  let clean = 0;
  for (const run of runs) {
    const { seed, brokers, faults, records, durationMs } = run;
    console.log(`── seed ${seed}: ${brokers} broker${brokers > 1 ? 's' : ''}, ${faults} faults in ${durationMs / MINUTE_MS} min, ${records} records`);
    if (isPlanOnly) for (const fault of planFaults(run)) console.log(line(fault.atMs, describeFault(fault)));
    else if (await runOne(run, stop.signal)) clean++;
    if (stop.signal.aborted) break;
  }
  if (!isPlanOnly) console.log(`${clean} of ${runs.length} runs clean`);
  return isPlanOnly || clean === runs.length;
}

async function runOne(run: Run, signal: AbortSignal): Promise<boolean> {
  try {
    return tellVerdict(run, await runChaos({ ...run, onEvent: tell, signal }));
  } catch (error) {
    console.log(`── seed ${run.seed}: ${signal.aborted ? 'stopped' : `no verdict: ${error instanceof Error ? error.message : String(error)}`}`);
    return false;
  }
}

function tell(event: ChaosEvent): void {
  console.log(line(event.atMs, describe(event)));
}

function describe(event: ChaosEvent): string {
  if (event.kind === 'note') return event.text;
  if (event.kind === 'progress') return `… ${event.records} records in, ${event.faultsOver} faults over, ${event.workers} workers`;
  if (event.kind === 'begin') return `#${event.number} ${describeFault(event.fault)}`;
  return `#${event.number} over${event.markerKill === null ? '' : `: ${describeMarkerKill(event.markerKill)}`}`;
}

function describeMarkerKill({ skipped, movedAfterMs }: MarkerKill): string {
  const moved = movedAfterMs === null ? 'something still stands still' : `everything moved ${inSeconds(movedAfterMs)} after the broker was back`;
  return `markers of ${skipped} transactions skipped; ${moved}`;
}

function describeFault({ kind, target, lengthMs }: Fault): string {
  const whom = target === null ? '' : ` of ${kind.startsWith('worker') ? 'worker' : 'broker'} ${target}`;
  return `${kind}${whom}${lengthMs > 0 ? ` for ${inSeconds(lengthMs)}` : ''}`;
}

function inSeconds(timeMs: number): string {
  return `${(timeMs / 1_000).toFixed(1)} s`;
}

function line(atMs: number, text: string): string {
  return `${(atMs / 1_000).toFixed(1).padStart(7)} s  ${text}`;
}

function tellVerdict(run: Run, report: ChaosReport): boolean {
  const { verdict, inputs, neverCommitted, outputs, commits, folder, markers, longestStandstills: { reader, task }, standstillLimitMs } = report;
  const came = Object.entries(outputs).map(([topic, count]) => `${count} in ${topic}`).join(', ');
  console.log(`   went in: ${inputs}, and ${neverCommitted} in transactions that were not committed; came out: ${came}; ${commits} commits of offsets`);
  console.log(`   kills that skipped markers: ${markers.skippingKills} of ${markers.kills}; transactions of the run with markers skipped: ${markers.skippedTransactions}`);
  console.log(`   longest standstill: a reader ${inSeconds(reader)}, a task ${inSeconds(task)}, of ${inSeconds(standstillLimitMs)} allowed`);
  if (verdict.isClean) console.log(`── seed ${run.seed}: clean: 0 lost, 0 doubled, 0 reordered, 0 uncommitted, 0 stalled, offsets at the ends`);
  else {
    console.log(`── seed ${run.seed}: NOT CLEAN`);
    for (const finding of describeFindings(verdict)) console.log(`   ${finding}`);
    console.log(`   topics and logs: ${folder}\n   again: npm run test:chaos -- ${argumentsOf(run)}`);
  }
  return verdict.isClean;
}

function argumentsOf({ seed, brokers, outputReplication, load, durationMs, faults, records, workers, sessionTimeoutMs, kinds }: Run): string {
  return `--seed ${seed} --brokers ${brokers} --output-replication ${outputReplication} --load ${load} --minutes ${durationMs / MINUTE_MS} --faults ${faults} --records ${records} `
    + `--workers ${workers} --session-timeout ${sessionTimeoutMs} --kinds ${kinds.join(',')}`;
}

let options: Options | undefined;
try {
  options = readOptions();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(EXIT_USAGE);
}
if (options === undefined) process.stdout.write(HELP);
else process.exit(await runAll(options) ? 0 : EXIT_FOUND);
