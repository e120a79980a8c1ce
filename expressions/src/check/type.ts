/** Types, as far as they are known without a record. */

export type ScalarKind = 'dyn' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration' | 'type';
export interface ScalarType {
  kind: ScalarKind;
}
export interface ListType {
  kind: 'list';
  of: Type;
}
export interface MapType {
  kind: 'map';
  key: Type;
  value: Type;
}
export interface RecordType {
  kind: 'record';
  name: string;
  fields: ReadonlyMap<string, Type>;
}
export interface OptionalType {
  kind: 'optional';
  of: Type;
}
/** A value of this type, if there is one: `orNull` where it may be null, else behind a record that may be null. */
export interface UnsureType {
  kind: 'unsure';
  of: SureType;
  orNull: boolean;
}
export type SureType = ScalarType | ListType | MapType | RecordType | OptionalType;
export type Type = SureType | UnsureType;

const SCALARS = new Map<string, ScalarType>(
  (['dyn', 'null', 'bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration', 'type'] as const).map((kind) => [
    kind,
    { kind },
  ]),
);

export function typeOfName(kind: ScalarKind): ScalarType {
  return SCALARS.get(kind)!;
}

export const DYN = typeOfName('dyn');
export const NULL = typeOfName('null');
export const BOOL = typeOfName('bool');
export const INT = typeOfName('int');
export const STRING = typeOfName('string');
export const TYPE = typeOfName('type');

export function listOf(of: Type): ListType {
  return { kind: 'list', of };
}

export function mapOf(key: Type, value: Type): MapType {
  return { kind: 'map', key, value };
}

export function unsure(type: Type, orNull: boolean): Type {
  if (type.kind === 'unsure') return { ...type, orNull: type.orNull || orNull };
  return type.kind === 'dyn' || type.kind === 'null' ? type : { kind: 'unsure', of: type, orNull };
}

/** The type of the value where there is one. */
export function sure(type: Type): SureType {
  return type.kind === 'unsure' ? type.of : type;
}

/** As errors and results name it: `dyn` where it depends on the event. */
export function nameOf(type: Type): string {
  switch (type.kind) {
    case 'unsure':
      return 'dyn';
    case 'list':
      return `list<${nameOf(type.of)}>`;
    case 'map':
      return `map<${nameOf(type.key)}, ${nameOf(type.value)}>`;
    case 'record':
      return `record ${type.name}`;
    case 'optional':
      return `optional<${nameOf(type.of)}>`;
    default:
      return type.kind;
  }
}

/** The one type of two values where they have one, undefined where they do not go together. */
export function joined(one: Type, other: Type): Type | undefined {
  if (one === other) return one;
  if (one.kind === 'dyn' || other.kind === 'dyn') return DYN;
  if (one.kind === 'null') return unsure(other, true);
  if (other.kind === 'null') return unsure(one, true);
  if (one.kind === 'unsure' || other.kind === 'unsure') return joinedUnsure(one, other);
  return joinedSure(one, other);
}

function joinedUnsure(one: Type, other: Type): Type | undefined {
  const both = joined(sure(one), sure(other));
  const orNull = [one, other].some((type) => type.kind === 'unsure' && type.orNull);
  return both === undefined ? undefined : unsure(both, orNull);
}

function joinedSure(one: SureType, other: SureType): Type | undefined {
  if (one.kind === 'list' && other.kind === 'list') return listOf(joined(one.of, other.of) ?? DYN);
  if (one.kind === 'optional' && other.kind === 'optional') return { kind: 'optional', of: joined(one.of, other.of) ?? DYN };
  if (one.kind === 'map' && other.kind === 'map') {
    return mapOf(joined(one.key, other.key) ?? DYN, joined(one.value, other.value) ?? DYN);
  }
  if (one.kind === 'record' && other.kind === 'record') return one.name === other.name ? one : undefined;
  return one.kind === other.kind ? one : undefined;
}

const NUMBERS: readonly string[] = ['int', 'uint', 'double'];

/** Can values of the two be equal? Numbers are compared by value, null with anything. */
export function comparable(one: Type, other: Type): boolean {
  const [left, right] = [sure(one), sure(other)];
  if (isOpen(left) || isOpen(right)) return true;
  if (NUMBERS.includes(left.kind)) return NUMBERS.includes(right.kind);
  if (left.kind === 'list' && right.kind === 'list') return comparable(left.of, right.of);
  if (left.kind === 'optional' && right.kind === 'optional') return comparable(left.of, right.of);
  if (left.kind === 'map' && right.kind === 'map') return comparable(left.key, right.key) && comparable(left.value, right.value);
  return familyOf(left) === familyOf(right);
}

function isOpen({ kind }: Type): boolean {
  return kind === 'dyn' || kind === 'null';
}

/** A record is a map to all that does not ask for its fields. */
export function familyOf({ kind }: SureType): string {
  return kind === 'record' ? 'map' : kind;
}
