/**
 * Schema text → types, by avsc: names, namespaces, references and the rules of the specification are
 * its work. Field defaults are taken out before and kept apart, because the default of a *writer's*
 * schema plays no part in decoding and registries do hold wrong ones, which avsc refuses, and because
 * avsc keeps defaults in a representation of its own.
 */
import avsc from 'avsc';
import { RegistryError } from '../errors.ts';
import { defaultValue } from './default.ts';

/** The part of an avsc type that is used here; logical types are their base types. */
export interface AvroType {
  readonly typeName: string;
  /** Full name of a named type, the type's name otherwise; undefined for a union. */
  readonly branchName: string | undefined;
  readonly name: string | undefined;
  readonly aliases: readonly string[] | undefined;
  readonly fields: readonly AvroField[];
  readonly types: readonly AvroType[];
  readonly itemsType: AvroType;
  readonly valuesType: AvroType;
  readonly symbols: readonly string[];
  /** Of an enum: the reader's symbol for one that it does not know. */
  readonly default: string | undefined;
  readonly size: number;
}
export interface AvroField { readonly name: string; readonly aliases: readonly string[]; readonly type: AvroType }

export interface AvroSchema {
  readonly type: AvroType;
  /** Default of each field that has one, as it stands in the schema's JSON. */
  readonly defaults: ReadonlyMap<AvroField, unknown>;
}

/** Texts of a schema and, in order of dependency, of the schemas it refers to by name. */
export interface SchemaTexts { schema: string; dependencies: readonly string[] }

/** For a schema that is only decoded with. @throws {RegistryError} `invalid-schema` */
export function parseWriterSchema(texts: SchemaTexts): AvroSchema {
  const registry: Record<string, never> = {};
  const defaults = new Map<AvroField, unknown>();
  for (const text of texts.dependencies) parseOne(text, registry, defaults);
  return { type: parseOne(texts.schema, registry, defaults), defaults };
}

/**
 * For a schema that fills in or writes: its defaults count.
 * @throws {RegistryError} `invalid-schema`, naming the field whose default does not fit
 */
export function parseSchema(texts: SchemaTexts): AvroSchema {
  const schema = parseWriterSchema(texts);
  for (const [field, json] of schema.defaults) {
    try {
      defaultValue(schema, field.type, json);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RegistryError('invalid-schema', `field "${field.name}": its default does not fit: ${reason}`, { cause });
    }
  }
  return schema;
}

function parseOne(text: string, registry: Record<string, never>, defaults: Map<AvroField, unknown>): AvroType {
  try {
    const json = parseJson(text);
    const type = avsc.Type.forSchema(withoutDefaults(json) as string, { registry, wrapUnions: 'always' });
    collectDefaults(json, type as unknown as AvroType, defaults);
    return type as unknown as AvroType;
  } catch (cause) {
    if (cause instanceof RegistryError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RegistryError('invalid-schema', `not an Avro schema: ${reason}`, { cause });
  }
}

/** Whole numbers beyond 2^53, as a long's default may be, become BigInt instead of a rounded number. */
function parseJson(text: string): unknown {
  const exact = (_key: string, value: unknown, context?: { source: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '') ? BigInt(context!.source) : value;
  return JSON.parse(text, exact) as unknown;
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(schema: Json): Json[] | null {
  return Array.isArray(schema['fields']) ? schema['fields'].filter(isObject) : null;
}

function withoutDefaults(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDefaults);
  if (!isObject(schema)) return schema;
  const copy: Json = { ...schema };
  for (const part of ['type', 'items', 'values']) if (part in copy) copy[part] = withoutDefaults(copy[part]);
  const fields = fieldsOf(schema);
  if (fields) copy['fields'] = fields.map(({ default: _default, ...field }) => withoutDefaults(field));
  return copy;
}

/** Walks text and type side by side; a name that stands for a type defined elsewhere ends the walk. */
function collectDefaults(schema: unknown, type: AvroType, defaults: Map<AvroField, unknown>): void {
  if (Array.isArray(schema)) schema.forEach((branch, i) => collectDefaults(branch, type.types[i]!, defaults));
  if (!isObject(schema)) return;
  if ('items' in schema) collectDefaults(schema['items'], type.itemsType, defaults);
  if ('values' in schema) collectDefaults(schema['values'], type.valuesType, defaults);
  fieldsOf(schema)?.forEach((json, i) => {
    const field = type.fields[i]!;
    if ('default' in json) defaults.set(field, json['default']);
    collectDefaults(json['type'], field.type, defaults);
  });
}
