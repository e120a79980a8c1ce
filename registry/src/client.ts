/** The calls of a Confluent-compatible schema registry that sagafleet needs. */
import { AVRO, dataOf, EXPECTED } from './answer.ts';
import type { Expected, SchemaAnswer, SchemaReference } from './answer.ts';
import type { SchemaTexts } from './avro/schema.ts';
import { RegistryError } from './errors.ts';
import { Lookup } from './lookup.ts';
import { Transport } from './transport.ts';
import type { Call, TransportOptions } from './transport.ts';

export type { SchemaReference } from './answer.ts';

export interface RegistryOptions extends Omit<TransportOptions, 'timeoutMs'> {
  /** From the call to the last byte of its answer. */
  timeoutMs?: number;
  /** Milliseconds. */
  clock?: () => number;
}

/** A schema as registered; `dependencies` are the texts of what it refers to, resolved. */
export interface RegisteredSchema extends SchemaTexts {
  id: number;
  references: SchemaReference[];
}
export interface SubjectVersion extends RegisteredSchema {
  subject: string;
  version: number;
}

export const COMPATIBILITY_LEVELS = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const;
export type CompatibilityLevel = (typeof COMPATIBILITY_LEVELS)[number];

const DEFAULT_TIMEOUT_MS = 5_000;

/** Every method throws {@link RegistryError}; ids and numbered versions never change and are kept. */
export class RegistryClient {
  readonly #transport: Transport;
  readonly #byId: Lookup<RegisteredSchema>;
  readonly #byVersion: Lookup<SubjectVersion>;
  readonly #bySchema: Lookup<{ id: number; version: number }>;

  constructor(options: RegistryOptions) {
    const clock = options.clock ?? Date.now;
    this.#transport = new Transport({ ...options, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS });
    this.#byId = new Lookup(clock);
    this.#byVersion = new Lookup(clock);
    this.#bySchema = new Lookup(clock);
  }

  schemaById(id: number): Promise<RegisteredSchema> {
    return this.#byId.get(String(id), async () => {
      const answer = await this.#ask(`schema id ${id}`, EXPECTED.schemaById, (api, params) => api.Schema.find({ ...params, id }));
      return { id, ...(await this.#resolved(answer, `schema id ${id}`)) };
    });
  }

  /** Asked anew each time. */
  latest(subject: string): Promise<SubjectVersion> {
    return this.#byVersion.inFlight(JSON.stringify([subject, 'latest']), () => this.#version(subject, 'latest'));
  }

  version(subject: string, version: number): Promise<SubjectVersion> {
    return this.#byVersion.get(JSON.stringify([subject, version]), () => this.#version(subject, version));
  }

  /** Id and version under which `subject` holds this very schema; `schema-unknown` where it does not. */
  lookup(subject: string, schema: string, references: SchemaReference[] = []): Promise<{ id: number; version: number }> {
    return this.#bySchema.get(JSON.stringify([subject, schema, references]), async () => {
      const body = { schema, references };
      const { id, version } = await this.#ask(`this schema in subject "${subject}"`, EXPECTED.lookup, (api, params) =>
        api.Subject.registered({ ...params, subject, body }),
      );
      return { id, version };
    });
  }

  subjects(): Promise<string[]> {
    return this.#ask('the list of subjects', EXPECTED.subjects, (api, params) => api.Subject.all(params));
  }

  /** Idempotent. `incompatible` where the subject's level refuses it. */
  async register(subject: string, schema: string, references: SchemaReference[] = []): Promise<{ id: number; version: number }> {
    const body = { schema, references };
    await this.#ask(`registration in subject "${subject}"`, EXPECTED.register, (api, params) =>
      api.Subject.register({ ...params, subject, body }),
    );
    return await this.lookup(subject, schema, references);
  }

  /**
   * Level of the subject itself, null where none is set (some registries enforce nothing then, others
   * the global one); without a subject the global level.
   */
  async compatibilityLevel(subject?: string): Promise<CompatibilityLevel | null> {
    const what = subject === undefined ? 'the global compatibility level' : `compatibility level of subject "${subject}"`;
    const place = subject === undefined ? { path: '/config' } : { subject };
    try {
      const answer = await this.#ask(what, EXPECTED.level, (api, params) => api.Subject.config({ ...params, ...place }));
      return COMPATIBILITY_LEVELS.find((level) => level === answer.compatibilityLevel.toUpperCase()) ?? null;
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'subject-unknown') return null;
      throw error;
    }
  }

  async setCompatibilityLevel(subject: string, level: CompatibilityLevel): Promise<void> {
    const body = { compatibility: level };
    await this.#ask(`compatibility level of subject "${subject}"`, EXPECTED.setLevel, (api, params) =>
      api.Subject.updateConfig({ ...params, subject, body }),
    );
  }

  /** Against the subject's latest version and by its level; `messages` only where the registry gives some. */
  async checkCompatibility(
    subject: string,
    schema: string,
    references: SchemaReference[] = [],
  ): Promise<{ compatible: boolean; messages: string[] }> {
    const body = { schema, references };
    try {
      const answer = await this.#ask(`compatibility with subject "${subject}"`, EXPECTED.compatibility, (api, params) =>
        api.Subject.compatible({ ...params, subject, verbose: true, body }),
      );
      return { compatible: answer.is_compatible, messages: answer.messages ?? [] };
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'subject-unknown') return { compatible: true, messages: [] };
      throw error;
    }
  }

  async #version(subject: string, version: number | 'latest'): Promise<SubjectVersion> {
    const what = `version ${version} of subject "${subject}"`;
    const answer = await this.#ask(what, EXPECTED.version, (api, params) =>
      version === 'latest' ? api.Subject.latestVersion({ ...params, subject }) : api.Subject.version({ ...params, subject, version }),
    );
    return { subject, version: answer.version, id: answer.id, ...(await this.#resolved(answer, what)) };
  }

  /** References are fetched at the version they name; one that two schemas refer to comes once. */
  async #resolved(answer: SchemaAnswer, what: string): Promise<Omit<RegisteredSchema, 'id'>> {
    if ((answer.schemaType ?? AVRO) !== AVRO) {
      throw new RegistryError('invalid-schema', `${what} is of type ${answer.schemaType}, only Avro is read`);
    }
    const references = answer.references ?? [];
    const dependencies = new Set<string>();
    for (const { subject, version } of references) {
      const referred = await this.version(subject, version);
      for (const text of [...referred.dependencies, referred.schema]) dependencies.add(text);
    }
    return { schema: answer.schema, references, dependencies: [...dependencies] };
  }

  async #ask<T>(what: string, expected: Expected<T>, call: Call): Promise<T> {
    return dataOf({ what, url: this.#transport.url }, expected, await this.#transport.ask(what, call));
  }
}
