/** Looks at what an entrant wrote: a figure counts only for work that was done. */
import { readTopics } from '@sagafleet/kafka';
import { CE_ID, CE_SOURCE, CE_SPECVERSION, CE_TYPE, SAGA_HOPS } from '@sagafleet/schemas';
import type { Arena } from './arena.ts';
import { type Entrant, nameOf } from './entrant.ts';
import { BenchError } from './errors.ts';
import { addTo, type Contents, type Input } from './input.ts';

const HEADERS = [CE_SPECVERSION, CE_TYPE, CE_SOURCE, CE_ID, SAGA_HOPS];

export interface Output {
  /** By partition. */
  contents: Contents[];
  /** Records that lack a header. */
  incomplete: number;
}

/** Reads a whole topic as a read-committed consumer does. */
export async function readOutput(arena: Arena, topic: string): Promise<Output> {
  const contents: Contents[] = [];
  let incomplete = 0;
  await readTopics({
    connection: arena.connection,
    topics: [topic],
    until: 'end',
    log: () => undefined,
    level: 'error',
    onRecord: ({ partition, key, value, headers }) => {
      addTo((contents[partition] ??= { records: 0, digest: 0 }), key!, value!);
      if (!HEADERS.every((name) => headers.some(([each]) => each === name))) incomplete += 1;
    },
  });
  return { contents, incomplete };
}

/**
 * With kept keys every partition holds what it held in the input, in the same order, and with work `raw` every byte of
 * it; with spread keys the number is right and no partition empty.
 * @throws BenchError WrongOutput
 */
export function judgeOutput(entrant: Entrant, input: Pick<Input, 'contents' | 'records'>, { contents, incomplete }: Output): void {
  const found = contents.reduce((sum, { records }) => sum + records, 0);
  if (found !== input.records) complain(entrant, `${found} records came out of ${input.records}`);
  if (incomplete > 0) complain(entrant, `${incomplete} records lack a header`);
  input.contents.forEach((expected, partition) => {
    const actual = contents[partition];
    if (!actual) complain(entrant, `nothing came out in partition ${partition}`);
    if (entrant.keys === 'spread') return;
    if (actual.records !== expected.records) {
      complain(entrant, `partition ${partition} has ${actual.records} records, not ${expected.records}`);
    }
    if (entrant.work === 'raw' && actual.digest !== expected.digest) {
      complain(entrant, `keys, values or their order changed in partition ${partition}`);
    }
  });
}

function complain(entrant: Entrant, what: string): never {
  throw new BenchError('WrongOutput', `${nameOf(entrant)} did not do its work: ${what}`);
}
