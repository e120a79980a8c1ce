/** Which of CEL's types a value has, while an expression runs. */
import { isMap } from './maps.ts';
import { Duration, Optional, Timestamp, TypeValue, UnsignedInt } from './special.ts';

export type ValueKind =
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'list'
  | 'map'
  | 'timestamp'
  | 'duration'
  | 'type'
  | 'optional'
  | 'unknown';

/** `unknown` is what CEL has no type for, such as a function or `undefined`. */
export function kindOf(value: unknown): ValueKind {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'object':
      return value === null ? 'null' : kindOfObject(value);
    default:
      return 'unknown';
  }
}

function kindOfObject(value: unknown): ValueKind {
  if (Array.isArray(value)) return 'list';
  if (isMap(value)) return 'map';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof UnsignedInt) return 'uint';
  if (value instanceof Timestamp) return 'timestamp';
  if (value instanceof Duration) return 'duration';
  if (value instanceof TypeValue) return 'type';
  return value instanceof Optional ? 'optional' : 'unknown';
}

/** Names of the types as `type()` gives them, where they are not those of the kinds. */
const TYPE_NAMES: Partial<Record<ValueKind, string>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  optional: 'optional_type',
};

export function typeOfValue(value: unknown): TypeValue {
  const kind = kindOf(value);
  return new TypeValue(TYPE_NAMES[kind] ?? kind);
}

/** Types that an expression may name. */
export const TYPE_VALUES: ReadonlyMap<string, TypeValue> = new Map(
  ['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint'].map((name) => [name, new TypeValue(name)]),
);
export const QUALIFIED_TYPE_VALUES: ReadonlyMap<string, TypeValue> = new Map(
  ['google.protobuf.Timestamp', 'google.protobuf.Duration'].map((name) => [name, new TypeValue(name)]),
);
