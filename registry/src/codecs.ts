/**
 * Decoders and encoders of a step, synchronous once they are loaded: the registry may be away for as
 * long as the ids that come are known. Why avsc parses but does not decode: docs/decisions.
 */
import type { SchemaSource } from '@sagafleet/schemas';
import { ByteReader, ByteWriter } from './avro/cursor.ts';
import { parseSchema, parseWriterSchema } from './avro/parse.ts';
import type { AvroSchema } from './avro/parse.ts';
import { compileRead } from './avro/read.ts';
import type { Read } from './avro/read.ts';
import { compileWrite } from './avro/write.ts';
import type { Write } from './avro/write.ts';
import type { RegistryClient } from './client.ts';
import { RegistryError } from './errors.ts';
import { FRAME_BYTES, writeFrameHead } from './frame.ts';

/** Writers' schemas kept per reader; the one loaded first goes first. */
const MAX_DECODERS = 1000;

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
  readonly #write: Write;
  readonly #bytes = new ByteWriter();

  constructor(schemaId: number, write: Write) {
    this.schemaId = schemaId;
    this.#write = write;
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
interface ReaderState { id: number | null; schema: AvroSchema | null; decoders: Map<number, Decoder> }

/** Sources are told apart by identity: pass the objects of the settings, not copies. */
export class AvroCodecs {
  readonly #registry: SchemaLookup;
  readonly #readers = new Map<SchemaSource | null, ReaderState>();
  readonly #encoders = new Map<SchemaSource, Encoder>();

  constructor(registry: SchemaLookup) {
    this.#registry = registry;
  }

  decoder(schemaId: number, reader: SchemaSource | null): Decoder | undefined {
    return this.#readers.get(reader)?.decoders.get(schemaId);
  }

  /** @throws {RegistryError} as {@link RegistryClient}; `incompatible` where the reader can not read it */
  async loadDecoder(schemaId: number, reader: SchemaSource | null): Promise<Decoder> {
    const state = this.#readers.get(reader) ?? await this.#loadReader(reader);
    const known = state.decoders.get(schemaId);
    if (known) return known;
    const writer = parseWriterSchema(await this.#registry.schemaById(schemaId));
    const decoder = new Decoder(schemaId, compileRead(writer, state.schema ?? writer));
    if (state.decoders.size >= MAX_DECODERS) state.decoders.delete(state.decoders.keys().next().value!);
    state.decoders.set(schemaId, decoder);
    return decoder;
  }

  encoder(source: SchemaSource): Encoder | undefined {
    return this.#encoders.get(source);
  }

  /**
   * The id of a schema given in full is looked up under its subject; nothing is ever registered.
   * @throws {RegistryError} as {@link RegistryClient}; `invalid-schema` naming subject and field
   */
  async loadEncoder(source: SchemaSource): Promise<Encoder> {
    const known = this.encoder(source);
    if (known) return known;
    const encoder = await this.#newEncoder(source);
    this.#encoders.set(source, encoder);
    return encoder;
  }

  /** Resolves every `latest` again; what did not change keeps its codecs. */
  async refresh(): Promise<void> {
    for (const [source, encoder] of this.#encoders) {
      if (!isLatest(source)) continue;
      const latest = await this.#newEncoder(source);
      if (latest.schemaId !== encoder.schemaId) this.#encoders.set(source, latest);
    }
    for (const [source, { id }] of this.#readers) {
      if (source === null || !isLatest(source)) continue;
      const latest = await this.#resolve(source);
      if (latest.id !== id) this.#readers.set(source, { ...latest, decoders: new Map() });
    }
  }

  async #loadReader(source: SchemaSource | null): Promise<ReaderState> {
    const resolved = source === null ? { id: null, schema: null } : await this.#resolve(source);
    const state: ReaderState = { ...resolved, decoders: new Map() };
    this.#readers.set(source, state);
    return state;
  }

  async #newEncoder(source: SchemaSource): Promise<Encoder> {
    const { id, schema } = await this.#resolve(source);
    const schemaId = source.kind === 'inline' ? (await this.#registry.lookup(source.subject, source.avro)).id : id!;
    return new Encoder(schemaId, compileWrite(schema));
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

function isLatest(source: SchemaSource): boolean {
  return source.kind === 'subject' && source.version === 'latest';
}

function withoutStackOverflow(code: 'undecodable' | 'unencodable', cause: unknown): unknown {
  return cause instanceof RangeError ? new RegistryError(code, 'nested too deeply', { cause }) : cause;
}
