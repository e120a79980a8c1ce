/** What a subject is given to do. A peer is told it by arguments, `--name value` each. */
import type { ProgramCommand } from '@sagafleet/local';
import type { Entrant } from './entrant.ts';
import { ORDER_SCHEMA } from './events.ts';
import type { Step } from './sagafleet.ts';

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

export function peerArguments({ entrant, step, schemaId, partitions }: Job): string[] {
  const told = {
    brokers: step.brokers,
    input: step.input,
    output: step.output,
    group: step.group,
    mode: entrant.mode,
    partitions: String(partitions),
    'schema-id': String(schemaId),
    schema: ORDER_SCHEMA,
  };
  return Object.entries(told).flatMap(([name, value]) => [`--${name}`, value]);
}
