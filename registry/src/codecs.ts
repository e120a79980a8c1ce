/**
 * Decoders and encoders of a step, synchronous once they are loaded: the registry may be away for as
 * long as the ids that come are known. Why avsc parses but does not decode: docs/decisions.
 */
import type { SchemaSource } from '@sagafleet/schemas';
import { ByteReader, ByteWriter } from './avro/cursor.ts';
import { parseSchema, parseWriterSchema } from './avro/parse.ts';
import { compileRead } from './avro/read.ts';
import type { Read } from './avro/read.ts';
import type { AvroSchema } from './avro/schema.ts';
import { unknownFieldsOf, type UnknownField } from './avro/unknown-fields.ts';
import { compileWrite } from './avro/write.ts';
import type { Write } from './avro/write.ts';
import type { RegistryClient } from './client.ts';
import { RegistryError, withoutStackOverflow } from './errors.ts';
import { FRAME_BYTES, writeFrameHead } from './frame.ts';

/** Writers' schemas that are kept, and decoders per reader; the one loaded first goes first. */
const MAX_WRITERS = 1000;

/** What is needed of {@link RegistryClient}. */
export type SchemaLookup = Pick<RegistryClient, 'schemaById' | 'latest' | 'version' | 'lookup'>;

export class Decoder {
  readonly schemaId: number;
  readonly #read: Read;

  constructor(schemaId: number, read: Read) {
    this.schemaId = schemaId;
    this.#read = read;
  }

  /**
   * Event of a whole framed value (its representation: avro/read.ts).
   * @throws {RegistryError} `undecodable`, naming the field
   */
  decode(value: Buffer): unknown {
    try {
      const bytes = new ByteReader(value, FRAME_BYTES);
      const event = this.#read(bytes);
      bytes.expectEnd();
      return event;
    } catch (cause) {
      throw withoutStackOverflow('undecodable', cause);
    }
  }
}

export class Encoder {
  readonly schemaId: number;
  readonly #schema: AvroSchema;
  readonly #write: Write;
  readonly #bytes = new ByteWriter();

  constructor(schemaId: number, schema: AvroSchema) {
    this.schemaId = schemaId;
    this.#schema = schema;
    this.#write = compileWrite(schema);
  }

  /**
   * The first fields of an event that the schema does not have, which `encode` drops.
   * @throws {RegistryError} `unencodable` where the event nests too deeply
   */
  unknownFields(event: unknown): UnknownField[] {
    try {
      return unknownFieldsOf(this.#schema.type, event);
    } catch (cause) {
      throw withoutStackOverflow('unencodable', cause);
    }
  }

  /**
   * Framed value of an event.
   * @throws {RegistryError} `unencodable`, naming the field and what it should be
   */
  encode(event: unknown): Buffer {
    this.#bytes.reset(FRAME_BYTES);
    try {
      this.#write.write(this.#bytes, event, null, '');
    } catch (cause) {
      throw withoutStackOverflow('unencodable', cause);
    }
    const value = this.#bytes.take();
    writeFrameHead(value, this.schemaId);
    return value;
  }
}

/** `id` null: a schema given in full, or none at all. */
interface ReaderState {
  id: number | null;
  schema: AvroSchema | null;
  decoders: Map<number, Decoder>;
  loading: Map<number, Promise<Decoder>>;
}

/**
 * Sources are told apart by identity: pass the objects of the settings, not copies.
 *
 * What a `load…` gives is what its caller has to use: a decoder may be evicted, or its reader replaced,
 * before it is asked for again. Each thing is loaded once however many wait for it.
 */
export class AvroCodecs {
  readonly #registry: SchemaLookup;
  readonly #readers = new Map<SchemaSource | null, ReaderState>();
  readonly #loadingReaders = new Map<SchemaSource | null, Promise<ReaderState>>();
  /** They outlive the readers, so that a new reader needs no registry for the ids that are known. */
  readonly #writers = new Map<number, AvroSchema>();
  readonly #loadingWriters = new Map<number, Promise<AvroSchema>>();
  readonly #encoders = new Map<SchemaSource, Encoder>();
  readonly #loadingEncoders = new Map<SchemaSource, Promise<Encoder>>();
  #refreshing: Promise<void> | null = null;

  constructor(registry: SchemaLookup) {
    this.#registry = registry;
  }

  /** Undefined where it was not loaded, or not since its reader changed, or was evicted. */
  decoder(schemaId: number, reader: SchemaSource | null): Decoder | undefined {
    return this.#readers.get(reader)?.decoders.get(schemaId);
  }

  /** Apart from {@link loadDecoder}, since what is wrong with a reader is no record's fault. @throws {RegistryError} */
  async loadReader(reader: SchemaSource | null): Promise<void> {
    await this.#reader(reader);
  }

  /** @throws {RegistryError} as {@link RegistryClient}; `incompatible` where the reader cannot read it */
  async loadDecoder(schemaId: number, reader: SchemaSource | null): Promise<Decoder> {
    const state = await this.#reader(reader);
    return (
      state.decoders.get(schemaId) ??
      (await once(state.loading, schemaId, async () => {
        const writer = await this.#writer(schemaId);
        const decoder = new Decoder(schemaId, compileRead(writer, state.schema ?? writer));
        putBounded(state.decoders, schemaId, decoder);
        return decoder;
      }))
    );
  }

  /** Undefined where it was not loaded; one that was is replaced by newer ones but never goes. */
  encoder(source: SchemaSource): Encoder | undefined {
    return this.#encoders.get(source);
  }

  /**
   * The id of a schema given in full is looked up under its subject; nothing is ever registered.
   * @throws {RegistryError} as {@link RegistryClient}; `invalid-schema` naming subject and field
   */
  async loadEncoder(source: SchemaSource): Promise<Encoder> {
    return (
      this.encoder(source) ??
      (await once(this.#loadingEncoders, source, async () => {
        const encoder = await this.#newEncoder(source);
        this.#encoders.set(source, encoder);
        return encoder;
      }))
    );
  }

  /**
   * Resolves every `latest` again; what did not change keeps its codecs, and what cannot be resolved
   * stays as it is. Never twice at a time: an older answer would replace a newer one.
   * @throws {RegistryError} the first of what could not be resolved
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const encoders = [...this.#encoders].filter(([source]) => isLatest(source));
    const readers = [...this.#readers].filter(([source]) => source !== null && isLatest(source));
    const outcomes = await Promise.allSettled([
      ...encoders.map(([source, encoder]) => this.#refreshEncoder(source, encoder)),
      ...readers.map(([source, state]) => this.#refreshReader(source!, state)),
    ]);
    const failed = outcomes.find(({ status }) => status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
  }

  async #refreshEncoder(source: SchemaSource, encoder: Encoder): Promise<void> {
    const latest = await this.#newEncoder(source);
    if (latest.schemaId !== encoder.schemaId) this.#encoders.set(source, latest);
  }

  /** What is being loaded for the old state goes to those who wait for it, and nowhere else. */
  async #refreshReader(source: SchemaSource, state: ReaderState): Promise<void> {
    const latest = await this.#resolve(source);
    if (latest.id !== state.id) this.#readers.set(source, newState(latest));
  }

  async #reader(source: SchemaSource | null): Promise<ReaderState> {
    return (
      this.#readers.get(source) ??
      (await once(this.#loadingReaders, source, async () => {
        const state = newState(source === null ? { id: null, schema: null } : await this.#resolve(source));
        this.#readers.set(source, state);
        return state;
      }))
    );
  }

  async #writer(schemaId: number): Promise<AvroSchema> {
    return (
      this.#writers.get(schemaId) ??
      (await once(this.#loadingWriters, schemaId, async () => {
        const writer = parseWriterSchema(await this.#registry.schemaById(schemaId));
        putBounded(this.#writers, schemaId, writer);
        return writer;
      }))
    );
  }

  async #newEncoder(source: SchemaSource): Promise<Encoder> {
    const { id, schema } = await this.#resolve(source);
    const schemaId = source.kind === 'inline' ? (await this.#registry.lookup(source.subject, source.avro)).id : id!;
    return new Encoder(schemaId, schema);
  }

  /** `id` null: the schema is given in full. */
  async #resolve(source: SchemaSource): Promise<{ id: number | null; schema: AvroSchema }> {
    if (source.kind === 'inline') return { id: null, schema: parseSchema({ schema: source.avro, dependencies: [] }) };
    const { subject, version } = source;
    const registered = version === 'latest' ? await this.#registry.latest(subject) : await this.#registry.version(subject, version);
    try {
      return { id: registered.id, schema: parseSchema(registered) };
    } catch (cause) {
      if (!(cause instanceof RegistryError)) throw cause;
      throw new RegistryError(cause.code, `subject "${subject}" version ${registered.version}: ${cause.message}`, { cause });
    }
  }
}

function newState(resolved: Pick<ReaderState, 'id' | 'schema'>): ReaderState {
  return { ...resolved, decoders: new Map(), loading: new Map() };
}

/** Joins a load of the same key that is under way. */
function once<K, V>(loading: Map<K, Promise<V>>, key: K, load: () => Promise<V>): Promise<V> {
  const running = loading.get(key);
  if (running) return running;
  const started = load().finally(() => loading.delete(key));
  loading.set(key, started);
  return started;
}

function putBounded<V>(map: Map<number, V>, key: number, value: V): void {
  if (map.size >= MAX_WRITERS) map.delete(map.keys().next().value!);
  map.set(key, value);
}

function isLatest(source: SchemaSource): boolean {
  return source.kind === 'subject' && source.version === 'latest';
}
