import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

/** What the compiler makes JavaScript of, by path in the package: what is imported comes along wherever it lies. */
function compiledFiles(name: string): string[] {
  const folder = join(ROOT, name);
  const config = join(folder, 'tsconfig.json');
  const { fileNames, options } = ts.parseJsonConfigFileContent(ts.readConfigFile(config, ts.sys.readFile).config, ts.sys, folder);
  const all = ts.createProgram(fileNames, options).getSourceFiles();
  return all.filter(({ isDeclarationFile }) => !isDeclarationFile).map(({ fileName }) => relative(folder, fileName).split(sep).join('/'));
}

test('a worker is published without its tests and the workers with broken rules', () => {
  const { files, exports } = JSON.parse(readFileSync(join(ROOT, 'worker/package.json'), 'utf8')) as { files: string[]; exports: object };
  expect({ files, exported: Object.keys(exports) }).toEqual({ files: ['dist'], exported: ['.'] });
  const compiled = compiledFiles('worker');
  expect(compiled).toContain('src/worker.ts');
  expect(compiled.filter((path) => /test|mutants/.test(path))).toEqual([]);
});
