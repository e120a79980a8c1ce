/** The calls of a Confluent-compatible schema registry that sagafleet needs. */
import { dataOf } from './answer.ts';
import type { Answer, Asked } from './answer.ts';
import type { SchemaTexts } from './avro/parse.ts';
import { RegistryError } from './errors.ts';
import { Lookup } from './lookup.ts';
import { openTransport } from './transport.ts';
import type { TransportOptions } from './transport.ts';

/** `url` with or without base path and trailing slash. */
export interface RegistryOptions extends TransportOptions {
  /** From the call to the last byte of its answer. */
  timeoutMs?: number;
  /** Milliseconds. */
  clock?: () => number;
}

export interface SchemaReference { name: string; subject: string; version: number }

/** A schema as registered; `dependencies` are the texts of what it refers to, resolved. */
export interface RegisteredSchema extends SchemaTexts { id: number; references: SchemaReference[] }
export interface SubjectVersion extends RegisteredSchema { subject: string; version: number }

export const COMPATIBILITY_LEVELS = [
  'NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FORWARD', 'FORWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE',
] as const;
export type CompatibilityLevel = (typeof COMPATIBILITY_LEVELS)[number];

const DEFAULT_TIMEOUT_MS = 5_000;

type Api = ReturnType<typeof openTransport>;
type Params = { timeout: number };
interface SchemaAnswer { schema: string; schemaType?: string; references?: SchemaReference[] }
interface VersionAnswer extends SchemaAnswer { id: number; version: number; subject: string }

/** Every method throws {@link RegistryError}; ids and numbered versions never change and are kept. */
export class RegistryClient {
  readonly #api: Api;
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #byId: Lookup<RegisteredSchema>;
  readonly #byVersion: Lookup<SubjectVersion>;
  readonly #bySchema: Lookup<{ id: number; version: number }>;

  constructor(options: RegistryOptions) {
    const clock = options.clock ?? Date.now;
    this.#url = options.url.replace(/\/+$/, '');
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#api = openTransport({ ...options, url: this.#url });
    this.#byId = new Lookup(clock);
    this.#byVersion = new Lookup(clock);
    this.#bySchema = new Lookup(clock);
  }

  schemaById(id: number): Promise<RegisteredSchema> {
    return this.#byId.get(String(id), async () => {
      const answer = await this.#ask<SchemaAnswer>(`schema id ${id}`, (params) => this.#api.Schema.find({ ...params, id }));
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
      const { id, version } = await this.#ask<VersionAnswer>(`this schema in subject "${subject}"`, (params) => this.#api.Subject.registered({ ...params, subject, body }));
      return { id, version };
    });
  }

  subjects(): Promise<string[]> {
    return this.#ask<string[]>('the list of subjects', (params) => this.#api.Subject.all(params));
  }

  /** Idempotent. `incompatible` where the subject's level refuses it. */
  async register(subject: string, schema: string, references: SchemaReference[] = []): Promise<{ id: number; version: number }> {
    const body = { schema, references };
    await this.#ask(`registration in subject "${subject}"`, (params) => this.#api.Subject.register({ ...params, subject, body }));
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
      const answer = await this.#ask<{ compatibilityLevel: string }>(what, (params) => this.#api.Subject.config({ ...params, ...place }));
      return COMPATIBILITY_LEVELS.find((level) => level === answer.compatibilityLevel.toUpperCase()) ?? null;
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'subject-unknown') return null;
      throw error;
    }
  }

  async setCompatibilityLevel(subject: string, level: CompatibilityLevel): Promise<void> {
    const body = { compatibility: level };
    await this.#ask(`compatibility level of subject "${subject}"`, (params) => this.#api.Subject.updateConfig({ ...params, subject, body }));
  }

  /** Against the subject's latest version and by its level; `messages` only where the registry gives some. */
  async checkCompatibility(subject: string, schema: string, references: SchemaReference[] = []): Promise<{ compatible: boolean; messages: string[] }> {
    const body = { schema, references };
    try {
      const answer = await this.#ask<{ is_compatible: boolean; messages?: string[] }>(
        `compatibility with subject "${subject}"`, (params) => this.#api.Subject.compatible({ ...params, subject, verbose: true, body }));
      return { compatible: answer.is_compatible, messages: answer.messages ?? [] };
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'subject-unknown') return { compatible: true, messages: [] };
      throw error;
    }
  }

  async #version(subject: string, version: number | 'latest'): Promise<SubjectVersion> {
    const what = `version ${version} of subject "${subject}"`;
    const answer = await this.#ask<VersionAnswer>(what, (params) => version === 'latest'
      ? this.#api.Subject.latestVersion({ ...params, subject })
      : this.#api.Subject.version({ ...params, subject, version }));
    return { subject, version: answer.version, id: answer.id, ...(await this.#resolved(answer, what)) };
  }

  /** References are fetched at the version they name; one that two schemas refer to comes once. */
  async #resolved(answer: SchemaAnswer, what: string): Promise<Omit<RegisteredSchema, 'id'>> {
    if ((answer.schemaType ?? 'AVRO') !== 'AVRO') {
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

  /** One call under a deadline of its own: the transport's time-out starts anew with each byte. */
  async #ask<T>(what: string, call: (params: Params) => Promise<Answer>): Promise<T> {
    const asked: Asked = { what, url: this.#url };
    const deadline = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      deadline.reject(new RegistryError('unreachable', `registry ${this.#url} did not answer within ${this.#timeoutMs} ms, asked for ${what}`));
    }, this.#timeoutMs);
    try {
      return dataOf(asked, await Promise.race([call({ timeout: this.#timeoutMs }), deadline.promise])) as T;
    } finally {
      clearTimeout(timer);
    }
  }
}
