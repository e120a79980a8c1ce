/** What can be seen from the syntax tree of an expression alone. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { ExpressionError } from './errors.ts';
import { didYouMean } from './nearest.ts';
import { rangeOf, typeAt } from './nodes.ts';
import { refuseMixedNumbers } from './numbers.ts';
import type { ValueType } from './value-types.ts';

type Types = ReadonlyMap<string, ValueType>;

/** Names that lead out of a JavaScript object, where it has no field of that name. */
const INTERNAL_NAMES = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Throws for fields that the known types do not have, also below `has()` and behind a nullable
 * record, where CEL's own check is silent; and for what cel-js would do wrong without a word.
 */
export function inspect(node: ASTNode, types: Types): void {
  refuseMixedNumbers(node, types);
  if (node.op === 'map') refuseInternalKeys(node.args);
  if (node.op === '.') refuseUnknownField(node.args, node, types);
  // In event.items.all(event, ...) the inner name is another variable.
  const shadowing = node.op === 'rcall' && node.args[2][0]?.op === 'id' ? String(node.args[2][0].args) : null;
  const inner = shadowing === null ? types : new Map([...types].filter(([name]) => name !== shadowing));
  for (const child of childrenOf(node)) inspect(child, inner);
}

/** cel-js leaves such an entry out of the map, silently. */
function refuseInternalKeys(entries: [ASTNode, ASTNode][]): void {
  for (const [key] of entries) {
    if (key.op !== 'value' || !INTERNAL_NAMES.has(String(key.args))) continue;
    throw new ExpressionError('type', `a map can not be given a field "${String(key.args)}"`, { range: rangeOf(key) });
  }
}

function refuseUnknownField([parent, field]: [ASTNode, string], node: ASTNode, types: Types): void {
  const range = { start: node.end - field.length, end: node.end };
  if (INTERNAL_NAMES.has(field) && !isPath(parent)) {
    throw new ExpressionError('unknown-field', `no field "${field}" here`, { range });
  }
  const type = typeAt(parent, types);
  if (type === null || !('record' in type) || type.record.fields.has(field)) return;
  const { name, fields } = type.record;
  throw new ExpressionError('unknown-field', `no field "${field}" in ${name}${didYouMean(field, fields.keys())}`, { range });
}

/** Does it only follow fields of a variable? Values of variables are data, all of whose fields are their own. */
function isPath(node: ASTNode): boolean {
  if (node.op === '.' || node.op === '[]') return isPath(node.args[0]);
  return node.op === 'id';
}

/** The constant texts that the expression can give: its own, or those of its branches. */
export function constantResults(node: ASTNode): { text: string; node: ASTNode }[] {
  if (node.op === '?:') return [...constantResults(node.args[1]), ...constantResults(node.args[2])];
  return node.op === 'value' && typeof node.args === 'string' ? [{ text: node.args, node }] : [];
}

export function isMerge(node: ASTNode): node is Extract<ASTNode, { op: 'call' }> {
  return node.op === 'call' && node.args[0] === 'merge';
}

/** The constant keys of the maps that become the result, merged or chosen, each with its value. */
export function writtenFields(node: ASTNode): { text: string; node: ASTNode; value: ASTNode }[] {
  if (node.op === '?:') return [node.args[1], node.args[2]].flatMap(writtenFields);
  if (isMerge(node)) return node.args[1].flatMap(writtenFields);
  return node.op === 'map' ? node.args.flatMap(([key, value]) => constantResults(key).map((constant) => ({ ...constant, value }))) : [];
}

/** Is the node a key of a map literal? There a bare name is most likely a missing pair of quotes. */
export function isMapKey(root: ASTNode, range: { start: number; end: number }): boolean {
  if (root.op === 'map' && root.args.some(([key]) => key.start === range.start && key.end === range.end)) return true;
  return childrenOf(root).some((child) => isMapKey(child, range));
}

function childrenOf(node: ASTNode): ASTNode[] {
  if (node.op === 'value') return [];
  return [node.args].flat(3).filter((part): part is ASTNode => typeof part === 'object' && part !== null && 'op' in part);
}
