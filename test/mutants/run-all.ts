import { applyMutant, type Mutant } from './mutate.ts';
import { Trials, type Verdict } from './trial.ts';

/** `target` is its name in a report. */
export interface FileToTry { file: string; target: string; text: string; mutants: readonly Mutant[]; tests: readonly string[] }

export interface Outcome extends Verdict { mutant: Mutant; target: string }

type OnOutcome = (done: number, all: number, outcome: Outcome) => void;

const FIRST_RUN_TIMEOUT_MS = 300_000;
const FIRST_TEST_TIMEOUT_MS = 30_000;
/** Of tests with a mutant. One that takes much longer than before waits for what does not come. */
interface Timeouts { allMs: number; testMs: number }

const LEAST_TEST_TIMEOUT_MS = 1_500;
const LEAST_TIMEOUT_MS = 5_000;

/** Each mutant once, on `workers` processes. @throws where the tests fail without any mutant */
export async function runAll(files: readonly FileToTry[], workers: number, onOutcome: OnOutcome): Promise<Outcome[]> {
  const all = files.reduce((sum, { mutants }) => sum + mutants.length, 0);
  const queue = files.flatMap((file) => file.mutants.map((mutant) => ({ ...file, mutant })));
  const timeouts = new Map<string, Promise<Timeouts>>();
  const outcomes: Outcome[] = [];
  await Promise.all(Array.from({ length: workers }, () => work()));
  return outcomes.sort((a, b) => a.mutant.file.localeCompare(b.mutant.file) || a.mutant.start - b.mutant.start);

  async function work(): Promise<void> {
    const trials = new Trials();
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { file, target, text, tests, mutant } = next;
        if (!timeouts.has(file)) timeouts.set(file, timeoutsFor(trials, next));
        const { allMs, testMs } = await timeouts.get(file)!;
        const verdict = await trials.run({ file, text: applyMutant(text, mutant), tests, testTimeoutMs: testMs }, allMs);
        outcomes.push({ ...verdict, mutant, target });
        onOutcome(outcomes.length, all, outcomes.at(-1)!);
      }
    } finally {
      trials.close();
    }
  }
}

async function timeoutsFor(trials: Trials, { file, text, tests }: FileToTry): Promise<Timeouts> {
  const { killedBy, ms, slowestTestMs } = await trials.run({ file, text, tests, testTimeoutMs: FIRST_TEST_TIMEOUT_MS }, FIRST_RUN_TIMEOUT_MS);
  if (killedBy !== null) throw new Error(`the tests of ${file} fail without any mutant: ${killedBy}`);
  return { allMs: Math.ceil(LEAST_TIMEOUT_MS + 2 * ms), testMs: Math.ceil(LEAST_TEST_TIMEOUT_MS + 3 * slowestTestMs) };
}
