/** Runs every stage of `npm test`, the later ones also after a failed one, and ends with one line of counts. */
import { parseArgs } from 'node:util';
import { endProcesses, RUN_MARKER, RunWatch } from './run/left-behind.ts';
import { runStage, STAGES, type StageName, type StageResult } from './run/stages.ts';

const HELP = `Runs lint, types, unit tests and tests against a real Kafka and schema registry.

  npm test -- [options]

  --only <stages>  some stages alone, as in --only lint,types,unit,real
  --allow-skips    do not count skipped tests as failed
  -h, --help       this text

Lint and types count as one check each. The last line is "N passed, N failed"; exit code 1 if any failed.
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_SIGNALLED = 130;

interface Options {
  stages: readonly StageName[];
  allowSkips: boolean;
}

/** Undefined: only help was asked for. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      'allow-skips': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const wanted = values.only?.split(',') ?? STAGES;
  const unknown = wanted.find((name) => !STAGES.includes(name as StageName));
  if (unknown !== undefined) throw new Error(`no stage is called "${unknown}": name some of ${STAGES.join(', ')}`);
  return { stages: STAGES.filter((name) => wanted.includes(name)), allowSkips: values['allow-skips'] };
}

async function runAll({ stages, allowSkips }: Options): Promise<boolean> {
  const runId = `${process.pid}-${Date.now()}`;
  const watch = new RunWatch(runId);
  watch.start();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());

  const results: StageResult[] = [];
  for (const name of stages) {
    if (stop.signal.aborted) break;
    console.log(`── ${name}`);
    const result = await runStage(name, { env: { ...process.env, [RUN_MARKER]: runId }, stop: stop.signal });
    results.push(result);
    console.log(`── ${describe(result)}\n`);
  }
  const isClean = await checkNothingLeft(watch);

  const skipped = allowSkips ? 0 : sum(results, 'skipped');
  const failed = sum(results, 'failed') + skipped + (isClean ? 0 : 1);
  for (const result of results) console.log(describe(result));
  if (skipped > 0) console.log('skipped tests count as failed (--allow-skips for developers)');
  if (stop.signal.aborted) process.exitCode = EXIT_SIGNALLED;
  console.log(`${sum(results, 'passed')} passed, ${failed} failed`);
  return failed === 0;
}

function describe({ name, passed, failed, skipped, seconds }: StageResult): string {
  const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  return `${name.padEnd(6)} ${failed === 0 ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(6)} s  ${counts}`;
}

function sum(results: readonly StageResult[], key: 'passed' | 'failed' | 'skipped'): number {
  return results.reduce((total, result) => total + result[key], 0);
}

/** A test that leaves a process behind would fail the next run on a port or a lock, far from its cause. */
async function checkNothingLeft(watch: RunWatch): Promise<boolean> {
  const left = await watch.stop();
  for (const { pid, command } of left) console.log(`left behind: process ${pid}: ${command}`);
  endProcesses(left);
  return left.length === 0;
}

try {
  const options = readOptions();
  if (options === undefined) process.stdout.write(HELP);
  else if (!(await runAll(options))) process.exitCode ??= EXIT_FAILED;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = EXIT_USAGE;
}
