/**
 * Which of CEL's numbers a part of an expression gives, also where cel-js' own check has to be silent:
 * behind a field that may be null, which CEL takes for anything.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { ExpressionError } from './errors.ts';
import { rangeOf, typeAt } from './nodes.ts';
import type { ValueType } from './value-types.ts';

export type NumberType = 'int' | 'double';
type Types = ReadonlyMap<string, ValueType>;

const ARITHMETIC: readonly string[] = ['+', '-', '*', '/', '%'];
/** Functions that give a number whatever they are given. */
const CALLS: Readonly<Record<string, NumberType>> = { int: 'int', double: 'double', size: 'int', now: 'int' };

/** CEL never converts by itself. @throws ExpressionError `type` where an int and a double are calculated with */
export function refuseMixedNumbers(node: ASTNode, types: Types): void {
  if (!ARITHMETIC.includes(node.op)) return;
  const [left, right] = (node.args as [ASTNode, ASTNode]).map((part) => numberOf(part, types));
  if (!left || !right || left === right) return;
  throw new ExpressionError('type', `${left} ${node.op} ${right} does not exist, convert one side with double() or int()`, {
    range: rangeOf(node),
  });
}

/** Null where it is no number, or not known to be one. */
export function numberOf(node: ASTNode, types: Types): NumberType | null {
  if (ARITHMETIC.includes(node.op)) {
    const [left, right] = node.args as [ASTNode, ASTNode];
    return numberOf(left, types) ?? numberOf(right, types);
  }
  switch (node.op) {
    case 'value':
      return typeof node.args === 'bigint' ? 'int' : typeof node.args === 'number' ? 'double' : null;
    case '-_':
      return numberOf(node.args, types);
    case '?:':
      return agreed(numberOf(node.args[1], types), numberOf(node.args[2], types));
    case 'call':
      return Object.hasOwn(CALLS, node.args[0]) ? CALLS[node.args[0]]! : null;
    case 'rcall':
      return node.args[0] === 'size' ? 'int' : null;
    default:
      return ofType(typeAt(node, types));
  }
}

function agreed(one: NumberType | null, other: NumberType | null): NumberType | null {
  return one === other ? one : null;
}

export function ofType(type: ValueType | null): NumberType | null {
  if (type === null || !('cel' in type)) return null;
  const name = type.orNull ?? type.cel;
  return name === 'int' || name === 'double' ? name : null;
}
