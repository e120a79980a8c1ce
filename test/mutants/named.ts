/** Mutants that no rule makes, each a mistake that was made, or nearly. */
import type { Mutant } from './mutate.ts';

interface Named {
  file: string;
  from: string;
  to: string;
}

export const NAMED: Record<string, Named> = {
  'only the first batch of a produce answer is looked at': {
    file: 'kafka/src/produce/batch-producer.ts',
    from: 'for (const { topic, partition, errorCode } of answer.batches)',
    to: 'for (const { topic, partition, errorCode } of answer.batches.slice(0, 1))',
  },
  'sequences are shared between topics': {
    file: 'kafka/src/produce/batch-producer.ts',
    from: 'const sequences = this.#sequences.get(topic) ?? [];\n    this.#sequences.set(topic, sequences);',
    to: "const sequences = this.#sequences.get('') ?? [];\n    this.#sequences.set('', sequences);",
  },
  'the next transaction before the last has committed': {
    file: 'kafka/src/produce/batch-producer.ts',
    from: 'await this.#settled;',
    to: 'void this.#settled.catch(() => undefined);',
  },
  'at least once commits before it writes': {
    file: 'worker/src/kafka/producers.ts',
    from: 'positions = all;\n',
    to: 'positions = all;\n          await commitOffsets(membership, all);\n',
  },
  'a transaction commits before it has written': {
    file: 'worker/src/pipeline/transaction.ts',
    from: 'await Promise.allSettled(writing);\n  await Promise.all(writing);',
    to: 'void Promise.allSettled(writing);',
  },
  'what was lost is committed': {
    file: 'worker/src/pipeline/transaction.ts',
    from: 'throwIfLost();\n  await transaction.commit();',
    to: 'await transaction.commit();',
  },
};

/** Those of a file. @throws where the code that one changes is not there any more */
export function namedMutantsOf(file: string, text: string): Mutant[] {
  return Object.entries(NAMED)
    .filter(([, named]) => named.file === file)
    .map(([sentence, { from, to }]) => {
      const start = text.indexOf(from);
      if (start < 0)
        throw new Error(`"${sentence}" (test/mutants/named.ts) changes code that ${file} does not have any more: change it there as well`);
      return { file, line: text.slice(0, start).split('\n').length, within: sentence, start, from, to };
    });
}
