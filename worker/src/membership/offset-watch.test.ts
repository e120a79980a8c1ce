import { expect, test } from 'vitest';
import { OffsetWatch } from './offset-watch.ts';

const at = (offset: bigint | null, isUnstable = false) => [
  { topic: 'a', partition: 0, offset, isUnstable },
  { topic: 'a', partition: 1, offset: 1n },
];

function watchFor(...answers: (ReturnType<typeof at> | 'error')[]) {
  let now = 0;
  const watch = new OffsetWatch(() => now);
  for (const answer of answers) {
    if (answer === 'error') watch.forget();
    else watch.note(answer);
    now += 500;
  }
  return watch;
}

const CASES: Record<string, { answers: Parameters<typeof watchFor>; offset: bigint | null; ms: number }> = {
  'the same each time': { answers: [at(5n), at(5n), at(5n)], offset: 5n, ms: 1_500 },
  'none each time': { answers: [at(null), at(null)], offset: null, ms: 1_000 },
  'another one before': { answers: [at(4n), at(5n), at(5n)], offset: 5n, ms: 1_000 },
  'none in between': { answers: [at(5n), at(null), at(5n)], offset: 5n, ms: 500 },
  'an error in between': { answers: [at(5n), at(5n), 'error', at(5n)], offset: 5n, ms: 500 },
  'an error last': { answers: [at(5n), 'error'], offset: 5n, ms: 0 },
  'held by a transaction': { answers: [at(5n), at(5n, true)], offset: 5n, ms: 0 },
  'another one than is asked about': { answers: [at(5n), at(5n)], offset: 4n, ms: 0 },
  'nothing yet': { answers: [], offset: 5n, ms: 0 },
};

test.each(Object.entries(CASES))('the coordinator answered %s', (_sentence, { answers, offset, ms }) => {
  expect(watchFor(...answers).unchangedForMs('a', 0, offset)).toBe(ms);
});
