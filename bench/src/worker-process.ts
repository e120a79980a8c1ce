/** A worker at a step of its own, for figures of the process rather than of its work. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildProgram } from '@sagafleet/local';
import type { Arena } from './arena.ts';
import { uniqueName } from './contest.ts';
import { BenchError } from './errors.ts';
import { settingsOf, type Step, workerCommand } from './sagafleet.ts';

const READY_WITHIN_MS = 60_000;
const POLL_MS = 50;
const READY_POLL_MS = 10;

export interface WorkerProcess {
  program: ChildProgram;
  healthUrl: string;
}

export async function startWorker({ platform, env }: Arena, step: Step): Promise<WorkerProcess> {
  const name = uniqueName('worker');
  const folder = join(platform.dataDir, name);
  mkdirSync(folder);
  const settings = settingsOf(step, { mode: 'exactly-once', work: 'raw', keys: 'kept' });
  const { healthUrl, ...command } = await workerCommand(settings, { env, folder });
  return { healthUrl, program: new ChildProgram({ ...command, name, logFile: join(platform.logsDir, `${name}.log`) }) };
}

export async function withWorker<T>(arena: Arena, step: Step, work: (worker: WorkerProcess) => Promise<T>): Promise<T> {
  const worker = await startWorker(arena, step);
  try {
    return await work(worker);
  } finally {
    await worker.program.stop();
  }
}

/** As its readiness probe says, asked often. */
export async function untilReady({ program, healthUrl }: WorkerProcess): Promise<void> {
  for (const deadline = performance.now() + READY_WITHIN_MS; !(await isReady(healthUrl)); await sleep(READY_POLL_MS)) {
    if (performance.now() > deadline || program.exit)
      throw new BenchError('NotMeasured', `${program.name} was not ready in ${READY_WITHIN_MS / 1_000} s`);
  }
}

/** Waits until these workers are ready and each has `tasks` of its own. */
export async function untilShared(workers: readonly WorkerProcess[], tasks: number): Promise<void> {
  for (const { program, healthUrl } of workers) {
    await program.waitUntil(
      `own ${tasks} tasks`,
      async () => {
        await sleep(POLL_MS);
        return (await isReady(healthUrl)) && (await tasksOf(healthUrl)).length === tasks;
      },
      READY_WITHIN_MS,
    );
  }
}

async function isReady(healthUrl: string): Promise<boolean> {
  return fetch(`${healthUrl}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Numbers of the partitions that a worker owns. */
export async function tasksOf(healthUrl: string): Promise<number[]> {
  const response = await fetch(`${healthUrl}/livez`).catch(() => null);
  if (!response) return [];
  const { tasks } = (await response.json()) as { tasks: Record<string, string> };
  return Object.keys(tasks).map(Number);
}
