/** Who takes part, in what, and how each is started. */
import { fileURLToPath } from 'node:url';
import type { Environment, ProgramCommand } from '@sagafleet/local';
import type { Arena } from './arena.ts';
import { prepareConfluent, prepareFranzGo, prepareKafkaStreams } from './built-peers.ts';
import type { Entrant, SubjectName } from './entrant.ts';
import { type Job, type Launch, peerArguments } from './job.ts';
import { settingsOf, workerCommand } from './sagafleet.ts';

export interface Subject {
  name: SubjectName;
  entrants: readonly Omit<Entrant, 'subject'>[];
  /** Builds or fetches what is needed, once. Throws where this machine cannot. */
  prepare(arena: Arena): Promise<Launch>;
}

const EXACTLY_ONCE = { mode: 'exactly-once', work: 'raw', keys: 'kept' } as const;
const AT_LEAST_ONCE = { mode: 'at-least-once', work: 'raw', keys: 'kept' } as const;

export const ALL_SUBJECTS: readonly Subject[] = [
  {
    name: 'sagafleet',
    entrants: [
      EXACTLY_ONCE,
      { ...EXACTLY_ONCE, keys: 'spread' },
      { ...EXACTLY_ONCE, work: 'cel' },
      AT_LEAST_ONCE,
      { ...AT_LEAST_ONCE, work: 'cel' },
    ],
    prepare:
      async ({ env }) =>
      ({ step, entrant, folder, nodeOptions }) =>
        workerCommand(settingsOf(step, entrant), { env, folder, nodeOptions }),
  },
  { name: 'kafkajs', entrants: [AT_LEAST_ONCE, EXACTLY_ONCE], prepare: ({ env }) => nodePeer('kafkajs', env) },
  { name: 'kafka-streams', entrants: [EXACTLY_ONCE], prepare: prepareKafkaStreams },
  { name: 'franz-go', entrants: [EXACTLY_ONCE], prepare: prepareFranzGo },
  { name: 'platformatic-kafka', entrants: [AT_LEAST_ONCE, EXACTLY_ONCE], prepare: ({ env }) => nodePeer('platformatic-kafka', env) },
  { name: 'confluent-kafka-javascript', entrants: [AT_LEAST_ONCE, EXACTLY_ONCE], prepare: prepareConfluent },
];

/** A peer among our own sources: the built file, or the source where this file is a source. */
async function nodePeer(name: string, env: Environment): Promise<Launch> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const file = fileURLToPath(new URL(`./peers/${name}.${extension}`, import.meta.url));
  return async (job: Job): Promise<ProgramCommand> => ({
    command: process.execPath,
    args: [...job.nodeOptions, file, ...peerArguments(job)],
    env: { PATH: env['PATH'] },
  });
}
