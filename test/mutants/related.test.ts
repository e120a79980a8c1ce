import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ImportGraph } from './related.ts';

const FILES: Record<string, string> = {
  'kafka/src/index.ts': "export { a } from './read/a.ts';",
  'kafka/src/read/a.ts': "import { b } from './b.ts';",
  'kafka/src/read/b.ts': "import type { c } from './c.ts'; import { type d } from './c.ts';",
  'kafka/src/read/c.ts': "import './a.ts'; // a cycle",
  'kafka/src/other.test.ts': "import './read/a.ts';",
  'kafka/src/read/a.test.ts': "import { a } from './a.ts';",
  'kafka/src/read/b-of-a-kind.test.ts': "import { b } from './b.ts';",
  'worker/src/x.test.ts': "import { a } from '@sagafleet/kafka';",
};

test('tests of a file are those that import it, its own first, and not for a type alone', () => {
  const root = mkdtempSync(join(tmpdir(), 'imports-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [file, text] of Object.entries(FILES)) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const tests = Object.keys(FILES).filter((file) => file.endsWith('.test.ts'));
  const graph = new ImportGraph(root);
  expect(graph.testsOf('kafka/src/read/b.ts', tests)).toEqual([
    'kafka/src/read/b-of-a-kind.test.ts',
    'kafka/src/read/a.test.ts',
    'kafka/src/other.test.ts',
    'worker/src/x.test.ts',
  ]);
  expect(graph.testsOf('kafka/src/read/c.ts', tests)).toEqual([]);
});
