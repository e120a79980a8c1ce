/** A node of a syntax tree: where it stands, what it gives. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { ValueType } from './value-types.ts';

export function rangeOf(node: ASTNode): { start: number; end: number } {
  return { start: node.start, end: node.end };
}

/** Type of a path that begins at a variable; null for anything else. */
export function typeAt(node: ASTNode, types: ReadonlyMap<string, ValueType>): ValueType | null {
  if (node.op === 'id') return types.get(node.args) ?? null;
  if (node.op !== '.' && node.op !== '[]') return null;
  const parent = typeAt(node.args[0], types);
  if (parent === null || 'cel' in parent) return null;
  if ('list' in parent) return parent.list;
  if ('map' in parent) return parent.map;
  return node.op === '.' ? (parent.record.fields.get(node.args[1]) ?? null) : null;
}
