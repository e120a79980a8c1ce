/** The mutants of a source file: each is one small change of its text. */
import ts from 'typescript';
import { rules } from './rules.ts';

/** `from` stands at `start` of the file's text; `within` names the function around it. */
export interface Mutant {
  file: string;
  line: number;
  within: string;
  start: number;
  from: string;
  to: string;
}

const TOP = 'top level';

export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const found = new Map<string, Mutant>();
  visit(source, TOP);
  return [...found.values()].sort((a, b) => a.start - b.start);

  function visit(node: ts.Node, within: string): void {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    const name = functionName(node) ?? within;
    for (const { node: at, to } of rules(node)) add(at, to, name);
    ts.forEachChild(node, (child) => visit(child, name));
  }

  function add(node: ts.Node, to: string, within: string): void {
    const [start, from] = [node.getStart(source), node.getText(source)];
    const { line } = source.getLineAndCharacterOfPosition(start);
    if (from !== to) found.set(`${start} ${node.end} ${to}`, { file, line: line + 1, within, start, from, to });
  }
}

export function applyMutant(text: string, { start, from, to }: Mutant): string {
  if (!text.startsWith(from, start)) throw new Error('the file has changed since its mutants were listed');
  return text.slice(0, start) + to + text.slice(start + from.length);
}

/** A method, a function, or a function that a name stands for. */
function functionName(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  if (ts.isMethodDeclaration(node) || ts.isFunctionDeclaration(node) || ts.isGetAccessor(node)) return node.name?.getText();
  const isFunction = ts.isVariableDeclaration(node) && node.initializer !== undefined && ts.isArrowFunction(node.initializer);
  return isFunction ? node.name.getText() : undefined;
}
