/** What an expression gives, as far as its text shows it. */
import type { CallNode, Node } from '../syntax/tree.ts';

/** The constant strings that the expression can give: its own, or those of its branches. */
export function constantResults(node: Node): { text: string; node: Node }[] {
  if (node.op === 'conditional') return [...constantResults(node.yes), ...constantResults(node.no)];
  return node.op === 'literal' && typeof node.value === 'string' ? [{ text: node.value, node }] : [];
}

export function isMerge(node: Node): node is CallNode {
  return node.op === 'call' && node.name === 'merge' && node.target === null;
}

/** The constant keys of the maps that become the result, merged or chosen, each with its value. */
export function writtenFields(node: Node): { text: string; node: Node; value: Node }[] {
  if (node.op === 'conditional') return [node.yes, node.no].flatMap(writtenFields);
  if (isMerge(node)) return node.args.flatMap(writtenFields);
  if (node.op !== 'map') return [];
  return node.entries.flatMap(({ key, value }) => constantResults(key).map((constant) => ({ ...constant, value })));
}
