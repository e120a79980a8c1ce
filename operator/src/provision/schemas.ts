/** The schemas that a step writes and reads with: there, compatible, and fit to be used. */
import { checkReadable, parseSchema, RegistryError, type SchemaTexts, withoutMisfits } from '@sagafleet/registry';
import type { SchemaSource } from '@sagafleet/schemas';
import type { FindingReason } from '../reasons.ts';
import { fieldNotAppended } from './field-order.ts';
import type { ProvisionReport, SchemaNeed } from './needs.ts';
import type { RegistrySchema, SchemaRegistry } from './ports.ts';

/**
 * Makes sure that a subject holds the schema a step writes or reads with: its definition after a
 * compatibility check, else the schema of the first fallback subject that exists.
 */
export async function provisionSchema(need: SchemaNeed, registry: SchemaRegistry): Promise<ProvisionReport> {
  try {
    if (need.definition !== null) return await registerDefinition(need, inFull(need.definition), registry);
    return await findRegistered(need, registry);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.consequence === 'systemic') throw error;
    return rejected(need.subject, 'InvalidSchema', error.message);
  }
}

async function findRegistered(need: SchemaNeed, registry: SchemaRegistry): Promise<ProvisionReport> {
  const { subject, version, fallbacks } = need;
  const found = await orNull(version === 'latest' ? registry.latest(subject) : registry.version(subject, version));
  if (found) {
    parseSchema(found);
    return nothing();
  }
  for (const fallback of fallbacks) {
    const other = fallback.kind === 'inline' ? inFull(fallback.avro) : await orNull(registry.latest(fallback.subject));
    if (other) return registerFallback(need, other, registry);
  }
  const waitsFor = fallbacks.length > 0 ? ` and neither does ${fallbacks.map((fallback) => fallback.subject).join(', ')}` : '';
  const what = version === 'latest' ? `subject ${subject}` : `version ${version} of subject ${subject}`;
  const message = `${what} does not exist${waitsFor}: register its schema, or give one in the step`;
  return { ...nothing(), pending: [{ reason: 'SchemaMissing', message }] };
}

/** A default of the input's schema that does not fit was no harm there; for what is written with it, it is left out. */
async function registerFallback(need: SchemaNeed, fallback: Definition, registry: SchemaRegistry): Promise<ProvisionReport> {
  const { schema, fields } = withoutMisfits(fallback);
  const report = await registerDefinition(need, { ...fallback, schema }, registry);
  if (fields.length === 0) return report;
  return { ...report, done: report.done.map((text) => `${text}, without the default of ${fields.join(', ')}, which does not fit`) };
}

type Definition = Omit<RegistrySchema, 'id'>;

function inFull(avro: string): Definition {
  return { schema: avro, references: [], dependencies: [] };
}

/** The level is set first, so that no schema is ever there without one. */
async function registerDefinition(need: SchemaNeed, next: Definition, registry: SchemaRegistry): Promise<ProvisionReport> {
  const { subject } = need;
  parseSchema(next);
  const latest = await orNull(registry.latest(subject));
  if (latest && canonical(latest.schema) === canonical(next.schema)) return nothing();
  const reason = (latest && changeRejected(need, latest, next)) ?? (await unreadableFor(need, next, registry));
  if (reason) return rejected(subject, 'Incompatible', reason);
  // Some registries enforce nothing until a level is set; no level is stronger than this one
  if ((await registry.compatibilityLevel(subject)) === null) await registry.setCompatibilityLevel(subject, 'FULL_TRANSITIVE');
  if (latest) {
    const { compatible, messages } = await registry.checkCompatibility(subject, next.schema, next.references);
    if (!compatible)
      return rejected(
        subject,
        'Incompatible',
        incompatibility(latest, next) ?? (messages.join('; ') || 'the registry calls it incompatible with an earlier version'),
      );
  }
  const { version } = await registry.register(subject, next.schema, next.references);
  return { ...nothing(), done: [`registered ${subject} version ${version}`] };
}

function changeRejected({ fieldOrder }: SchemaNeed, latest: SchemaTexts, next: SchemaTexts): string | null {
  const moved = fieldOrder === 'Append' ? fieldNotAppended(latest, next) : null;
  return (
    moved &&
    `field "${moved}" is new and does not stand at the end, so readers that look at no schema id would read rubbish: ` +
      'move it to the end, or set topics.fieldOrder to Any'
  );
}

/** Registries say whether and seldom where; a level may ask for either direction. */
function incompatibility(latest: SchemaTexts, next: SchemaTexts): string | null {
  return (
    unreadable(latest, next, 'with it, records of the version before cannot be read') ??
    unreadable(next, latest, 'with the version before, its records cannot be read')
  );
}

async function unreadableFor({ readers }: SchemaNeed, next: SchemaTexts, registry: SchemaRegistry): Promise<string | null> {
  for (const { step, source } of readers) {
    const reader = await orNull(textsOf(source, registry));
    const reason = reader && unreadable(next, reader, `step ${step} could not read it with its own schema`);
    if (reason) return reason;
  }
  return null;
}

async function textsOf(source: SchemaSource, registry: SchemaRegistry): Promise<SchemaTexts> {
  if (source.kind === 'inline') return { schema: source.avro, dependencies: [] };
  return source.version === 'latest' ? registry.latest(source.subject) : registry.version(source.subject, source.version);
}

function unreadable(writer: SchemaTexts, reader: SchemaTexts, consequence: string): string | null {
  try {
    checkReadable(writer, reader);
    return null;
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return `${consequence}: ${error.message}`;
  }
}

/** White space and nothing else is left out of account. */
function canonical(schema: string): string {
  return JSON.stringify(JSON.parse(schema));
}

function nothing(): ProvisionReport {
  return { done: [], pending: [], problems: [] };
}

function rejected(subject: string, reason: FindingReason, why: string): ProvisionReport {
  return { ...nothing(), problems: [{ reason, message: `schema of subject ${subject} rejected: ${why}` }] };
}

async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'subject-unknown') return null;
    throw error;
  }
}
