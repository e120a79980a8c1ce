/**
 * Which branch of a union a value was read from, where its JavaScript type alone does not tell.
 *
 * Events are seen unwrapped (`{"note": "x"}`, never `{"note": {"string": "x"}}`), so a value of
 * ["float", "double"] or of two records would be written to the first branch that fits. A record or
 * map therefore carries its own branch, and a scalar's branch is kept by the object that holds it.
 * The marks are enumerable symbol properties: JSON, CEL and `Object.keys` do not see them, and
 * `{...event}` and `Object.assign` copy them, so they outlive a `merge`.
 */
import type { AvroType } from './schema.ts';

const OWN_BRANCH = Symbol('avro.branch');
const SCALAR_BRANCHES = Symbol('avro.scalar-branches');

type Holder = Record<PropertyKey, unknown>;
interface ScalarBranch {
  value: unknown;
  branch: string;
}

/** JavaScript representation; branches of the same one cannot be told apart by a value. */
export type Kind = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'bytes' | 'array' | 'object';

const KINDS: Record<string, Kind> = {
  null: 'null',
  boolean: 'boolean',
  int: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  string: 'string',
  enum: 'string',
  bytes: 'bytes',
  fixed: 'bytes',
  array: 'array',
  map: 'object',
  record: 'object',
  error: 'object',
};

export function kindOfType(type: AvroType): Kind {
  return KINDS[type.typeName]!;
}

export function kindOfValue(value: unknown): Kind | null {
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'bigint':
      return 'integer';
    case 'number':
      return 'number';
    case 'string':
      return 'string';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'array';
      return value instanceof Uint8Array ? 'bytes' : 'object';
    default:
      return null;
  }
}

/** A union with two branches of one kind. */
export function isAmbiguous(type: AvroType): boolean {
  return type.typeName.startsWith('union') && new Set(type.types.map(kindOfType)).size < type.types.length;
}

export function markOwn(value: object, branch: string): void {
  (value as Holder)[OWN_BRANCH] = branch;
}

export function markScalar(holder: object, key: PropertyKey, value: unknown, branch: string): void {
  const marks = ((holder as Holder)[SCALAR_BRANCHES] ??= new Map()) as Map<PropertyKey, ScalarBranch>;
  marks.set(key, { value, branch });
}

/** Branch that `holder[key]` was read from; null where it is not known or the value was replaced. */
export function markedBranch(holder: object | null, key: PropertyKey, value: unknown): string | null {
  if (kindOfValue(value) === 'object') return ((value as Holder)[OWN_BRANCH] as string | undefined) ?? null;
  const marks = holder && ((holder as Holder)[SCALAR_BRANCHES] as Map<PropertyKey, ScalarBranch> | undefined);
  const mark = marks?.get(key);
  return mark && Object.is(mark.value, value) ? mark.branch : null;
}
