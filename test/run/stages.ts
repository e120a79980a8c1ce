import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const STAGES = ['lint', 'types', 'unit', 'real'] as const;
export type StageName = (typeof STAGES)[number];

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface StageResult extends Counts {
  name: StageName;
  seconds: number;
}

export interface StageContext {
  env: NodeJS.ProcessEnv;
  /** Aborted: the running program is asked to end. */
  stop: AbortSignal;
}

/** The part of Jest's report format, which vitest's JSON reporter writes, that is counted. */
export interface TestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
}

const ROOT = join(import.meta.dirname, '..', '..');
const ESLINT = 'node_modules/eslint/bin/eslint.js';
const PRETTIER = 'node_modules/prettier/bin/prettier.cjs';
const KNIP = 'node_modules/knip/bin/knip.js';
const TSC = 'node_modules/typescript/bin/tsc';
const VITEST = 'node_modules/vitest/vitest.mjs';

export async function runStage(name: StageName, context: StageContext): Promise<StageResult> {
  const startedAt = performance.now();
  const counts = await COUNTED[name](context);
  return { name, ...counts, seconds: (performance.now() - startedAt) / 1000 };
}

const COUNTED: Record<StageName, (context: StageContext) => Promise<Counts>> = {
  lint: (context) => check([[PRETTIER, '--check', '--log-level', 'warn', '.'], [ESLINT, '.'], [KNIP]], context),
  types: (context) =>
    check(
      [
        [TSC, '-b'],
        [TSC, '-p', 'tsconfig.test.json'],
      ],
      context,
    ),
  unit: (context) => runTests('unit', context),
  real: (context) => runTests('real', context),
};

async function check(programs: readonly string[][], context: StageContext): Promise<Counts> {
  for (const program of programs) {
    if (!(await succeeds(program, context))) return { passed: 0, failed: 1, skipped: 0 };
  }
  return { passed: 1, failed: 0, skipped: 0 };
}

async function runTests(project: string, context: StageContext): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'sagafleet-test-'));
  try {
    const report = join(folder, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const isOk = await succeeds([VITEST, 'run', '--project', project, ...reporters], context);
    return countTests(isOk, readReport(report));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readReport(path: string): TestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestReport;
  } catch {
    return undefined; // vitest ended before it could write one, and has said why
  }
}

/** A run that failed as a whole (a file that does not load, a global setup, an unhandled error) counts as one failed. */
export function countTests(isOk: boolean, report: TestReport | undefined): Counts {
  const passed = report?.numPassedTests ?? 0;
  const failed = report?.numFailedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  const isUnexplained = failed === 0 && (!isOk || report === undefined);
  return { passed, failed: isUnexplained ? 1 : failed, skipped };
}

/** Runs a Node program with this Node; its output goes where ours goes. */
async function succeeds(program: readonly string[], { env, stop }: StageContext): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const child = spawn(process.execPath, program, { cwd: ROOT, env, stdio: 'inherit' });
  const end = (): void => void child.kill();
  stop.addEventListener('abort', end);
  child.once('error', (error) => {
    console.error(error.message);
    resolve(false);
  });
  child.once('exit', (code) => resolve(code === 0));
  const isOk = await promise;
  stop.removeEventListener('abort', end);
  return isOk;
}
