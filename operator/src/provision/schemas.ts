import { parseSchema, RegistryError, type AvroType } from '@sagafleet/registry';
import type { ProvisionReport, SchemaNeed } from './needs.ts';
import type { RegistrySchema, SchemaRegistry } from './ports.ts';

type Result = ProvisionReport;

/**
 * Makes sure that a subject holds the schema a step writes or reads with: its definition after a
 * compatibility check, else the schema of the first fallback subject that exists.
 */
export async function provisionSchema(need: SchemaNeed, registry: SchemaRegistry): Promise<Result> {
  const latest = await orNull(registry.latest(need.subject));
  if (need.definition !== null) return registerDefinition(need, latest, registry);
  if (latest) return nothing();
  for (const fallback of need.fallbacks) {
    const found = await orNull(registry.latest(fallback));
    if (found) return register(need.subject, found, registry);
  }
  const waitsFor = need.fallbacks.length > 0 ? ` and neither does ${need.fallbacks.join(', ')}` : '';
  return {
    ...nothing(),
    pending: [`subject ${need.subject} does not exist${waitsFor}: register its schema, or give one in the step`],
  };
}

async function registerDefinition(need: SchemaNeed, latest: RegistrySchema | null, registry: SchemaRegistry): Promise<Result> {
  const definition = { schema: need.definition!, references: [] };
  if (latest && canonical(latest.schema) === canonical(definition.schema)) return nothing();
  const moved = latest && need.fieldOrder === 'Append' ? fieldNotAppended(latest, definition) : null;
  if (moved) {
    return refused(need.subject, `field "${moved}" is new and does not stand at the end, so readers that look at no schema id `
      + 'would read rubbish: move it to the end, or set topics.fieldOrder to Any');
  }
  if (latest) {
    const { compatible, messages } = await registry.checkCompatibility(need.subject, definition.schema);
    if (!compatible) return refused(need.subject, messages.join('; ') || 'the registry calls it incompatible');
  }
  return register(need.subject, definition, registry);
}

async function register(
  subject: string, { schema, references }: Pick<RegistrySchema, 'schema' | 'references'>, registry: SchemaRegistry,
): Promise<Result> {
  // Some registries enforce nothing until the level is set
  const level = await registry.compatibilityLevel(subject);
  const { version } = await registry.register(subject, schema, references);
  if (level === null) await registry.setCompatibilityLevel(subject, 'FULL_TRANSITIVE');
  return { ...nothing(), done: [`registered ${subject} version ${version}`] };
}

/** The first field of `next`, at any depth of records, that stands where `last` has another one. */
function fieldNotAppended(last: RegistrySchema, next: Pick<RegistrySchema, 'schema'>): string | null {
  const types = [last, next].map(({ schema }) => parseSchema({ schema, dependencies: [] }).type);
  return displacedField(types[0]!, types[1]!, '');
}

function displacedField(last: AvroType, next: AvroType, path: string): string | null {
  if (last.typeName !== 'record' || next.typeName !== 'record') return null;
  for (const [at, field] of last.fields.entries()) {
    const other = next.fields[at];
    if (!other) return null;
    const isKnown = last.fields.some(({ name }) => name === other.name);
    if (other.name !== field.name && !isKnown && !other.aliases.includes(field.name)) return path + other.name;
    const nested = displacedField(field.type, other.type, `${path}${field.name}.`);
    if (nested) return nested;
  }
  return null;
}

function canonical(schema: string): string {
  return JSON.stringify(JSON.parse(schema));
}

function nothing(): Result {
  return { done: [], pending: [], problems: [] };
}

function refused(subject: string, reason: string): Result {
  return { ...nothing(), problems: [`schema of subject ${subject} refused, the registered one stays: ${reason}`] };
}

async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'subject-unknown') return null;
    throw error;
  }
}
