/** Which tests import a file, directly or not: only they can notice what is changed in it. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import ts from 'typescript';

/** Reads each file once. Paths are relative to the root. */
export class ImportGraph {
  readonly #root: string;
  readonly #imports = new Map<string, readonly string[]>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Those nearest to the file first: most mutants need no other. */
  testsOf(file: string, tests: readonly string[]): string[] {
    const near = (test: string) => (isTestOf(test, file) ? 2 : Number(dirname(test) === dirname(file)));
    return tests.filter((test) => this.#reaches(test, file)).sort((a, b) => near(b) - near(a));
  }

  #reaches(from: string, to: string): boolean {
    const seen = new Set([from]);
    for (const file of seen) for (const imported of this.#importsOf(file)) seen.add(imported);
    return seen.has(to);
  }

  #importsOf(file: string): readonly string[] {
    const known = this.#imports.get(file);
    if (known) return known;
    const source = ts.createSourceFile(file, readFileSync(join(this.#root, file), 'utf8'), ts.ScriptTarget.Latest);
    const imported = source.statements.flatMap((statement) => {
      if (!(ts.isImportDeclaration(statement) && !isTypeOnly(statement)) && !ts.isExportDeclaration(statement)) return [];
      const name = statement.moduleSpecifier as ts.StringLiteral | undefined;
      return name ? this.#resolve(file, name.text) : [];
    });
    this.#imports.set(file, imported);
    return imported;
  }

  #resolve(from: string, name: string): string[] {
    const path = name.startsWith('@sagafleet/') ? `${name.slice('@sagafleet/'.length)}/src/index.ts` : join(dirname(from), name);
    return (name.startsWith('.') || name.startsWith('@sagafleet/')) && existsSync(join(this.#root, path)) && path.endsWith('.ts')
      ? [path]
      : [];
  }
}

/** `x.test.ts` or `x-of-some-kind.test.ts` beside `x.ts`. */
function isTestOf(test: string, file: string): boolean {
  return dirname(test) === dirname(file) && basename(test).startsWith(basename(file, '.ts'));
}

function isTypeOnly({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false;
  const { namedBindings } = importClause;
  const isEachType = namedBindings && ts.isNamedImports(namedBindings) && namedBindings.elements.every(({ isTypeOnly: isType }) => isType);
  return importClause.phaseModifier === ts.SyntaxKind.TypeKeyword || (!importClause.name && isEachType === true);
}
