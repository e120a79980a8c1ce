/** How each subject is started. A peer is told its work by arguments. */
import { fileURLToPath } from 'node:url';
import type { Environment, ProgramCommand } from '@sagafleet/cli';
import type { Arena } from './arena.ts';
import type { Entrant, SubjectName } from './entrant.ts';
import { ORDER_SCHEMA } from './events.ts';
import { settingsOf, type Step, workerCommand } from './sagafleet.ts';

/** One run of one entrant. */
export interface Job {
  entrant: Entrant;
  step: Step;
  /** Of what comes in. */
  schemaId: number;
  partitions: number;
  /** For files of the run. */
  folder: string;
  /** Options of Node for subjects that it runs. */
  nodeOptions: readonly string[];
}

/** Makes the command that starts a subject at a job. */
export type Launch = (job: Job) => Promise<ProgramCommand>;

export interface Subject {
  name: SubjectName;
  entrants: readonly Omit<Entrant, 'subject'>[];
  /** Builds or fetches what is needed, once. Throws where this machine can not. */
  prepare(arena: Arena): Promise<Launch>;
}

const RAW = { work: 'raw', keys: 'kept' } as const;

export const ALL_SUBJECTS: readonly Subject[] = [
  {
    name: 'sagafleet',
    entrants: [
      { mode: 'exactly-once', ...RAW },
      { mode: 'exactly-once', work: 'raw', keys: 'spread' },
      { mode: 'exactly-once', work: 'cel', keys: 'kept' },
      { mode: 'at-least-once', ...RAW },
      { mode: 'at-least-once', work: 'cel', keys: 'kept' },
    ],
    prepare: async ({ env }) => ({ step, entrant, folder, nodeOptions }) =>
      workerCommand(settingsOf(step, entrant), { env, folder, nodeOptions }),
  },
  {
    name: 'kafkajs',
    entrants: [{ mode: 'at-least-once', ...RAW }, { mode: 'exactly-once', ...RAW }],
    prepare: async ({ env }) => async (job) => nodePeer('kafkajs', job, env),
  },
];

/** A peer among our own sources: the built file, or the source where this file is a source. */
function nodePeer(name: string, job: Job, env: Environment): ProgramCommand {
  const isSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(`./peers/${name}.${isSource ? 'ts' : 'js'}`, import.meta.url));
  return { command: process.execPath, args: [...job.nodeOptions, file, ...peerArguments(job)], env: { PATH: env['PATH'] } };
}

/** What every peer is told, as `--name value` pairs. */
export function peerArguments({ entrant, step, schemaId, partitions }: Job): string[] {
  const told = {
    brokers: step.brokers, input: step.input, output: step.output, group: step.group, mode: entrant.mode,
    partitions: String(partitions), 'schema-id': String(schemaId), schema: ORDER_SCHEMA,
  };
  return Object.entries(told).flatMap(([name, value]) => [`--${name}`, value]);
}
