import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKER_ENV } from '@sagafleet/schemas';
import { ChildProgram, type ProgramExit } from '../processes/child-program.ts';
import type { Pod } from './pod.ts';

/** Waits before a restart, as a kubelet does: twice as long each time, from the start after a good run. */
const FIRST_RESTART_MS = 500;
const LAST_RESTART_MS = 10_000;
const GOOD_RUN_MS = 10_000;
const PROBE_MS = 50;
const PROBE_TIMEOUT_MS = 1_000;

export interface WorkerProgram {
  command: string;
  args: readonly string[];
  /** The environment that every process needs, PATH above all; nothing else is inherited. */
  env: Readonly<Record<string, string | undefined>>;
}

export interface PodRunnerOptions {
  program: WorkerProgram;
  logsDir: string;
  /** A free port, another one each time: what was free when it was drawn may be taken at the next start. */
  freePort(): Promise<number>;
  onLine(pod: Pod, line: string): void;
  /** The process ended without being asked to; it is started again after `restartMs`. */
  onExit(pod: Pod, exit: ProgramExit, restartMs: number): void;
}

/** Keeps one pod's process running until it is stopped. */
export class PodRunner {
  readonly pod: Pod;
  readonly #options: PodRunnerOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #child: ChildProgram | null = null;
  #healthPort = 0;

  constructor(pod: Pod, options: PodRunnerOptions) {
    this.pod = pod;
    this.#options = options;
    this.#writeFiles();
    this.#done = this.#keepRunning();
  }

  /** Process id of the run under way; undefined between two. */
  get pid(): number | undefined {
    return this.#child && !this.#child.exit ? this.#child.pid : undefined;
  }

  get logFile(): string {
    return join(this.#options.logsDir, `${this.pod.name}.log`);
  }

  /** Member of its group with every task running, as its readiness probe says. */
  async isReady(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.#healthPort}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) }).catch(
      () => null,
    );
    return answer?.ok ?? false;
  }

  /** False when the signal is aborted first. */
  async untilReady(signal: AbortSignal, probeMs = PROBE_MS): Promise<boolean> {
    while (!(await this.isReady())) {
      if (signal.aborted || this.#stopping.signal.aborted) return false;
      await sleep(probeMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
    return true;
  }

  /** SIGTERM and the pod's grace period, then SIGKILL. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#child?.stop(this.pod.graceMs);
    await this.#done;
  }

  #writeFiles(): void {
    for (const [path, text] of Object.entries(this.pod.files)) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stopping;
    for (let restartMs = FIRST_RESTART_MS; !signal.aborted; restartMs = Math.min(restartMs * 2, LAST_RESTART_MS)) {
      const startedAt = Date.now();
      this.#healthPort = await this.#options.freePort();
      if (signal.aborted) return;
      this.#child = this.#start();
      const exit = await this.#child.exited;
      if (signal.aborted) return;
      if (Date.now() - startedAt > GOOD_RUN_MS) restartMs = FIRST_RESTART_MS;
      this.#options.onExit(this.pod, exit, restartMs);
      await sleep(restartMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #start(): ChildProgram {
    const { program, onLine } = this.#options;
    return new ChildProgram({
      name: this.pod.name,
      command: program.command,
      args: program.args,
      env: { ...program.env, ...this.pod.env, [WORKER_ENV.healthListen]: `127.0.0.1:${this.#healthPort}` },
      logFile: this.logFile,
      onLine: (line) => onLine(this.pod, line),
    });
  }
}
