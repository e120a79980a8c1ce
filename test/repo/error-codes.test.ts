import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGE = readFileSync(join(ROOT, 'docs/reference/errors.md'), 'utf8');

/** Heading of the page → file with the closed list. */
const LISTS: Record<string, string> = {
  worker: 'worker/src/errors.ts',
  expressions: 'expressions/src/errors.ts',
  registry: 'registry/src/errors.ts',
  Kafka: 'kafka/src/errors.ts',
  operator: 'operator/src/errors.ts',
  'local mode': 'local/src/errors.ts',
  'command line': 'cli/src/errors.ts',
};

function codesIn(file: string): string[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const [, list = ''] = /export type \w+ErrorCode =([^;]*);/.exec(text.replaceAll(/\/\*\*.*?\*\//gs, '')) ?? [];
  return [...list.matchAll(/'([^']+)'/g)].map(([, code]) => code!);
}

function codesUnder(heading: string): string[] {
  const [, section = ''] = PAGE.split(`\n## ${heading}\n`);
  const [rows = ''] = section.split('\n## ');
  return [...rows.matchAll(/^\| `([^`]+)` \| [^|]+ \| [^|]+ \|$/gm)].map(([, code]) => code!);
}

test.each(Object.entries(LISTS))('the page has every error code of %s with its cause and a fix, and no other', (heading, file) => {
  const codes = codesIn(file);
  expect(codes.length).toBeGreaterThan(2);
  expect(codesUnder(heading).toSorted()).toEqual(codes.toSorted());
  expect(codes.filter((code) => !/^[a-z]+(-[a-z]+)*$/.test(code))).toEqual([]);
});
