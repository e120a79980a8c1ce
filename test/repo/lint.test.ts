import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ESLint } from 'eslint';
import { check, getFileInfo, resolveConfig } from 'prettier';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { wayToActing } from '../../lint/purity.js';

// Snippets belong to no program, so what needs types is off; one test below has a real file's path.
const eslint = new ESLint({
  overrideConfig: [{ languageOptions: { parserOptions: { project: null } }, rules: { '@typescript-eslint/no-floating-promises': 'off' } }],
});

async function rulesAgainst(code: string, filePath: string, judge = eslint): Promise<(string | null)[]> {
  const [result] = await judge.lintText(code, { filePath });
  return [...new Set(result?.messages.map(({ ruleId, message }) => ruleId ?? message))];
}

const lines = (count: number): string => '// line\n'.repeat(count);
const bodyOf = (count: number): string => `export function long(): void {\n${lines(count)}}\n`;
const IMPORTS = '@typescript-eslint/no-restricted-imports';

const REFUSED: Record<string, { at: string; code: string; rule: string }> = {
  'a file of more than 400 lines': { at: 'worker/src/a.ts', code: lines(401), rule: 'max-lines' },
  'a test of more than 600 lines': { at: 'worker/src/a.test.ts', code: lines(601), rule: 'max-lines' },
  'a function of more than 60 lines': { at: 'worker/src/a.ts', code: bodyOf(59), rule: 'max-lines-per-function' },
  'a fourth level of nesting': { at: 'cli/src/a.ts', code: 'if (a) if (b) if (c) { if (d) { e(); } }', rule: 'max-depth' },
  'a fifth parameter': { at: 'cli/src/a.ts', code: 'f((a, b, c, d, e) => a + b + c + d + e);', rule: 'max-params' },
  'a default export': { at: 'schemas/src/a.ts', code: 'export default 1;', rule: 'no-restricted-exports' },
  'a file called utils': { at: 'schemas/src/utils.ts', code: '', rule: 'sagafleet/telling-names' },
  'a test of helpers': { at: 'schemas/src/helpers.test.ts', code: '', rule: 'sagafleet/telling-names' },
  'a folder called common': { at: 'cli/src/common/a.ts', code: '', rule: 'sagafleet/telling-names' },
  'the environment read beside main.ts': { at: 'cli/src/a.ts', code: "f(process.env['A']);", rule: 'no-restricted-properties' },
  'the environment by another name': { at: 'cli/src/a.ts', code: "import { env } from 'node:process'; f(env);", rule: IMPORTS },
  'imports out of order': {
    at: 'cli/src/a.ts',
    code: "import { b } from './b.ts';\nimport { c } from 'node:fs';\nf(b, c);\n",
    rule: 'import-x/order',
  },
  'a cycle of imports': {
    at: 'worker/src/pipeline/run-step.ts',
    code: "import { Pipeline } from './pipeline.ts';\nexport const first = Pipeline;\n",
    rule: 'import-x/no-cycle',
  },
  'a pure file that imports one which acts': {
    at: 'worker/src/pipeline/encode.ts',
    code: "import { a } from '../health.ts';\nexport const b = a;\n",
    rule: 'sagafleet/pure-imports',
  },
  'a loose comparison': { at: 'cli/src/a.ts', code: 'f(a == 1);', rule: 'eqeqeq' },
};

const ALLOWED: Record<string, { at: string; code: string }> = {
  'a file of 400 lines': { at: 'worker/src/a.ts', code: lines(400) },
  'a test of 600 lines': { at: 'worker/src/a.test.ts', code: lines(600) },
  'a long function in a test': { at: 'worker/src/a.test.ts', code: bodyOf(100) },
  'a function of 60 lines': { at: 'worker/src/a.ts', code: bodyOf(58) },
  'three levels of nesting': { at: 'cli/src/a.ts', code: 'if (a) if (b) { if (c) { e(); } }' },
  'a name that holds a banned word': { at: 'schemas/src/value-types.ts', code: '' },
  'a default export of a config file': { at: 'a.config.js', code: 'export default 1;' },
  'the environment read in main.ts': { at: 'cli/src/main.ts', code: "f(process.env['A']);" },
  'types of what acts in a pure file': {
    at: 'worker/src/pipeline/encode.ts',
    code: "import type { Health } from '../health.ts';\nexport type A = Health;\n",
  },
  'a pure file that imports a pure one': {
    at: 'operator/src/check/a.ts',
    code: "import { a } from './problem.ts';\nexport const b = a;\n",
  },
  'the environment read by a test': { at: 'test/a.ts', code: "f(process.env['A']);" },
};

const REFUSED_IMPORTS: Record<string, { at: string; from: string; isType?: true }> = {
  'schemas of another package': { at: 'schemas/src/a.ts', from: '@sagafleet/expressions' },
  'kafka of the registry': { at: 'kafka/src/a.ts', from: '@sagafleet/registry' },
  'worker of operator, even types': { at: 'worker/src/a.ts', from: '@sagafleet/operator', isType: true },
  'operator of worker': { at: 'operator/src/a.ts', from: '@sagafleet/worker' },
  'worker of cli': { at: 'worker/src/a.ts', from: '@sagafleet/cli' },
  'a package of itself by its entry': { at: 'kafka/src/a.ts', from: '@sagafleet/kafka' },
  'a file inside another package': { at: 'cli/src/a.ts', from: '@sagafleet/kafka/src/topics.ts' },
  'a file of another package by its path': { at: 'cli/src/a.ts', from: '../../kafka/src/topics.ts' },
  'a main.ts': { at: 'cli/src/a.ts', from: './main.ts' },
  'kafkajs outside its home': { at: 'cli/src/a.ts', from: 'kafkajs' },
  'a part of kafkajs outside its home': { at: 'operator/src/a.ts', from: 'kafkajs/src/index.js' },
  'kafkajs types in the worker beside its driver': { at: 'worker/src/a.ts', from: 'kafkajs', isType: true },
  'kafkajs values in the worker’s driver': { at: 'worker/src/kafka/a.ts', from: 'kafkajs' },
  'the Kubernetes client’s values in desired objects': { at: 'operator/src/desired/a.ts', from: '@kubernetes/client-node' },
  'the Kubernetes client elsewhere': { at: 'operator/src/a.ts', from: '@kubernetes/client-node', isType: true },
  'the registry client outside its home': { at: 'worker/src/a.ts', from: '@kafkajs/confluent-schema-registry' },
  'avsc outside its home': { at: 'expressions/src/a.ts', from: 'avsc' },
  'files in desired objects': { at: 'operator/src/desired/a.ts', from: 'node:fs' },
  'files in checks': { at: 'operator/src/check/a.ts', from: 'node:fs' },
  'files in assignment': { at: 'worker/src/membership/assignment.ts', from: 'node:fs' },
  'a connection in encode': { at: 'worker/src/pipeline/encode.ts', from: '@sagafleet/kafka' },
};

const ALLOWED_IMPORTS: Record<string, { at: string; from: string; isType?: true }> = {
  'expressions of schemas': { at: 'expressions/src/a.ts', from: '@sagafleet/schemas' },
  'worker of kafka': { at: 'worker/src/a.ts', from: '@sagafleet/kafka' },
  'a folder of the same name as a package': { at: 'worker/src/a.ts', from: './kafka/driver.ts' },
  'cli of both processes': { at: 'cli/src/a.ts', from: '@sagafleet/operator' },
  'a package by its own tests': { at: 'kafka/test/a.test.ts', from: '@sagafleet/kafka' },
  'kafkajs at home': { at: 'kafka/src/a.ts', from: 'kafkajs' },
  'kafkajs types in the worker’s driver': { at: 'worker/src/kafka/a.ts', from: 'kafkajs', isType: true },
  'Kubernetes types in desired objects': { at: 'operator/src/desired/a.ts', from: '@kubernetes/client-node', isType: true },
  'the registry client at home': { at: 'registry/src/a.ts', from: '@kafkajs/confluent-schema-registry/dist/api/index.js' },
  'expressions in checks': { at: 'operator/src/check/a.ts', from: '@sagafleet/expressions' },
  'files in a test of checks': { at: 'operator/src/check/a.test.ts', from: 'node:fs' },
};

function importing({ from, isType }: { from: string; isType?: true }): string {
  return isType ? `import type { A } from '${from}';\nexport type B = A;\n` : `import { a } from '${from}';\nexport const b = a;\n`;
}

// The first test loads ESLint, the one with types the whole program.
describe('lint refuses', { timeout: 60_000 }, () => {
  test.for(Object.entries(REFUSED))('%s', async ([, { at, code, rule }]) => {
    expect(await rulesAgainst(code, at)).toEqual([rule]);
  });

  test.for(Object.entries(REFUSED_IMPORTS))('the import: %s', async ([, { at, ...imported }]) => {
    expect(await rulesAgainst(importing(imported), at)).toEqual([IMPORTS]);
  });

  test('a promise that nobody waits for', async () => {
    // Where CI is set typescript-eslint would look at the file on disk instead of the snippet
    vi.stubEnv('TSESTREE_SINGLE_RUN', 'false');
    const floating = 'async function act(): Promise<void> {}\nact();\n';
    expect(await rulesAgainst(floating, 'worker/src/worker.ts', new ESLint())).toEqual(['@typescript-eslint/no-floating-promises']);
  });
});

test('what a pure file imports is followed to the one that acts, past types and circles', () => {
  const root = mkdtempSync(join(tmpdir(), 'sagafleet-lint-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const files = {
    'a.ts': "import type { T } from './acts.ts';\nimport {\n  b,\n} from './b.ts';\n",
    'b.ts': "import { a } from './a.ts';\nexport * from './c.ts';\n",
    'c.ts': "import { readFileSync } from 'node:fs';\n",
    'acts.ts': "import { connect } from '@sagafleet/kafka';\n",
    'types.ts': "import type { T } from './c.ts';\nexport type { T } from 'node:fs';\n",
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
  const way = (name: string) => wayToActing(join(root, name), root);
  expect(way('a.ts')).toEqual(['a.ts', 'b.ts', 'c.ts', 'node:fs']);
  expect(way('acts.ts')).toEqual(['acts.ts', '@sagafleet/kafka']);
  expect(way('types.ts')).toBeNull();
});

test('the formatter refuses what it would write otherwise, and leaves prose and generated files alone', async () => {
  const config = { ...(await resolveConfig('worker/src/a.ts')), filepath: 'worker/src/a.ts' };
  expect(await check('export const a = "b"\n', config)).toBe(false);
  expect(await check("export const a = 'b';\n", config)).toBe(true);
  const isIgnored = async (path: string): Promise<boolean> => (await getFileInfo(path, { ignorePath: '.prettierignore' })).ignored;
  expect(await isIgnored('README.md')).toBe(true);
  expect(await isIgnored('schemas/crd/sagastep.yaml')).toBe(true);
  expect(await isIgnored('worker/src/main.ts')).toBe(false);
});

describe('lint allows', () => {
  test.for(Object.entries(ALLOWED))('%s', async ([, { at, code }]) => {
    expect(await rulesAgainst(code, at)).toEqual([]);
  });

  test.for(Object.entries(ALLOWED_IMPORTS))('the import: %s', async ([, { at, ...imported }]) => {
    expect(await rulesAgainst(importing(imported), at)).toEqual([]);
  });
});
