/** Values that may be null: where they are known not to be, and what is said where null would fail. */
import type { ExpressionError } from '../errors.ts';
import type { Node } from '../syntax/tree.ts';
import { failAt, type Scope, textOf } from './scope.ts';
import type { SureType, Type } from './type.ts';

/** Name of a value that is the same wherever it is written, null for anything that is computed. */
export function pathOf(node: Node): string | null {
  switch (node.op) {
    case 'name':
      return node.absolute ? `.${node.name}` : node.name;
    case 'select': {
      const object = node.test || node.optional ? null : pathOf(node.object);
      return object === null ? null : `${object}[${JSON.stringify(node.field)}]`;
    }
    case 'index': {
      const object = node.optional || node.index.op !== 'literal' ? null : pathOf(node.object);
      return object === null || node.index.op !== 'literal' ? null : `${object}[${literalText(node.index.value)}]`;
    }
    default:
      return null;
  }
}

function literalText(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Paths that are not null where the condition is true. */
export function presentWhenTrue(condition: Node): string[] {
  return presentWhen(condition, true);
}

/** Paths that are not null where the condition is false. */
export function presentWhenFalse(condition: Node): string[] {
  return presentWhen(condition, false);
}

function presentWhen(condition: Node, isTrue: boolean): string[] {
  switch (condition.op) {
    case 'binary':
      return condition.operator === (isTrue ? '!=' : '==') ? comparedWithNull(condition.left, condition.right) : [];
    case 'logic':
      return condition.operator === (isTrue ? '&&' : '||') ? condition.operands.flatMap((each) => presentWhen(each, isTrue)) : [];
    case 'unary':
      return condition.operator === '!' ? presentWhen(condition.operand, !isTrue) : [];
    default:
      return [];
  }
}

function comparedWithNull(left: Node, right: Node): string[] {
  const other = isNull(left) ? right : isNull(right) ? left : null;
  const path = other === null ? null : pathOf(other);
  return path === null ? [] : [path];
}

function isNull(node: Node): boolean {
  return node.op === 'literal' && node.value === null;
}

const DEFAULTS: Partial<Record<SureType['kind'], string>> = {
  int: '0',
  uint: '0u',
  double: '0.0',
  string: "''",
  bytes: "b''",
  bool: 'false',
  list: '[]',
  map: '{}',
};

/** Type of a value that something takes which fails on null. @throws ExpressionError `may-be-null` */
export function presentType(node: Node, type: Type, { scope, taker }: { scope: Scope; taker: string }): SureType {
  if (type.kind !== 'unsure') return type;
  if (type.orNull) throw mayBeNull(node, type.of, { scope, taker });
  return type.of;
}

function mayBeNull(node: Node, type: SureType, { scope, taker }: { scope: Scope; taker: string }): ExpressionError {
  const text = textOf(scope, node);
  const substitute = DEFAULTS[type.kind];
  const advice =
    substitute === undefined
      ? `check ${text} != null first`
      : `write (${text} == null ? ${substitute} : ${text}), or check ${text} != null first`;
  return failAt(node, 'may-be-null', `${text} may be null, which ${taker} does not take; ${advice}`);
}
