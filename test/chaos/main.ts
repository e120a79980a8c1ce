/** `npm run test:chaos`: seeded faults under load, and whether the step did its work exactly once. */
import { describeIngredients } from './ingredients.ts';
import { describeFindings, type Verdict } from './judge.ts';
import type { MarkerKill } from './marker-faults.ts';
import { argumentsOf, HELP, readOptions, type Options, type Run } from './options.ts';
import { isBrokerFault, planFaults, type Fault } from './plan.ts';
import { runChaos, type ChaosEvent, type ChaosReport } from './run-chaos.ts';

const EXIT_FOUND = 1;
const EXIT_USAGE = 2;
const MINUTE_MS = 60_000;
/** Whether every run was clean. */
async function runAll({ runs, isPlanOnly }: Options): Promise<boolean> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  let clean = 0;
  for (const run of runs) {
    const { seed, brokers, faults, records, durationMs, ingredients } = run;
    console.log(
      `── seed ${seed}: ${brokers} broker${brokers > 1 ? 's' : ''}, ${faults} faults in ${durationMs / MINUTE_MS} min, ${records} records; ${describeIngredients(ingredients)}`,
    );
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
    console.log(
      `── seed ${run.seed}: ${signal.aborted ? 'stopped' : `no verdict: ${error instanceof Error ? error.message : String(error)}`}`,
    );
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
  const moved =
    movedAfterMs === null ? 'something still stands still' : `everything moved ${inSeconds(movedAfterMs)} after the broker was back`;
  return `markers of ${skipped} transactions skipped; ${moved}`;
}

function describeFault({ kind, target, lengthMs }: Fault): string {
  const whom = target === null ? '' : ` of ${isBrokerFault(kind) ? 'broker' : 'worker'} ${target}`;
  return `${kind}${whom}${lengthMs > 0 ? ` for ${inSeconds(lengthMs)}` : ''}`;
}

function describeDuplicates({ ingredients }: Run, { redelivered }: Verdict): string {
  return ingredients.guarantee === 'AtLeastOnce' ? `${redelivered} delivered again` : '0 doubled';
}

function inSeconds(timeMs: number): string {
  return `${(timeMs / 1_000).toFixed(1)} s`;
}

function line(atMs: number, text: string): string {
  return `${(atMs / 1_000).toFixed(1).padStart(7)} s  ${text}`;
}

function tellVerdict(run: Run, report: ChaosReport): boolean {
  const {
    verdict,
    inputs,
    neverCommitted,
    outputs,
    commits,
    folder,
    markers,
    longestStandstills: { reader, task },
    standstillLimitMs,
  } = report;
  const came = Object.entries(outputs)
    .map(([topic, count]) => `${count} in ${topic}`)
    .join(', ');
  console.log(
    `   went in: ${inputs}, and ${neverCommitted} in transactions that were not committed; came out: ${came}; ${commits} commits of offsets`,
  );
  console.log(
    `   kills that skipped markers: ${markers.skippingKills} of ${markers.kills}; transactions of the run with markers skipped: ${markers.skippedTransactions}`,
  );
  console.log(
    `   longest standstill: a reader ${inSeconds(reader)}, a task ${inSeconds(task)}, of ${inSeconds(standstillLimitMs)} allowed`,
  );
  if (verdict.isClean)
    console.log(
      `── seed ${run.seed}: clean: 0 lost, 0 reordered, 0 uncommitted, 0 stalled, offsets at the ends, ${describeDuplicates(run, verdict)}`,
    );
  else {
    console.log(`── seed ${run.seed}: NOT CLEAN`);
    for (const finding of describeFindings(verdict)) console.log(`   ${finding}`);
    console.log(`   topics and logs: ${folder}\n   again: npm run test:chaos -- ${argumentsOf(run)}`);
  }
  return verdict.isClean;
}

let options: Options | undefined;
try {
  options = readOptions();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(EXIT_USAGE);
}
if (options === undefined) process.stdout.write(HELP);
else process.exit((await runAll(options)) ? 0 : EXIT_FOUND);
