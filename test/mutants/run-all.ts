import { applyMutant, type Mutant } from './mutate.ts';
import { type Trial, Trials, type Verdict } from './trial.ts';

/** `target` is its name in a report. */
export interface FileToTry { file: string; target: string; text: string; mutants: readonly Mutant[]; tests: readonly string[] }

export interface Outcome extends Verdict { mutant: Mutant; target: string }

type OnOutcome = (done: number, all: number, outcome: Outcome) => void;

const UNLIMITED_CPU_MS = 600_000;
const FIRST_TEST_TIMEOUT_MS = 60_000;
/** What tests may take that took less without a mutant: others may need the machine as well. */
const SPARE_CPU_MS = 2_000;
const SPARE_TEST_MS = 4_000;

type Limits = Pick<Trial, 'maxCpuMs' | 'testTimeoutMs'>;

/** Each mutant once, on `workers` processes. @throws where the tests fail without any mutant */
export async function runAll(files: readonly FileToTry[], workers: number, onOutcome: OnOutcome): Promise<Outcome[]> {
  const all = files.reduce((sum, { mutants }) => sum + mutants.length, 0);
  const queue = files.flatMap((file) => file.mutants.map((mutant) => ({ ...file, mutant })));
  const limits = new Map<string, Promise<Limits>>();
  const outcomes: Outcome[] = [];
  await Promise.all(Array.from({ length: workers }, () => work()));
  return outcomes.sort((a, b) => a.mutant.file.localeCompare(b.mutant.file) || a.mutant.start - b.mutant.start);

  async function work(): Promise<void> {
    const trials = new Trials();
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { file, target, text, tests, mutant } = next;
        if (!limits.has(file)) limits.set(file, limitsFor(trials, next));
        const verdict = await trials.run({ file, text: applyMutant(text, mutant), tests, ...await limits.get(file)! });
        outcomes.push({ ...verdict, mutant, target });
        onOutcome(outcomes.length, all, outcomes.at(-1)!);
      }
    } finally {
      trials.close();
    }
  }
}

async function limitsFor(trials: Trials, { file, text, tests }: FileToTry): Promise<Limits> {
  const unlimited = { maxCpuMs: UNLIMITED_CPU_MS, testTimeoutMs: FIRST_TEST_TIMEOUT_MS };
  const { killedBy, cpuMs, slowestTestMs } = await trials.run({ file, text, tests, ...unlimited });
  if (killedBy !== null) throw new Error(`the tests of ${file} fail without any mutant: ${killedBy}`);
  return { maxCpuMs: SPARE_CPU_MS + 2 * cpuMs, testTimeoutMs: Math.ceil(SPARE_TEST_MS + 3 * slowestTestMs) };
}
