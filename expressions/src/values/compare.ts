/** Equality and order (cel-spec v0.26, langdef.md, "Equality", "Ordering"). */
import { kindOf, type ValueKind } from './kind.ts';
import { entryOf, keysOf, sizeOfMap } from './maps.ts';
import { type Duration, type Optional, type Timestamp, type TypeValue, UnsignedInt } from './special.ts';

const NUMBERS: ReadonlySet<ValueKind> = new Set(['int', 'uint', 'double']);

/** Numbers are equal by value, whatever their type; other values of different types are not equal. */
export function equals(one: unknown, other: unknown): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  const kind = kindOf(one);
  const otherKind = kindOf(other);
  if (NUMBERS.has(kind)) return NUMBERS.has(otherKind) && compareNumbers(numeric(one), numeric(other)) === 0;
  if (kind !== otherKind) return false;
  switch (kind) {
    case 'list':
      return equalLists(one as unknown[], other as unknown[]);
    case 'map':
      return equalMaps(one as object, other as object);
    case 'bytes':
      return Buffer.compare(one as Uint8Array, other as Uint8Array) === 0;
    case 'timestamp':
    case 'duration':
      return (one as Timestamp | Duration).nanos === (other as Timestamp | Duration).nanos;
    case 'type':
      return (one as TypeValue).name === (other as TypeValue).name;
    case 'optional':
      return equalOptionals(one as Optional, other as Optional);
    default:
      return one === other;
  }
}

function equalLists(one: unknown[], other: unknown[]): boolean {
  return one.length === other.length && one.every((item, index) => equals(item, other[index]));
}

function equalMaps(one: object, other: object): boolean {
  if (sizeOfMap(one) !== sizeOfMap(other)) return false;
  return keysOf(one).every((key) => {
    const value = entryOf(other, key);
    return value !== undefined && equals(entryOf(one, key), value);
  });
}

function equalOptionals(one: Optional, other: Optional): boolean {
  return one.isPresent === other.isPresent && (!one.isPresent || equals(one.value, other.value));
}

function numeric(value: unknown): bigint | number {
  return value instanceof UnsignedInt ? value.value : (value as bigint | number);
}

/** Negative, 0, positive; NaN where a double is NaN. Undefined where the two have no order. */
export function compare(one: unknown, other: unknown): number | undefined {
  if (typeof one === 'string' && typeof other === 'string') return compareStrings(one, other);
  const kind = kindOf(one);
  const otherKind = kindOf(other);
  if (NUMBERS.has(kind) && NUMBERS.has(otherKind)) return compareNumbers(numeric(one), numeric(other));
  if (kind !== otherKind) return undefined;
  switch (kind) {
    case 'bool':
      return Number(one) - Number(other);
    case 'bytes':
      return Buffer.compare(one as Uint8Array, other as Uint8Array);
    case 'timestamp':
    case 'duration':
      return compareNumbers((one as Timestamp | Duration).nanos, (other as Timestamp | Duration).nanos);
    default:
      return undefined;
  }
}

/** An integer that meets a double becomes one, as in other implementations: 2^63 - 1 and 2^63 are one double. */
function compareNumbers(one: bigint | number, other: bigint | number): number {
  if (typeof one !== typeof other) return compareNumbers(Number(one), Number(other));
  if (one < other) return -1;
  if (one > other) return 1;
  return one === other ? 0 : Number.NaN;
}

/** By code points; JavaScript's own order is by UTF-16 units, which puts U+FFFD behind an emoji. */
function compareStrings(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const difference = one.charCodeAt(at) - other.charCodeAt(at);
    if (difference === 0) continue;
    const isSurrogate = isSurrogateAt(one, at);
    if (isSurrogate === isSurrogateAt(other, at)) return difference;
    return isSurrogate ? 1 : -1;
  }
  return one.length - other.length;
}

function isSurrogateAt(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xf800) === 0xd800;
}
