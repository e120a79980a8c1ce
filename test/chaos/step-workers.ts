import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WORKER_ENV, type WorkerSettings } from '@sagafleet/schemas';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

export interface StepWorkersOptions {
  /** Of one worker, as it is seen in logs and by Kafka; its number follows. */
  name: string;
  settings: WorkerSettings;
  env: Record<string, string>;
  /** Another program than the worker's own. */
  workerMain?: string | undefined;
  onNote: (text: string) => void;
}

/** Of workers that were killed. */
export interface WorkersCut {
  ended: Promise<void>;
  startAgain(): Promise<void>;
  whenAlive(): Promise<void>;
}

const RESTART_AFTER_MS = 500;
const ALIVE_WITHIN_MS = 10_000;

/** Workers of one step, as processes with numbers. One that ends by itself is started again, as Kubernetes would. */
export class StepWorkers {
  readonly #options: StepWorkersOptions;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #started: { worker: number; process: WorkerProcess }[] = [];
  #isOver = false;

  constructor(options: StepWorkersOptions) {
    this.#options = options;
  }

  get running(): number[] {
    return [...this.#workers.keys()];
  }

  get(number: number): WorkerProcess {
    const worker = this.#workers.get(number);
    if (!worker) throw new Error(`${this.clientIdOf(number)} does not run`);
    return worker;
  }

  clientIdOf(number: number): string {
    return `${this.#options.name}-${number}`;
  }

  async start(number: number): Promise<void> {
    if (this.#isOver) return;
    const { settings, env, workerMain, onNote } = this.#options;
    const worker = await WorkerProcess.start(settings, { ...env, [WORKER_ENV.clientId]: this.clientIdOf(number) }, workerMain);
    this.#workers.set(number, worker);
    this.#started.push({ worker: number, process: worker });
    void worker.ended.then(async ({ code, signal }) => {
      if (this.#workers.get(number) !== worker) return;
      onNote(`${this.clientIdOf(number)} ended by itself with ${code ?? signal}: ${worker.log.at(-1)?.['reason'] ?? 'no reason'}`);
      await delay(RESTART_AFTER_MS);
      if (this.#workers.get(number) === worker) await this.start(number);
    });
  }

  async stop(number: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const worker = this.get(number);
    this.#workers.delete(number);
    const { code, signal: endedBy } = await worker.stop(signal);
    // One that had just been started may not listen yet, and is ended by the signal itself
    if (signal === 'SIGTERM' && code !== 0 && endedBy !== signal)
      this.#options.onNote(`${this.clientIdOf(number)} did not end well: ${code ?? endedBy}`);
  }

  /** Kills everyone at once. */
  cut(): WorkersCut {
    const workers = this.running;
    return {
      ended: Promise.all(workers.map((worker) => this.stop(worker, 'SIGKILL'))).then(() => undefined),
      startAgain: async () => {
        await Promise.all(workers.map((worker) => this.start(worker)));
      },
      whenAlive: () => this.whenAlive(workers),
    };
  }

  /** They answer their probe: from now on it is their doing how long they take. Not at all, where one ends before. */
  async whenAlive(workers: readonly number[]): Promise<void> {
    const isAlive = async (worker: number) => this.#workers.get(worker)?.probe('/livez') ?? false;
    await Promise.all(
      workers.map((worker) => until('the worker to answer', () => isAlive(worker), ALIVE_WITHIN_MS).catch(() => undefined)),
    );
  }

  async whenReady(workers: readonly number[]): Promise<void> {
    await Promise.all(workers.map((worker) => this.get(worker).ready()));
  }

  /** For good, whatever state they are in. */
  async remove(): Promise<void> {
    this.#isOver = true;
    const workers = [...this.#workers.values()];
    this.#workers.clear();
    await Promise.all(workers.map((worker) => worker.remove()));
  }

  /** One file for each process that ran. */
  writeLogs(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const [at, { worker, process }] of this.#started.entries()) {
      writeFileSync(join(folder, `${this.clientIdOf(worker)}-run-${at + 1}.log`), process.output);
    }
  }
}
