import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../environment.ts';
import type { WorkerProgram } from './pod-runner.ts';

/** Stands in a process's environment so that leftovers of a run can be told from anything else. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'SAGAFLEET_RUN'] as const;

/** The worker of this installation: from its sources in a checkout, from the build elsewhere. */
export function workerProgram(env: Environment): WorkerProgram {
  const entry = fileURLToPath(import.meta.resolve('@sagafleet/worker'));
  const main = join(dirname(entry), entry.endsWith('.ts') ? 'main.ts' : 'main.js');
  if (!existsSync(main)) throw new Error(`the worker's program is not at ${main}`);
  return {
    command: process.execPath,
    args: [...(main.endsWith('.ts') ? ['-C', 'source'] : []), '--disable-warning=ExperimentalWarning', main],
    env: Object.fromEntries(INHERITED.map((name) => [name, env[name]])),
  };
}
