/** A field's default in the schema's JSON → the value an event holds (Avro 1.12, "field default values"). */
import { RegistryError } from '../errors.ts';
import type { AvroSchema, AvroType } from './schema.ts';

/**
 * A union's default is one of its first branch; bytes and fixed are written as ISO-8859-1 text.
 * @throws {RegistryError} `invalid-schema` where the default does not fit
 */
export function defaultValue(schema: AvroSchema, type: AvroType, json: unknown): unknown {
  switch (type.typeName) {
    case 'null':
      return expect(json === null, json, 'null');
    case 'boolean':
      return expect(typeof json === 'boolean', json, 'a boolean');
    case 'string':
      return expect(typeof json === 'string', json, 'a string');
    case 'int':
      return integer(json, 32);
    case 'long':
      return integer(json, 64);
    case 'float':
    case 'double':
      return Number(expect(typeof json === 'number' || typeof json === 'bigint', json, 'a number'));
    case 'bytes':
      return Buffer.from(String(expect(typeof json === 'string', json, 'a string')), 'latin1');
    case 'fixed':
      return Buffer.from(
        String(expect(typeof json === 'string' && json.length === type.size, json, `a string of ${type.size} characters`)),
        'latin1',
      );
    case 'enum':
      return expect(type.symbols.includes(json as string), json, `a symbol of ${type.name}`);
    case 'array':
      expect(Array.isArray(json), json, 'a list');
      return (json as unknown[]).map((item) => defaultValue(schema, type.itemsType, item));
    case 'map':
      return Object.fromEntries(Object.entries(object(json)).map(([key, value]) => [key, defaultValue(schema, type.valuesType, value)]));
    case 'record':
    case 'error':
      return recordDefault(schema, type, object(json));
    default:
      return unionDefault(schema, type, json);
  }
}

function recordDefault(schema: AvroSchema, type: AvroType, json: Record<string, unknown>): unknown {
  return Object.fromEntries(
    type.fields.map((field) => {
      const given = Object.hasOwn(json, field.name) ? json[field.name] : schema.defaults.get(field);
      if (given === undefined) throw new RegistryError('invalid-schema', `${type.name} needs "${field.name}"`);
      return [field.name, defaultValue(schema, field.type, given)];
    }),
  );
}

function unionDefault(schema: AvroSchema, type: AvroType, json: unknown): unknown {
  try {
    return defaultValue(schema, type.types[0]!, json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError('invalid-schema', `${reason} (a union's default is one of its first branch)`, { cause });
  }
}

function integer(json: unknown, bits: number): bigint {
  const whole = typeof json === 'bigint' || Number.isSafeInteger(json);
  const value = whole ? BigInt(json as number | bigint) : 0n;
  expect(whole && value === BigInt.asIntN(bits, value), json, `a whole number of ${bits} bits`);
  return value;
}

function object(json: unknown): Record<string, unknown> {
  return expect(typeof json === 'object' && json !== null && !Array.isArray(json), json, 'an object') as Record<string, unknown>;
}

function expect(fits: boolean, json: unknown, wanted: string): unknown {
  if (!fits)
    throw new RegistryError('invalid-schema', `${wanted} is needed, not ${typeof json === 'bigint' ? json : JSON.stringify(json)}`);
  return json;
}
