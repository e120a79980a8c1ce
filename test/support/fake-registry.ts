import type { SchemaRegistry } from '@sagafleet/operator';
import { checkReadable, RegistryError } from '@sagafleet/registry';

type Level = Exclude<Awaited<ReturnType<SchemaRegistry['compatibilityLevel']>>, null>;
type Version = Awaited<ReturnType<SchemaRegistry['latest']>>;

/** Subjects with Avro schemas. Every level but NONE means FULL_TRANSITIVE. */
export class FakeRegistry implements SchemaRegistry {
  readonly #subjects = new Map<string, Version[]>();
  readonly #levels = new Map<string, Level>();
  #lastId = 0;

  async latest(subject: string): Promise<Version> {
    return this.#known(subject).at(-1)!;
  }

  async version(subject: string, version: number): Promise<Version> {
    const found = this.#known(subject).find((each) => each.version === version);
    if (!found) throw new RegistryError('subject-unknown', `version ${version} of subject ${subject} does not exist`);
    return found;
  }

  async compatibilityLevel(subject = ''): Promise<Level | null> {
    return this.#levels.get(subject) ?? null;
  }

  async setCompatibilityLevel(subject: string, level: Level): Promise<void> {
    this.#levels.set(subject, level);
  }

  async checkCompatibility(subject: string, schema: string): Promise<{ compatible: boolean; messages: string[] }> {
    if (this.#levels.get(subject) === 'NONE') return { compatible: true, messages: [] };
    const next = { schema, dependencies: [] };
    try {
      for (const known of this.#subjects.get(subject) ?? []) {
        checkReadable(known, next);
        checkReadable(next, known);
      }
      return { compatible: true, messages: [] };
    } catch (error) {
      return { compatible: false, messages: [(error as Error).message] };
    }
  }

  async register(subject: string, schema: string): Promise<{ id: number; version: number }> {
    const versions = this.#subjects.get(subject) ?? [];
    const next = { id: ++this.#lastId, version: versions.length + 1, schema, references: [], dependencies: [] };
    this.#subjects.set(subject, [...versions, next]);
    return next;
  }

  #known(subject: string): Version[] {
    const versions = this.#subjects.get(subject);
    if (!versions) throw new RegistryError('subject-unknown', `subject ${subject} does not exist`);
    return versions;
  }
}
