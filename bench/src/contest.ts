/** One subject at one job: topics and a group of its own, a process of its own. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ChildProgram } from '@sagafleet/local';
import { type Arena, commitStart, createTopic, deleteTopics } from './arena.ts';
import { type Entrant, nameOf } from './entrant.ts';
import type { Launch } from './job.ts';
import type { Step } from './sagafleet.ts';

export interface ContestOptions {
  entrant: Entrant;
  launch: Launch;
  input: string;
  schemaId: number;
  partitions: number;
  nodeOptions?: readonly string[];
}

export interface Contest {
  step: Step;
  program: ChildProgram;
  /** Ends the process, if it has not ended, and drops what came out. */
  close(): Promise<void>;
}

let contests = 0;

/** A name that nothing else in this run has: "bench-3-franz-go". */
export function uniqueName(title: string): string {
  return `bench-${++contests}-${title}`;
}

export async function startContest(arena: Arena, options: ContestOptions): Promise<Contest> {
  const { entrant, launch, input, schemaId, partitions, nodeOptions = [] } = options;
  const name = uniqueName(entrant.subject);
  const step = await prepareStep(arena, { name, input, partitions });
  const folder = join(arena.platform.dataDir, name);
  mkdirSync(folder);
  const command = await launch({ entrant, step, schemaId, partitions, folder, nodeOptions });
  const program = new ChildProgram({ ...command, name: nameOf(entrant), logFile: join(arena.platform.logsDir, `${name}.log`) });
  return {
    step,
    program,
    close: async () => {
      await program.stop();
      await dropOutputs(arena, step);
    },
  };
}

/** What provisioning does for a step: outputs, and a group that begins at the start of the input. */
export async function prepareStep(
  arena: Arena,
  { name, input, partitions }: { name: string; input: string; partitions: number },
): Promise<Step> {
  const { brokers, registryUrl } = arena.platform;
  const step = { brokers, registryUrl, input, output: `${name}-out`, group: name, deadLetterTopic: `${name}-dlq` };
  await createTopic(arena, step.output, partitions);
  await createTopic(arena, step.deadLetterTopic, 1);
  await commitStart(arena, step.group, step.input);
  return step;
}

export async function dropOutputs(arena: Arena, { output, deadLetterTopic }: Step): Promise<void> {
  await deleteTopics(arena, [output, deadLetterTopic]);
}
