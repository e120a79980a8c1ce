import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge, type Evidence, type FindingKind, type InputRecord, type OutputRecord } from './judge.ts';
import { randomFrom } from './random.ts';

const RECORDS = 10;
const INPUTS = Array.from({ length: RECORDS }, (_, offset): InputRecord => ({
  topic: 'in',
  partition: 0,
  offset,
  key: offset % 2 === 0 ? 'even' : 'odd',
  value: `event-${offset}`,
}));

const outputOf = (offset: number, at = offset): OutputRecord => ({
  partition: 0,
  offset: at,
  key: INPUTS[offset]!.key,
  value: INPUTS[offset]!.value,
  source: `in/0/${offset}`,
});
const ALL = [...INPUTS.keys()];

/** One topic in which the records stand that come from these inputs. */
function written(offsets: readonly number[], commits: readonly number[]): Evidence {
  const end = (topic: string, offset: number) => ({ topic, partition: 0, highWatermark: offset, lastStable: offset });
  return {
    guarantee: 'AtLeastOnce',
    inputs: INPUTS,
    neverCommitted: new Set(),
    outputs: [{ topic: 'out', records: offsets.map(outputOf), wanted: ({ key, value }) => ({ key, value }) }],
    commits: [0, ...commits, RECORDS].map((offset) => ({ topic: 'in', partition: 0, offset })),
    committed: [{ topic: 'in', partition: 0, offset: RECORDS }],
    ends: [end('in', RECORDS), end('out', offsets.length)],
  };
}

const kindsIn = (evidence: Evidence) => judge(evidence).findings.map(({ kind }) => kind);

/** What stands in the topic, the positions that were committed, and how much of it came again. */
const PERMITTED: Record<string, [offsets: readonly number[], commits: readonly number[], redelivered: number]> = {
  'each once': [ALL, [], 0],
  'a read from the beginning': [[0, 1, 2, 3, ...ALL], [], 4],
  'a read from a committed position': [[0, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9], [4], 2],
  'three reads from one position': [[0, 1, 2, 3, 4, 2, 3, 2, 3, 4, 5, 6, 7, 8, 9], [2], 5],
  'a read that stops again at once': [[...ALL, 6, 7], [6], 2],
  'what a frozen worker had read, between that of others': [[0, 1, 2, 3, 4, 5, 6, 4, 5, 7, 8, 6, 7, 9], [4], 4],
  'keys that are written at different times': [[0, 2, 4, 6, 8, 1, 3, 1, 3, 5, 7, 9], [], 2],
  'a position between the records of a key': [[...ALL, 7, 9, 8], [7], 3],
};

test.each(Object.entries(PERMITTED))('at least once permits %s', (_, [offsets, commits, redelivered]) => {
  expect(judge(written(offsets, commits))).toEqual({ isClean: true, findings: [], redelivered });
});

const FOUND: Record<string, [offsets: readonly number[], commits: readonly number[], kind: FindingKind]> = {
  'a record that never came': [ALL.filter((offset) => offset !== 4), [], 'lost'],
  'a record that never came, though others came again': [[0, 1, 2, 3, 2, 3, 5, 6, 7, 8, 9], [2], 'lost'],
  'first ones in the wrong order': [[0, 1, 4, 3, 2, 5, 6, 7, 8, 9], [], 'reordered'],
  'what a read left out, and came later': [[0, 1, 4, 5, 2, 3, 4, 5, 6, 7, 8, 9], [2], 'reordered'],
  'a read in the wrong order': [[...ALL, 4, 8, 6], [4], 'reordered'],
  'a read with a hole': [[...ALL, 4, 8], [4], 'reordered'],
  'a read from where the group never was': [[...ALL, 6], [4, 8], 'reordered'],
};

test.each(Object.entries(FOUND))('at least once is broken by %s', (_, [offsets, commits, kind]) => {
  expect(kindsIn(written(offsets, commits))).toEqual([kind]);
});

test('what comes again is whole, and in the same partition', () => {
  const evidence = written(ALL, [4]);
  const withLast = (record: OutputRecord) => ({
    ...evidence,
    outputs: evidence.outputs.map((output) => ({ ...output, records: [...output.records, record] })),
  });
  expect(kindsIn(withLast(outputOf(4)))).toEqual([]);
  expect(kindsIn(withLast({ ...outputOf(4), value: 'event-' }))).toEqual(['altered']);
  expect(kindsIn(withLast({ ...outputOf(4), key: 'odd' }))).toEqual(['altered']);
  expect(kindsIn(withLast({ ...outputOf(4), partition: 1 }))).toEqual(['reordered']);
  expect(kindsIn({ ...withLast(outputOf(4)), guarantee: 'ExactlyOnce' })).toEqual(['doubled']);
});

test('an offset that went back is found as before', () => {
  expect(kindsIn(written(ALL, [6, 4]))).toEqual(['offset-back']);
});

test('whatever reads there are from committed positions, they are permitted; one that runs backwards is found', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = randomFrom(seed);
      const commits = [random.whole(0, RECORDS), random.whole(0, RECORDS)].sort((a, b) => a - b);
      const readFrom = (from: number) => ALL.slice(from, random.whole(from, RECORDS + 1));
      const offsets = [...readFrom(0), ...ALL, ...commits.flatMap(readFrom)];
      expect(judge(written(offsets, commits))).toEqual({ isClean: true, findings: [], redelivered: offsets.length - RECORDS });
      expect(kindsIn(written([...offsets, ...ALL.toReversed()], []))).toEqual(['reordered']);
    }),
  );
});
