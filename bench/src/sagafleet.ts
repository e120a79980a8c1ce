/** Our worker as it runs in a pod: a process of its own, a settings file, a few environment variables. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, findFreePort, type ProgramCommand, workerProgram } from '@sagafleet/local';
import {
  type EmitSettings,
  parseDurationMs,
  STEP_DEFAULTS,
  WORKER_ENV,
  WORKER_SETTINGS_VERSION,
  type WorkerSettings,
} from '@sagafleet/schemas';
import type { Entrant } from './entrant.ts';
import { ORDER_SUBJECT, OTHER_KEY, PAYMENT_OF_ORDER, PAYMENT_SUBJECT } from './events.ts';

export const SESSION_TIMEOUT_MS = 10_000;

const RENDERED_RETRY = { mode: 'ParkKey', maxAttempts: 5, initialMs: 500, factor: 2, maxMs: 30_000, jitter: 0.2 } as const;

export interface Step {
  brokers: string;
  registryUrl: string;
  input: string;
  output: string;
  group: string;
  /** Exists and stays empty. */
  deadLetterTopic: string;
}

export interface WorkerFiles {
  env: Environment;
  /** For the settings file. */
  folder: string;
  /** Options of Node itself. */
  nodeOptions?: readonly string[];
}

/** What the operator would render for a step that does this work, all fields at their defaults. */
export function settingsOf(step: Step, { mode, work, keys }: Pick<Entrant, 'mode' | 'work' | 'keys'>): WorkerSettings {
  const { transaction, maxBatchBytes } = STEP_DEFAULTS.delivery;
  return {
    version: WORKER_SETTINGS_VERSION,
    step: { name: 'bench', namespace: 'default' },
    group: step.group,
    startFrom: 'earliest',
    inputs: [{ topic: step.input, format: 'avro', schema: null }],
    ingress: null,
    handler: { kind: 'none' },
    outcomes: { done: { emit: [emitOf(step.output, { work, keys })], reject: null } },
    retry: RENDERED_RETRY,
    deadLetterTopic: step.deadLetterTopic,
    stopAfter: 50,
    delivery: {
      guarantee: mode === 'exactly-once' ? 'ExactlyOnce' : 'AtLeastOnce',
      maxRecords: transaction.maxRecords,
      lingerMs: parseDurationMs(transaction.linger),
      timeoutMs: parseDurationMs(transaction.timeout),
      maxBatchBytes,
    },
    kafka: { brokers: [step.brokers], tls: false, sasl: null, sessionTimeoutMs: SESSION_TIMEOUT_MS },
    registry: { url: step.registryUrl },
  };
}

function emitOf(topic: string, { work, keys }: Pick<Entrant, 'work' | 'keys'>): EmitSettings {
  const subject = work === 'cel' ? PAYMENT_SUBJECT : ORDER_SUBJECT;
  return {
    topic,
    format: 'avro',
    event: work === 'cel' ? PAYMENT_OF_ORDER : null,
    key: keys === 'spread' ? OTHER_KEY : null,
    headers: {},
    schema: { kind: 'subject', subject, version: 'latest' },
  };
}

/** A worker's program, and where it tells how it is. */
export interface WorkerCommand extends ProgramCommand {
  healthUrl: string;
}

export async function workerCommand(settings: WorkerSettings, { env, folder, nodeOptions = [] }: WorkerFiles): Promise<WorkerCommand> {
  const file = join(folder, `${settings.group}.json`);
  writeFileSync(file, JSON.stringify(settings));
  const program = workerProgram(env);
  const health = `127.0.0.1:${await findFreePort()}`;
  return {
    command: program.command,
    args: [...nodeOptions, ...program.args],
    env: { ...program.env, [WORKER_ENV.settings]: file, [WORKER_ENV.healthListen]: health },
    healthUrl: `http://${health}`,
  };
}
