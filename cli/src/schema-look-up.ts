import { RegistryClient, RegistryError } from '@sagafleet/registry';
import type { LookUpSchema } from './commands/validate.ts';

/** Schemas of a registry for the checks of manifests; a subject that it does not hold is null. */
export function schemaLookUp(url: string): LookUpSchema {
  const registry = new RegistryClient({ url });
  return async ({ subject, version }) => {
    try {
      const { schema } = version === 'latest' ? await registry.latest(subject) : await registry.version(subject, version);
      return JSON.parse(schema) as unknown;
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'subject-unknown') return null;
      throw error;
    }
  };
}
