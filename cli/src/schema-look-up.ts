import { parseSchema, RegistryClient, RegistryError, type SchemaTexts } from '@sagafleet/registry';
import type { LookUpSchema } from './commands/validate.ts';

/** Schemas of a registry for the checks of manifests; a subject that it does not hold is null. */
export function schemaLookUp(url: string): LookUpSchema {
  const registry = new RegistryClient({ url });
  return async ({ subject, version }) => {
    try {
      const registered = version === 'latest' ? await registry.latest(subject) : await registry.version(subject, version);
      return { schema: JSON.parse(registered.schema) as unknown, misfit: misfitOf(registered) };
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'subject-unknown') return null;
      throw error;
    }
  };
}

function misfitOf(texts: SchemaTexts): string | null {
  try {
    parseSchema(texts);
    return null;
  } catch (error) {
    if (error instanceof RegistryError) return error.message;
    throw error;
  }
}
