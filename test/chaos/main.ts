/** `npm run test:chaos`: seeded faults under load, and whether the step did its work exactly once. */
import { parseArgs } from 'node:util';
import { describeFindings } from './judge.ts';
import { FAULT_KINDS, planFaults, type Fault, type FaultKind } from './plan.ts';
import { runChaos, type ChaosEvent, type ChaosOptions, type ChaosReport } from './run-chaos.ts';

const HELP = `Runs workers of a step through faults and judges what they wrote.

  npm run test:chaos -- [options]

  --seed <n>             the first seed; the same seed gives the same faults (default: by chance)
  --seeds <n>            how many runs, seed after seed (1)
  --minutes <n>          how long the faults of one run last (4)
  --faults <n>           of one run (20)
  --kinds <a,b>          only these faults, of ${FAULT_KINDS.slice(0, 5).join(', ')},
                         ${FAULT_KINDS.slice(5, 9).join(', ')},
                         ${FAULT_KINDS.slice(9).join(', ')}
  --records <n>          of one run, committed by three producers (200000)
  --brokers <1|3|1,3>    Kafka brokers; with "1,3" runs take turns (1,3)
  --workers <n>          as many at least, faults apart (3)
  --session-timeout <ms> of the workers (6000)
  --plan                 only print the faults
  --keep                 keep topics and logs of clean runs too
  -h, --help             this text

Exit code 0: every run was clean; 1: something was found, the last lines say what, where topics and logs are kept and how
to run it again, or there was no verdict; 2: wrong options.
`;

const EXIT_FOUND = 1;
const EXIT_USAGE = 2;
const MINUTE_MS = 60_000;
const DRAIN_WITHIN_MS = 120_000;
const LAYOUTS: Record<string, readonly number[]> = { 1: [1], 3: [3], '1,3': [1, 3] };

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '4' },
  faults: { type: 'string', default: '20' },
  kinds: { type: 'string', default: FAULT_KINDS.join(',') },
  records: { type: 'string', default: '200000' },
  brokers: { type: 'string', default: '1,3' },
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
  const number = (name: Exclude<keyof typeof OPTIONS, 'kinds' | 'plan' | 'keep' | 'help'>) => {
    const value = Number(values[name]);
    if (!(value > 0)) throw new Error(`--${name} is to be a number above 0, not "${values[name]}"`);
    return value;
  };
  const kinds = values.kinds.split(',') as FaultKind[];
  const unknown = kinds.find((kind) => !FAULT_KINDS.includes(kind));
  if (unknown !== undefined) throw new Error(`no kind of fault is called "${unknown}"`);
  const layouts = LAYOUTS[values.brokers];
  if (!layouts) throw new Error(`--brokers is 1, 3 or 1,3, not "${values.brokers}"`);
  const seed = values.seed === undefined ? 1 + Math.floor(Math.random() * 1_000_000) : number('seed');
  const runs = Array.from({ length: number('seeds') }, (_, at): Run => ({
    seed: seed + at, brokers: layouts[at % layouts.length]!, durationMs: number('minutes') * MINUTE_MS, faults: number('faults'),
    records: number('records'), workers: number('workers'), sessionTimeoutMs: number('session-timeout'), drainWithinMs: DRAIN_WITHIN_MS,
    kinds, keep: values.keep,
  }));
  return { runs, isPlanOnly: values.plan };
}

/** Whether every run was clean. */
async function runAll({ runs, isPlanOnly }: Options): Promise<boolean> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const dirty: Run[] = [];
  for (const run of runs) {
    const { seed, brokers, faults, records, durationMs } = run;
    console.log(`── seed ${seed}: ${brokers} broker${brokers > 1 ? 's' : ''}, ${faults} faults in ${durationMs / MINUTE_MS} min, ${records} records`);
    if (isPlanOnly) for (const fault of planFaults(run)) console.log(line(fault.atMs, describeFault(fault)));
    else if (!(await runOne(run, stop.signal))) dirty.push(run);
    if (stop.signal.aborted) break;
  }
  if (!isPlanOnly) console.log(`${runs.length - dirty.length} of ${runs.length} runs clean`);
  return dirty.length === 0;
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
  return event.kind === 'begin' ? `#${event.number} ${describeFault(event.fault)}` : `#${event.number} over`;
}

function describeFault({ kind, target, lengthMs }: Fault): string {
  const whom = target === null ? '' : ` of ${kind.startsWith('worker') ? 'worker' : 'broker'} ${target}`;
  return `${kind}${whom}${lengthMs > 0 ? ` for ${(lengthMs / 1_000).toFixed(1)} s` : ''}`;
}

function line(atMs: number, text: string): string {
  return `${(atMs / 1_000).toFixed(1).padStart(7)} s  ${text}`;
}

function tellVerdict(run: Run, { verdict, inputs, neverCommitted, outputs, commits, folder }: ChaosReport): boolean {
  const came = Object.entries(outputs).map(([topic, count]) => `${count} in ${topic}`).join(', ');
  console.log(`   went in: ${inputs}, and ${neverCommitted} in transactions that were not committed; came out: ${came}; ${commits} commits of offsets`);
  if (verdict.isClean) console.log(`── seed ${run.seed}: clean: 0 lost, 0 doubled, 0 reordered, 0 uncommitted, offsets at the ends`);
  else {
    console.log(`── seed ${run.seed}: NOT CLEAN`);
    for (const finding of describeFindings(verdict)) console.log(`   ${finding}`);
    console.log(`   topics and logs: ${folder}\n   again: npm run test:chaos -- ${argumentsOf(run)}`);
  }
  return verdict.isClean;
}

function argumentsOf({ seed, brokers, durationMs, faults, records, workers, sessionTimeoutMs, kinds }: Run): string {
  return `--seed ${seed} --brokers ${brokers} --minutes ${durationMs / MINUTE_MS} --faults ${faults} --records ${records} `
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
