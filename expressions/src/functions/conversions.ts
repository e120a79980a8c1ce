/** Conversions (cel-spec v0.26, langdef.md, "List of Standard Definitions"). */
import { typeOfValue } from '../values/kind.ts';
import { MAX_INT, MAX_UINT, MIN_INT, type Timestamp, UnsignedInt } from '../values/special.ts';
import { type FunctionDefinition, FunctionFailure, same } from './signature.ts';
import { NANOS_PER_SECOND } from './time-text.ts';

const INTEGER = /^[+-]?[0-9]+$/;
const DOUBLE = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const NAMED_DOUBLE = /^([+-]?)(?:(inf(?:inity)?)|nan)$/i;
const TRUE: readonly string[] = ['1', 't', 'T', 'true', 'TRUE', 'True'];
const FALSE: readonly string[] = ['0', 'f', 'F', 'false', 'FALSE', 'False'];

export const CONVERSIONS: readonly FunctionDefinition[] = [
  { signature: 'bool(bool): bool', description: 'The value itself.', run: same },
  {
    signature: 'bool(string): bool',
    description: 'Of `1`, `t`, `true`, `0`, `f`, `false` and their capitals; fails on others.',
    run: toBool,
  },
  { signature: 'bytes(bytes): bytes', description: 'The value itself.', run: same },
  { signature: 'bytes(string): bytes', description: 'The string in UTF-8.', run: (text: string) => new Uint8Array(Buffer.from(text)) },
  { signature: 'double(double): double', description: 'The value itself.', run: same },
  { signature: 'double(int): double', description: 'The nearest double.', run: Number },
  { signature: 'double(uint): double', description: 'The nearest double.', run: ({ value }: UnsignedInt) => Number(value) },
  { signature: 'double(string): double', description: 'Of decimal text; fails on other text and out of range.', run: toDouble },
  { signature: 'dyn(dyn): dyn', description: 'The value itself, its type no longer checked.', run: same },
  { signature: 'int(int): int', description: 'The value itself.', run: same },
  { signature: 'int(uint): int', description: 'Fails out of range.', run: ({ value }: UnsignedInt) => toInt(value) },
  { signature: 'int(double): int', description: 'Without the fraction; fails out of range.', run: doubleToInt },
  { signature: 'int(string): int', description: 'Of decimal digits with a sign; fails on other text and out of range.', run: stringToInt },
  {
    signature: 'int(timestamp): int',
    description: 'Seconds since the epoch, rounded down.',
    run: ({ nanos }: Timestamp) => (nanos - (((nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND)) / NANOS_PER_SECOND,
  },
  { signature: 'string(string): string', description: 'The value itself.', run: same },
  { signature: 'string(bool): string', description: '`true` or `false`.', run: String },
  { signature: 'string(int): string', description: 'Decimal digits.', run: String },
  { signature: 'string(uint): string', description: 'Decimal digits.', run: ({ value }: UnsignedInt) => String(value) },
  { signature: 'string(double): string', description: 'The shortest text that gives the same double.', run: doubleToString },
  { signature: 'string(bytes): string', description: 'Of UTF-8; fails on other bytes.', run: bytesToString },
  { signature: 'type(dyn): type', description: 'The type of the value.', run: typeOfValue },
  { signature: 'uint(uint): uint', description: 'The value itself.', run: same },
  { signature: 'uint(int): uint', description: 'Fails below 0.', run: toUint },
  { signature: 'uint(double): uint', description: 'Without the fraction; fails out of range.', run: doubleToUint },
  { signature: 'uint(string): uint', description: 'Of decimal digits; fails on other text and out of range.', run: stringToUint },
];

function toBool(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw new FunctionFailure('bool() cannot convert this string');
}

function toInt(value: bigint): bigint {
  if (value > MAX_INT || value < MIN_INT) throw new FunctionFailure('int() cannot convert this number: it does not fit into 64 bits');
  return value;
}

/** Both bounds are excluded: a double near them stands for many integers. */
function doubleToInt(value: number): bigint {
  if (value > -(2 ** 63) && value < 2 ** 63) return BigInt(Math.trunc(value));
  throw new FunctionFailure('int() cannot convert this number: it does not fit into 64 bits');
}

function stringToInt(text: string): bigint {
  if (text.length > 32 || !INTEGER.test(text)) throw new FunctionFailure('int() cannot convert this string');
  return toInt(BigInt(text.replace(/^\+/, '')));
}

function toUint(value: bigint): UnsignedInt {
  if (value < 0n || value > MAX_UINT) throw new FunctionFailure('uint() cannot convert this number: it does not fit into 64 bits');
  return new UnsignedInt(value);
}

function doubleToUint(value: number): UnsignedInt {
  if (value > -1 && value < 2 ** 64) return toUint(BigInt(Math.trunc(value)));
  throw new FunctionFailure('uint() cannot convert this number: it does not fit into 64 bits');
}

function stringToUint(text: string): UnsignedInt {
  if (text.length > 32 || !/^[0-9]+$/.test(text)) throw new FunctionFailure('uint() cannot convert this string');
  return toUint(BigInt(text));
}

function toDouble(text: string): number {
  const named = NAMED_DOUBLE.exec(text);
  if (named) return named[2] === undefined ? Number.NaN : named[1] === '-' ? -Infinity : Infinity;
  const value = DOUBLE.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw new FunctionFailure('double() cannot convert this string');
}

function doubleToString(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function bytesToString(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new FunctionFailure('string() cannot convert these bytes: they are not UTF-8');
    throw error;
  }
}
