/** Types of what an expression sees: the variables' own, and those that an Avro schema describes. */
import { DYN, INT, listOf, mapOf, type RecordType, STRING, type Type, typeOfName, unsure } from './check/type.ts';
import type { VariableName } from './kinds.ts';

const TEXTS = mapOf(STRING, STRING);

function record(name: string, fields: Record<string, Type>): Type {
  return { kind: 'record', name, fields: new Map(Object.entries(fields)) };
}

/** Types of the variables, `event` and `result` where nothing is known of them. */
export const VARIABLE_TYPES: Readonly<Record<VariableName, Type>> = {
  event: DYN,
  record: record('record', { topic: STRING, partition: INT, offset: INT, timestamp: INT, key: DYN, headers: TEXTS }),
  saga: record('saga', { id: STRING }),
  step: record('step', { name: STRING, namespace: STRING }),
  headers: TEXTS,
  result: DYN,
  response: record('response', { status: INT, headers: TEXTS, body: DYN }),
};

const PRIMITIVES: Readonly<Record<string, Type>> = {
  null: typeOfName('null'),
  boolean: typeOfName('bool'),
  int: INT,
  long: INT,
  float: typeOfName('double'),
  double: typeOfName('double'),
  bytes: typeOfName('bytes'),
  string: STRING,
};

/** Avro JSON as far as it is looked at; anything else is `dyn`. */
interface AvroObject {
  type?: unknown;
  logicalType?: unknown;
  name?: unknown;
  namespace?: unknown;
  fields?: unknown;
  items?: unknown;
  values?: unknown;
}

/** Names seen so far, by full name (Avro 1.12 specification, "Names"). */
interface Scope {
  types: Map<string, Type>;
  namespace: string;
}

/**
 * Type of the values of an Avro schema, as the codec hands them over: unions without a wrapper,
 * enums as text, int and long as CEL int. What is unknown or not well-formed is `dyn`.
 */
export function fromAvro(schema: unknown): Type {
  return typeOf(schema, { types: new Map(), namespace: '' });
}

function typeOf(schema: unknown, scope: Scope): Type {
  if (typeof schema === 'string') return ownOf(PRIMITIVES, schema) ?? scope.types.get(fullName(schema, scope)) ?? DYN;
  if (Array.isArray(schema)) return unionOf(schema, scope);
  if (typeof schema !== 'object' || schema === null) return DYN;
  const avro: AvroObject = schema;
  // The codec decides how a logical type of bytes looks (a decimal is text).
  if (avro.logicalType !== undefined && (avro.type === 'bytes' || avro.type === 'fixed')) return DYN;
  switch (avro.type) {
    case 'record':
    case 'error':
      return recordOf(avro, scope);
    case 'array':
      return listOf(typeOf(avro.items, scope));
    case 'map':
      return mapOf(STRING, typeOf(avro.values, scope));
    case 'enum':
      return named(avro, scope, STRING);
    case 'fixed':
      return named(avro, scope, typeOfName('bytes'));
    default:
      return typeOf(avro.type, scope);
  }
}

function unionOf(branches: unknown[], scope: Scope): Type {
  const types = branches.map((branch) => typeOf(branch, scope));
  const [only, ...more] = types.filter(({ kind }) => kind !== 'null');
  if (only === undefined || more.length > 0) return DYN;
  return unsure(only, types.length > 1);
}

function recordOf(avro: AvroObject, scope: Scope): Type {
  const fields = new Map<string, Type>();
  const name = fullName(String(avro.name), scope, avro.namespace);
  const type: RecordType = { kind: 'record', name, fields };
  scope.types.set(name, type);
  const inner = { types: scope.types, namespace: name.slice(0, Math.max(0, name.lastIndexOf('.'))) };
  for (const field of Array.isArray(avro.fields) ? avro.fields : []) {
    fields.set(String(field?.name), typeOf(field?.type, inner));
  }
  return type;
}

function named(avro: AvroObject, scope: Scope, type: Type): Type {
  scope.types.set(fullName(String(avro.name), scope, avro.namespace), type);
  return type;
}

function fullName(name: string, scope: Scope, namespace?: unknown): string {
  if (name.includes('.')) return name;
  const space = typeof namespace === 'string' ? namespace : scope.namespace;
  return space === '' ? name : `${space}.${name}`;
}

/** A schema may name a type `constructor`. */
function ownOf(types: Readonly<Record<string, Type>>, name: string): Type | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}
