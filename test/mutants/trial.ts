/** Tests of one changed file, in a process that can be ended: a mutant may never come to its end. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Trial { file: string; text: string; tests: readonly string[]; testTimeoutMs: number }

/** `killedBy`: the test that failed, or why none could end; null: all passed. */
export interface Verdict { killedBy: string | null; ms: number; slowestTestMs: number }

const PROCESS = join(import.meta.dirname, 'test-process.ts');
const START_TIMEOUT_MS = 60_000;

/** One process, started again where a trial had to be ended. One trial at a time. */
export class Trials {
  #process: ChildProcess | null = null;

  async run(trial: Trial, timeoutMs: number): Promise<Verdict> {
    const running = this.#process ??= await start();
    running.send(trial);
    const verdict = await answerOf(running, timeoutMs);
    if (verdict) return verdict;
    this.close();
    return { killedBy: `no end within ${Math.round(timeoutMs / 1_000)} s`, ms: timeoutMs, slowestTestMs: timeoutMs };
  }

  close(): void {
    this.#process?.kill('SIGKILL');
    this.#process = null;
  }
}

async function start(): Promise<ChildProcess> {
  const started = fork(PROCESS, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  if (!await answerOf(started, START_TIMEOUT_MS)) throw new Error(`the test process did not start: run node -C source ${PROCESS}`);
  return started;
}

/** Null: none came, or the process has ended. */
async function answerOf(running: ChildProcess, timeoutMs: number): Promise<Verdict | null> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(timeoutMs)]);
  const exit = once(running, 'exit', { signal }).then(() => null);
  const answer = once(running, 'message', { signal }).then(([verdict]) => verdict as Verdict);
  const first = await Promise.race([answer, exit]).catch(() => null);
  over.abort();
  await Promise.allSettled([answer, exit]);
  return first;
}
