import { applyMutant, type Mutant } from './mutate.ts';
import { type LimitedTests, Trials, type Verdict } from './trial.ts';

/** `target` is its name in a report. */
export interface FileToTry {
  file: string;
  target: string;
  text: string;
  mutants: readonly Mutant[];
  tests: readonly string[];
}

export interface Outcome extends Verdict {
  mutant: Mutant;
  target: string;
}

type OnOutcome = (done: number, all: number, outcome: Outcome) => void;

const UNLIMITED_CPU_MS = 600_000;
const FIRST_TEST_TIMEOUT_MS = 60_000;
/** What tests may take that took less without a mutant: others may need the machine as well. */
const SPARE_CPU_MS = 2_000;
const SPARE_TEST_MS = 4_000;

/** Each mutant once, on `workers` processes. @throws where the tests fail without any mutant */
export async function runAll(files: readonly FileToTry[], workers: number, onOutcome: OnOutcome): Promise<Outcome[]> {
  const all = files.reduce((sum, { mutants }) => sum + mutants.length, 0);
  const queue = files.flatMap((file) => file.mutants.map((mutant) => ({ ...file, mutant })));
  const limited = new Map<string, Promise<readonly LimitedTests[]>>();
  const outcomes: Outcome[] = [];
  await Promise.all(Array.from({ length: workers }, () => work()));
  return outcomes.sort((a, b) => a.mutant.file.localeCompare(b.mutant.file) || a.mutant.start - b.mutant.start);

  async function work(): Promise<void> {
    const trials = new Trials();
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { file, target, text, mutant } = next;
        if (!limited.has(file)) limited.set(file, limit(trials, next));
        const verdict = await trials.run({ file, text: applyMutant(text, mutant), tests: await limited.get(file)! });
        outcomes.push({ ...verdict, mutant, target });
        onOutcome(outcomes.length, all, outcomes.at(-1)!);
      }
    } finally {
      trials.close();
    }
  }
}

/** After what they take without a mutant. The first file also pays for starting. */
async function limit(trials: Trials, { file, text, tests }: FileToTry): Promise<readonly LimitedTests[]> {
  const unlimited = { maxCpuMs: UNLIMITED_CPU_MS, testTimeoutMs: FIRST_TEST_TIMEOUT_MS };
  const { killedBy, costs } = await trials.run({ file, text, tests: tests.map((test) => ({ file: test, ...unlimited })) });
  if (killedBy !== null) throw new Error(`the tests of ${file} fail without any mutant: ${killedBy}`);
  return costs.map(({ cpuMs, slowestTestMs }, at) => ({
    file: tests[at]!,
    maxCpuMs: SPARE_CPU_MS + 2 * cpuMs,
    testTimeoutMs: Math.ceil(SPARE_TEST_MS + 3 * slowestTestMs),
  }));
}
