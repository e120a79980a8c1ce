/** The other records of a loaded topic come from a process of their own: here they would delay the probes. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildProgram } from '@sagafleet/local';
import type { Arena } from './arena.ts';
import { uniqueName } from './contest.ts';

export interface LoadOptions {
  topic: string;
  partitions: number;
  recordsPerSecond: number;
}

export function startLoad({ platform, env }: Arena, { topic, partitions, recordsPerSecond }: LoadOptions): ChildProgram {
  const isSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(`./load/main.${isSource ? 'ts' : 'js'}`, import.meta.url));
  return new ChildProgram({
    name: 'load',
    command: process.execPath,
    args: [
      ...(isSource ? ['-C', 'source'] : []),
      file,
      platform.brokers,
      platform.registryUrl,
      topic,
      String(partitions),
      String(recordsPerSecond),
    ],
    env: { PATH: env['PATH'] },
    logFile: join(platform.logsDir, `${uniqueName('load')}.log`),
  });
}
