import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
/** A test as pages name it: `file.test.ts`: "its name, or a part of it". */
const NAMED_TEST = /`([\w./-]+\.test\.ts)`: "([^"]+)"/g;

const namedTestsOf = (text: string) => [...text.matchAll(NAMED_TEST)].map(([, file, name]) => ({ file: file!, name: name! }));

/** Names stand in quotes of their file; a part of one may be filled in by a table. */
function isThere({ file, name }: { file: string; name: string }): boolean {
  try {
    return readFileSync(join(ROOT, file), 'utf8').replaceAll("\\'", "'").includes(name);
  } catch {
    return false;
  }
}

test.each(globSync('docs/**/*.md', { cwd: ROOT }))('every test that %s names is there', (page) => {
  expect(namedTestsOf(readFileSync(join(ROOT, page), 'utf8')).filter((named) => !isThere(named))).toEqual([]);
});

test('every row of the public cases names a test', () => {
  const rows = readFileSync(join(ROOT, 'docs/public-cases.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2);
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.filter((row) => namedTestsOf(row).length === 0)).toEqual([]);
});

test('a test that is not there is noticed', () => {
  const [wrongName, wrongFile] = namedTestsOf('`test/repo/lint.test.ts`: "no such name"; `test/repo/none.test.ts`: "x"');
  expect([isThere(wrongName!), isThere(wrongFile!)]).toEqual([false, false]);
});
