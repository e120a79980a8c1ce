/** From a field path, and a range in its text, to line and column of the YAML file. */
import type { Path, Problem } from '@sagafleet/operator';
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type LineCounter, type Node, type Pair, type Scalar } from 'yaml';
import type { Place } from './diagnostic.ts';
import { scalarOffsets } from './scalar-offsets.ts';

/** The YAML behind a manifest. */
export interface YamlSource {
  text: string;
  lines: LineCounter;
  document: Document;
  root: Node;
}

type Span = [start: number, end: number];

export function placeOfProblem({ path, range, atKey }: Pick<Problem, 'path' | 'range' | 'atKey'>, source: YamlSource): Place {
  const { key, node, isWhole } = find(path, source);
  if (isWhole && range && isScalar(node)) return placeOfSpan(spanInScalar(node, range, source.text), source);
  const isValue = isScalar(node) && node.value !== null && !atKey && isWhole;
  return placeOfSpan(spanOf(isValue || key === null ? node : key), source);
}

export function placeOfSpan([start, end]: Span, { text, lines }: Pick<YamlSource, 'text' | 'lines'>): Place {
  const { line, col } = lines.linePos(start);
  const lineStart = lines.lineStarts[line - 1] ?? 0;
  const lineEnd = text.indexOf('\n', lineStart);
  const lineText = text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd).replace(/\r$/, '');
  return { line, column: col, length: Math.max(1, Math.min(end, lineStart + lineText.length) - start), lineText };
}

/** `key` is null at the root and in lists; `isWhole` = all of the path was there, else the last part that was. */
interface Found {
  key: Node | null;
  node: Node | null;
  isWhole: boolean;
}

function find(path: Path, { document, root }: YamlSource): Found {
  let found: Found = { key: null, node: root, isWhole: true };
  for (const part of path) {
    const parent = isAlias(found.node) ? found.node.resolve(document) : found.node;
    const child = childOf(parent ?? null, part);
    if (child === null) return { ...found, isWhole: false };
    found = child;
  }
  return found;
}

function childOf(parent: Node | null, part: string | number): Found | null {
  if (isSeq(parent)) {
    const item = parent.items[Number(part)];
    return item === undefined || isPair(item) ? null : { key: null, node: item as Node, isWhole: true };
  }
  if (!isMap(parent)) return null;
  const pair = (parent.items as Pair<Node, Node | null>[]).find(({ key }) => isScalar(key) && String(key.value) === String(part));
  return pair ? { key: pair.key, node: pair.value, isWhole: true } : null;
}

function spanOf(node: Node | null): Span {
  const [start, end] = node?.range ?? [0, 0];
  return [start, end];
}

function spanInScalar(node: Scalar, range: { start: number; end: number }, text: string): Span {
  const [start] = spanOf(node);
  const offsets = scalarOffsets(String(node.value), node.type as Scalar.Type | undefined, text, start);
  const last = offsets.at(-1) ?? start;
  return [offsets[range.start] ?? last, offsets[range.end] ?? last];
}
