/**
 * Schema text → types, by avsc: names, namespaces, references and the rules of the specification are
 * its work. Field defaults are taken out before and kept apart, because the default of a *writer's*
 * schema plays no part in decoding and registries do hold wrong ones, which avsc refuses, and because
 * avsc keeps defaults in a representation of its own.
 */
import avsc from 'avsc';
import { RegistryError, withoutStackOverflow } from '../errors.ts';
import { defaultValue } from './default.ts';
import type { AvroField, AvroSchema, AvroType, SchemaTexts } from './schema.ts';

/** For a schema that is only decoded with. @throws {RegistryError} `invalid-schema` */
export function parseWriterSchema(texts: SchemaTexts): AvroSchema {
  return parse(texts, withoutDefaults);
}

/**
 * For a schema that fills in or writes: its defaults count.
 * @throws {RegistryError} `invalid-schema`, naming the field whose default does not fit
 */
export function parseSchema(texts: SchemaTexts): AvroSchema {
  const schema = parse(texts, withoutFieldDefaults);
  for (const field of schema.defaults.keys()) {
    const misfit = misfitOf(schema, field);
    if (misfit) throw misfit;
  }
  return schema;
}

/**
 * A writer's schema made one to write with: its text without the defaults that do not fit, and the fields
 * that had them. Those of schemas that it refers to stay.
 * @throws {RegistryError} `invalid-schema`
 */
export function withoutMisfits(texts: SchemaTexts): { schema: string; fields: string[] } {
  const parsed = parseWriterSchema(texts);
  const json = parseJson(texts.schema);
  const fields: string[] = [];
  eachField(json, parsed.type, (field, type) => {
    if (!('default' in field) || !misfitOf(parsed, type)) return;
    delete field['default'];
    fields.push(type.name);
  });
  return { schema: fields.length === 0 ? texts.schema : toText(json), fields };
}

function misfitOf(schema: AvroSchema, field: AvroField): RegistryError | null {
  try {
    defaultValue(schema, field.type, schema.defaults.get(field));
    return null;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new RegistryError('invalid-schema', `field "${field.name}": its default does not fit: ${reason}`, { cause });
  }
}

function parse(texts: SchemaTexts, prepare: (json: unknown) => unknown): AvroSchema {
  try {
    return parseEach(texts, prepare);
  } catch (cause) {
    throw withoutStackOverflow('invalid-schema', cause);
  }
}

function parseEach({ schema, dependencies }: SchemaTexts, prepare: (json: unknown) => unknown): AvroSchema {
  const registry: Record<string, never> = {};
  const defaults = new Map<AvroField, unknown>();
  const types = [...dependencies, schema].map((text) => {
    const json = parseJson(text);
    const type = toType(prepare(json), registry);
    eachField(json, type, (field, parsed) => {
      if ('default' in field) defaults.set(parsed, field['default']);
    });
    return type;
  });
  return { type: types.at(-1)!, defaults };
}

function toType(json: unknown, registry: Record<string, never>): AvroType {
  try {
    return avsc.Type.forSchema(json as string, { registry, wrapUnions: 'always' }) as unknown as AvroType;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError('invalid-schema', `not an Avro schema: ${reason}`, { cause });
  }
}

/** Whole numbers beyond 2^53, as a long's default may be, become BigInt instead of a rounded number. */
function parseJson(text: string): unknown {
  const exact = (_key: string, value: unknown, context?: { source: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context!.source) : value;
  try {
    return JSON.parse(text, exact) as unknown;
  } catch (cause) {
    throw new RegistryError('invalid-schema', `not an Avro schema: ${(cause as Error).message}`, { cause });
  }
}

function toText(json: unknown): string {
  // Not in the types of this TypeScript yet (ECMAScript 2026)
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  return JSON.stringify(json, (_key, value: unknown) => (typeof value === 'bigint' ? rawJSON(String(value)) : value));
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(schema: Json): Json[] | null {
  return Array.isArray(schema['fields']) ? schema['fields'].filter(isObject) : null;
}

/** avsc is strict with an enum's own default as well, which only a reader's enum needs. */
function withoutDefaults(schema: unknown): unknown {
  return mapped(withoutFieldDefaults(schema), (part) => (part['type'] === 'enum' ? without(part, 'default') : part));
}

function withoutFieldDefaults(schema: unknown): unknown {
  return mapped(schema, (part) => {
    const fields = fieldsOf(part);
    return fields ? { ...part, fields: fields.map((field) => without(field, 'default')) } : part;
  });
}

function without(part: Json, name: string): Json {
  return Object.fromEntries(Object.entries(part).filter(([key]) => key !== name));
}

/** Every object of a schema as `change` makes it, the outer ones first. */
function mapped(schema: unknown, change: (part: Json) => Json): unknown {
  if (Array.isArray(schema)) return schema.map((part) => mapped(part, change));
  if (!isObject(schema)) return schema;
  const copy = change({ ...schema });
  for (const part of ['type', 'items', 'values', 'fields']) if (part in copy) copy[part] = mapped(copy[part], change);
  return copy;
}

/** Walks text and type side by side; a name that stands for a type defined elsewhere ends the walk. */
function eachField(schema: unknown, type: AvroType, visit: (json: Json, field: AvroField) => void): void {
  if (Array.isArray(schema)) schema.forEach((branch, i) => eachField(branch, type.types[i]!, visit));
  if (!isObject(schema)) return;
  // avsc takes a list of one name for the name
  if (Array.isArray(schema['type']))
    throw new RegistryError('invalid-schema', `not an Avro schema: unknown type: ${JSON.stringify(schema['type'])}`);
  if (typeof schema['type'] === 'object') eachField(schema['type'], type, visit);
  // What else a schema holds is metadata, whatever it is called (Avro 1.12, "Schema Declaration")
  if (schema['type'] === 'array') eachField(schema['items'], type.itemsType, visit);
  if (schema['type'] === 'map') eachField(schema['values'], type.valuesType, visit);
  if (schema['type'] !== 'record' && schema['type'] !== 'error') return;
  fieldsOf(schema)?.forEach((json, i) => {
    const field = type.fields[i]!;
    visit(json, field);
    eachField(json['type'], field.type, visit);
  });
}
