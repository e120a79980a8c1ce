import { SAGASTEP_SCHEMA, type StructuralSchema } from '@sagafleet/schemas';

/**
 * The manifest as an API server would store it: nulls of known fields are dropped, then the CRD's
 * defaults are filled in (Kubernetes, "Defaulting and Nullable"). The manifest given is left alone.
 */
export function withDefaults<Manifest>(manifest: Manifest): Manifest {
  return completed(manifest, SAGASTEP_SCHEMA) as Manifest;
}

function completed(value: unknown, schema: StructuralSchema): unknown {
  const { items, additionalProperties } = schema;
  if (Array.isArray(value)) return items ? value.map((element) => completed(element, items)) : structuredClone(value);
  if (typeof value !== 'object' || value === null) return value;
  if (!schema.properties && !additionalProperties) return structuredClone(value);
  const fields = Object.entries(value).flatMap(([name, field]): [string, unknown][] => {
    const known = ownProperty(schema, name);
    if (known && field === null) return [];
    const fieldSchema = known ?? additionalProperties;
    return [[name, fieldSchema ? completed(field, fieldSchema) : field]];
  });
  return Object.fromEntries([...fields, ...missingDefaults(schema, new Map(fields))]);
}

function missingDefaults(schema: StructuralSchema, present: ReadonlyMap<string, unknown>): [string, unknown][] {
  return Object.entries(schema.properties ?? {})
    .filter(([name, field]) => field.default !== undefined && !present.has(name))
    .map(([name, field]) => [name, completed(structuredClone(field.default), field)]);
}

export function ownProperty(schema: StructuralSchema, name: string): StructuralSchema | undefined {
  return schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
}
