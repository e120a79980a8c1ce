import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mutantsOf } from './mutate.ts';
import { NAMED, namedMutantsOf } from './named.ts';
import { isListed, isSame, PAGE, parseSurvivors, rowOf } from './survivors.ts';
import { TARGETS } from './targets.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const sources = globSync(
  TARGETS.flatMap(({ files }) => files),
  { cwd: ROOT },
).filter((file) => !file.endsWith('.test.ts'));

describe('the page', () => {
  const survivors = parseSurvivors(read(PAGE));
  const mutants = sources.flatMap((file) => [...mutantsOf(file, read(file)), ...namedMutantsOf(file, read(file))]);

  test('lists only mutants that are there', () => {
    expect(survivors.length).toBeGreaterThan(0);
    expect(survivors.filter((survivor) => !mutants.some((mutant) => isSame(survivor, mutant)))).toEqual([]);
  });

  test('gives each survivor a reason', () => {
    expect(survivors.filter(({ reason }) => reason.length < 10)).toEqual([]);
  });
});

test('a mutant is found in the row that is written for it, and in no other', () => {
  const [first, second] = mutantsOf('kafka/src/x.ts', 'const f = () => {\n  return a || `b` && c;\n};');
  const listed = parseSurvivors(
    `# Page\n\n### Survivors\n\n| file | in | change | reason |\n| --- | --- | --- | --- |\n${rowOf(first!)}\n\n## Next\n\n${rowOf(second!)}\n`,
  );
  expect(listed).toMatchObject([{ file: 'kafka/src/x.ts', within: 'f', reason: '' }]);
  expect([isListed(first!, listed), isListed(second!, listed)]).toEqual([true, false]);
});

test('each named mutant changes code that is there', () => {
  const named = sources.flatMap((file) => namedMutantsOf(file, read(file)));
  expect(named.map(({ within }) => within).sort()).toEqual(Object.keys(NAMED).sort());
  expect(() => namedMutantsOf('kafka/src/produce/batch-producer.ts', '')).toThrow('does not have any more');
});
