import { parseArgs } from 'node:util';
import { SUBJECTS, type SubjectName } from './entrant.ts';
import { BenchError } from './errors.ts';

export const HELP = `Measures sagafleet's worker and its peers at the same work on one broker.

  npm run bench -- [options]

  --only <subjects>     some of ${SUBJECTS.slice(0, 3).join(', ')},
                        ${SUBJECTS.slice(3).join(', ')}
  --without <subjects>  leaves out peers that this machine cannot build
  --parts <parts>       some of rows, latency, process
  --records <n>         that are measured in each round, default 1000000
  --rounds <n>          default 3
  --probes <n>          records and orders that are timed, default 300
  --output <format>     table or json, default table
  --write               puts the table into bench/README.md
  --cpu-prof <folder>   leaves a CPU profile of each process that Node runs
  -h, --help            this text

Progress goes to standard error. Exit code 1 if something was not measured, 2 for wrong usage.
`;

export const PARTS = ['rows', 'latency', 'process'] as const;
export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  subjects: readonly SubjectName[];
  parts: readonly Part[];
  records: number;
  rounds: number;
  probes: number;
  output: 'table' | 'json';
  write: boolean;
  cpuProfiles: string | null;
}

/**
 * Null: only help was asked for.
 * @throws BenchError BadOption
 */
export function readOptions(args: readonly string[]): BenchOptions | null {
  const values = parse(args);
  if (values.help) return null;
  if (values.output !== 'table' && values.output !== 'json') throw new BenchError('BadOption', '--output is table or json');
  const without = readList('--without', values.without, SUBJECTS) ?? [];
  const subjects = (readList('--only', values.only, SUBJECTS) ?? SUBJECTS).filter((name) => !without.includes(name));
  return {
    subjects,
    parts: readList('--parts', values.parts, PARTS) ?? PARTS,
    records: readCount('--records', values.records),
    rounds: readCount('--rounds', values.rounds),
    probes: readCount('--probes', values.probes),
    output: values.output,
    write: values.write,
    cpuProfiles: values['cpu-prof'] ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        without: { type: 'string' },
        parts: { type: 'string' },
        records: { type: 'string', default: '1000000' },
        rounds: { type: 'string', default: '3' },
        probes: { type: 'string', default: '300' },
        output: { type: 'string', default: 'table' },
        write: { type: 'boolean', default: false },
        'cpu-prof': { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new BenchError('BadOption', (error as Error).message, { cause: error });
  }
}

function readList<T extends string>(option: string, text: string | undefined, known: readonly T[]): T[] | undefined {
  const names = text?.split(',');
  const unknown = names?.find((name) => !known.includes(name as T));
  if (unknown !== undefined) throw new BenchError('BadOption', `${option} does not know "${unknown}": name some of ${known.join(', ')}`);
  return names && known.filter((name) => names.includes(name));
}

function readCount(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new BenchError('BadOption', `${option} is a whole number from 1, not "${text}"`);
  return count;
}
