/** The syntax tree of an expression. Offsets are UTF-16 units of its text, `end` exclusive. */
import { ExpressionError, type TextRange } from '../errors.ts';

interface Place extends TextRange {
  /** 1 for a leaf, else one more than that of the deepest part. */
  depth: number;
}
export type Arithmetic = '+' | '-' | '*' | '/' | '%';
export type Ordering = '<' | '<=' | '>' | '>=';
export type BinaryOperator = Arithmetic | Ordering | '==' | '!=' | 'in';
export type MacroName = 'all' | 'exists' | 'exists_one' | 'map' | 'filter';

export interface LiteralNode extends Place {
  op: 'literal';
  value: unknown;
}
export interface NameNode extends Place {
  op: 'name';
  name: string;
  /** Written with a leading dot: a variable of the expression, never one of a macro. */
  absolute: boolean;
}
export interface SelectNode extends Place {
  op: 'select';
  object: Node;
  field: string;
  fieldRange: TextRange;
  /** `.?field` */
  optional: boolean;
  /** `has(object.field)` */
  test: boolean;
}
export interface IndexNode extends Place {
  op: 'index';
  object: Node;
  index: Node;
  /** `[?index]` */
  optional: boolean;
}
export interface CallNode extends Place {
  op: 'call';
  name: string;
  target: Node | null;
  args: Node[];
}
export interface UnaryNode extends Place {
  op: 'unary';
  operator: '-' | '!';
  operand: Node;
}
export interface BinaryNode extends Place {
  op: 'binary';
  operator: BinaryOperator;
  left: Node;
  right: Node;
}
/** `a && b && c` is one node. */
export interface LogicNode extends Place {
  op: 'logic';
  operator: '&&' | '||';
  operands: Node[];
}
export interface ConditionalNode extends Place {
  op: 'conditional';
  test: Node;
  yes: Node;
  no: Node;
}
export interface ListNode extends Place {
  op: 'list';
  items: Node[];
}
export interface MapNode extends Place {
  op: 'map';
  entries: { key: Node; value: Node }[];
}
/** `range.macro(variable, body)`, and `range.map(variable, condition, body)`. */
export interface MacroNode extends Place {
  op: 'macro';
  macro: MacroName;
  range: Node;
  variable: string;
  condition: Node | null;
  body: Node;
}
/** `cel.bind(variable, init, body)` */
export interface BindNode extends Place {
  op: 'bind';
  variable: string;
  init: Node;
  body: Node;
}
export type Node =
  | LiteralNode
  | NameNode
  | SelectNode
  | IndexNode
  | CallNode
  | UnaryNode
  | BinaryNode
  | LogicNode
  | ConditionalNode
  | ListNode
  | MapNode
  | MacroNode
  | BindNode;

/** Deeper trees are rejected, so that no expression exhausts the stack. */
const MAX_DEPTH = 250;

type Unplaced<Placed> = Placed extends Node ? Omit<Placed, keyof Place> : never;

/** @throws ExpressionError `syntax` where the tree becomes too deep */
export function node(parts: Unplaced<Node>, { start, end }: TextRange): Node {
  const made = { ...parts, start, end, depth: 1 } as Node;
  made.depth = 1 + childrenOf(made).reduce((deepest, { depth }) => Math.max(deepest, depth), 0);
  if (made.depth > MAX_DEPTH) throw tooDeep({ start, end });
  return made;
}

export function tooDeep(range: TextRange): ExpressionError {
  return new ExpressionError('syntax', `the expression is nested more than ${MAX_DEPTH} levels deep; split it, or use a list and join()`, {
    range,
  });
}

export function rangeOf({ start, end }: TextRange): TextRange {
  return { start, end };
}

export function childrenOf(parent: Node): Node[] {
  switch (parent.op) {
    case 'literal':
    case 'name':
      return [];
    case 'select':
      return [parent.object];
    case 'index':
      return [parent.object, parent.index];
    case 'call':
      return parent.target === null ? parent.args : [parent.target, ...parent.args];
    case 'unary':
      return [parent.operand];
    case 'binary':
      return [parent.left, parent.right];
    case 'logic':
      return parent.operands;
    case 'conditional':
      return [parent.test, parent.yes, parent.no];
    case 'list':
      return parent.items;
    case 'map':
      return parent.entries.flatMap(({ key, value }) => [key, value]);
    case 'macro':
      return [parent.range, ...(parent.condition === null ? [] : [parent.condition]), parent.body];
    case 'bind':
      return [parent.init, parent.body];
  }
}
