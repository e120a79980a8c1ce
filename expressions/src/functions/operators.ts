/** Arithmetic (cel-spec v0.26, langdef.md, "Overflow", "Timestamps and durations"). Integers never wrap around. */
import type { Arithmetic } from '../syntax/tree.ts';
import { Duration, MAX_UINT, Timestamp, UnsignedInt } from '../values/special.ts';
import { FunctionFailure } from './signature.ts';
import { durationOf, timestampOf } from './time-text.ts';

/** Operand and result types; `list` stands for any list. */
export const ARITHMETIC: Readonly<Record<Arithmetic, readonly (readonly [left: string, right: string, result: string])[]>> = {
  '+': [
    ...numbers('int', 'uint', 'double'),
    ['string', 'string', 'string'],
    ['bytes', 'bytes', 'bytes'],
    ['list', 'list', 'list'],
    ['timestamp', 'duration', 'timestamp'],
    ['duration', 'timestamp', 'timestamp'],
    ['duration', 'duration', 'duration'],
  ],
  '-': [
    ...numbers('int', 'uint', 'double'),
    ['timestamp', 'timestamp', 'duration'],
    ['timestamp', 'duration', 'timestamp'],
    ['duration', 'duration', 'duration'],
  ],
  '*': numbers('int', 'uint', 'double'),
  '/': numbers('int', 'uint', 'double'),
  '%': numbers('int', 'uint'),
};

function numbers(...names: string[]): (readonly [string, string, string])[] {
  return names.map((name) => [name, name, name] as const);
}

/** Types that have an order; numbers of different types are compared by value. */
export const ORDERED: readonly string[] = ['int', 'uint', 'double', 'string', 'bytes', 'bool', 'timestamp', 'duration'];

/** Undefined where there is no such operation on these two. Lists and bytes are joined elsewhere, where they are counted. */
export function calculate(operator: Arithmetic, left: unknown, right: unknown): unknown {
  if (typeof left === 'bigint' && typeof right === 'bigint') return signed(exactly(operator, left, right));
  if (typeof left === 'number' && typeof right === 'number') return inexactly(operator, left, right);
  if (left instanceof UnsignedInt && right instanceof UnsignedInt) return unsigned(exactly(operator, left.value, right.value));
  return operator === '+' ? later(left, right) : operator === '-' ? earlier(left, right) : undefined;
}

function exactly(operator: Arithmetic, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0n) throw new FunctionFailure('division by zero');
      return left / right;
    case '%':
      if (right === 0n) throw new FunctionFailure('modulus by zero');
      return left % right;
  }
}

function inexactly(operator: Arithmetic, left: number, right: number): number | undefined {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    default:
      return undefined;
  }
}

function signed(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new FunctionFailure('integer overflow');
  return value;
}

function unsigned(value: bigint): UnsignedInt {
  if (value < 0n || value > MAX_UINT) throw new FunctionFailure('unsigned integer overflow');
  return new UnsignedInt(value);
}

export function negate(value: unknown): unknown {
  if (typeof value === 'bigint') return signed(-value);
  return typeof value === 'number' ? -value : undefined;
}

function later(left: unknown, right: unknown): unknown {
  if (left instanceof Timestamp && right instanceof Duration) return timestampOf(left.nanos + right.nanos);
  if (left instanceof Duration && right instanceof Timestamp) return timestampOf(left.nanos + right.nanos);
  if (left instanceof Duration && right instanceof Duration) return durationOf(left.nanos + right.nanos);
  return undefined;
}

function earlier(left: unknown, right: unknown): unknown {
  if (left instanceof Timestamp && right instanceof Timestamp) return durationOf(left.nanos - right.nanos);
  if (left instanceof Timestamp && right instanceof Duration) return timestampOf(left.nanos - right.nanos);
  if (left instanceof Duration && right instanceof Duration) return durationOf(left.nanos - right.nanos);
  return undefined;
}
