/** Tests of one changed file, in a process that can be ended: a mutant may never come to its end. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A test file and its limits. */
export interface LimitedTests {
  file: string;
  testTimeoutMs: number;
  /** Of the processor: a machine that is busy with something else does not make a mutant endless. */
  maxCpuMs: number;
}

export interface Trial {
  file: string;
  text: string;
  tests: readonly LimitedTests[];
}

/** What a test file took. */
export interface Cost {
  cpuMs: number;
  slowestTestMs: number;
}

/** `killedBy`: the test that failed, or that none could end; null: all passed. `costs`: of the test files that ran, in order. */
export interface Verdict {
  killedBy: string | null;
  costs: readonly Cost[];
}

const PROCESS = join(import.meta.dirname, 'test-process.ts');

/** One process, started again where it ended over a trial. One trial at a time. */
export class Trials {
  #process: ChildProcess | null = null;

  async run(trial: Trial): Promise<Verdict> {
    const running = (this.#process ??= await start());
    running.send(trial);
    const verdict = await answerOf(running);
    if (verdict) return verdict;
    this.#process = null;
    return { killedBy: 'the tests did not come to an end', costs: [] };
  }

  close(): void {
    this.#process?.kill('SIGKILL');
    this.#process = null;
  }
}

async function start(): Promise<ChildProcess> {
  const started = fork(PROCESS, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  if (!(await answerOf(started))) throw new Error(`the test process did not start: run node -C source ${PROCESS}`);
  return started;
}

/** Null: the process has ended. */
async function answerOf(running: ChildProcess): Promise<Verdict | null> {
  const over = new AbortController();
  const exit = once(running, 'exit', over).then(() => null);
  const answer = once(running, 'message', over).then(([verdict]) => verdict as Verdict);
  const first = await Promise.race([answer, exit]);
  over.abort();
  await Promise.allSettled([answer, exit]);
  return first;
}
