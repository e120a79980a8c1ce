import { expect, test } from 'vitest';
import type { Entrant } from './entrant.ts';
import { addTo, type Contents } from './input.ts';
import { judgeOutput, type Output } from './output.ts';

const RAW: Entrant = { subject: 'kafkajs', mode: 'exactly-once', work: 'raw', keys: 'kept' };

function contentsOf(...values: string[]): Contents {
  const contents = { records: 0, digest: 0 };
  for (const value of values) addTo(contents, Buffer.from('key'), Buffer.from(value));
  return contents;
}

const INPUT = { records: 3, contents: [contentsOf('a', 'b'), contentsOf('c')] };

const RIGHT: Record<string, [Partial<Entrant>, Output]> = {
  'the same again': [{}, { contents: [contentsOf('a', 'b'), contentsOf('c')], incomplete: 0 }],
  'other values where they are made anew': [{ work: 'cel' }, { contents: [contentsOf('x', 'y'), contentsOf('z')], incomplete: 0 }],
  'other partitions where keys are spread': [{ keys: 'spread' }, { contents: [contentsOf('a'), contentsOf('c', 'b')], incomplete: 0 }],
};

test.for(Object.entries(RIGHT))('accepts %s', ([, [differences, output]]) => {
  judgeOutput({ ...RAW, ...differences }, INPUT, output);
});

const WRONG: Record<string, [Partial<Entrant>, Output]> = {
  'a lost record': [{}, { contents: [contentsOf('a'), contentsOf('c')], incomplete: 0 }],
  'a doubled record': [{ work: 'cel' }, { contents: [contentsOf('a', 'b'), contentsOf('c', 'c')], incomplete: 0 }],
  'records in another order': [{}, { contents: [contentsOf('b', 'a'), contentsOf('c')], incomplete: 0 }],
  'a changed value': [{}, { contents: [contentsOf('a', 'B'), contentsOf('c')], incomplete: 0 }],
  'a record in another partition': [{ work: 'cel' }, { contents: [contentsOf('a'), contentsOf('c', 'b')], incomplete: 0 }],
  'an empty partition': [{ keys: 'spread' }, { contents: [contentsOf('a', 'b', 'c')], incomplete: 0 }],
  'a missing header': [{}, { contents: [contentsOf('a', 'b'), contentsOf('c')], incomplete: 1 }],
};

test.for(Object.entries(WRONG))('refuses %s', ([, [differences, output]]) => {
  expect(() => judgeOutput({ ...RAW, ...differences }, INPUT, output)).toThrow(expect.objectContaining({ code: 'WrongOutput' }));
});
