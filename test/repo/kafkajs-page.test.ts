import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs/kafkajs.md'), 'utf8');
const FACTS = 35;

/** The cells of every row but heads, by section. */
function rowsOf(section: string): string[][] {
  return section
    .split('\n')
    .filter((line) => /^\| (K\d|–)/.test(line))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
}

test('every fact has a row, or is said not to be used', () => {
  const named = new Set([...PAGE.matchAll(/\bK(\d+)\b/g)].map(([, number]) => Number(number)));
  expect(Array.from({ length: FACTS }, (_, at) => at + 1).filter((number) => !named.has(number))).toEqual([]);
});

test('every row names the test that shows it, or why it does not touch us', () => {
  const [touching, others] = PAGE.split('## What is not used any more') as [string, string];
  const rows = rowsOf(touching);
  expect(rows.length).toBeGreaterThan(8);
  expect(rows.filter((cells) => cells.length !== 4 || !/^`[\w./-]+\.test\.ts`: "/.test(cells[3]!))).toEqual([]);
  expect(rowsOf(others).filter((cells) => cells.length !== 3)).toEqual([]);
});

test('every override is on the page, and no other', () => {
  const texts = globSync('kafka/src/kafkajs/hardening/*.ts', { cwd: ROOT, exclude: ['**/*.test.ts'] }).map((path) =>
    readFileSync(join(ROOT, path), 'utf8'),
  );
  const names = texts.flatMap((text) => [...text.matchAll(/: Override = \{\s+name: '([\w-]+)'/g)].map(([, name]) => name!));
  expect(names).toHaveLength(5);
  expect([...PAGE.matchAll(/override `([\w-]+)`/g)].map(([, name]) => name).sort()).toEqual(names.sort());
});
