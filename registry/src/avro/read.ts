/**
 * Compiles a writer's and a reader's type into one function from bytes to an event.
 *
 * An event: records and maps are plain objects, int and long BigInt (CEL's int; nothing is rounded),
 * float and double numbers, bytes and fixed Buffers, enums strings, unions unwrapped (branches.ts),
 * logical types their base type. Resolution is Avro's, with one choice where it leaves one: a
 * reader's union takes the branch of the writer's own type before an earlier one that it could be
 * promoted to, as Avro for Java does. Else ["double", "long"] would turn every long into a double.
 */
import { RegistryError, withoutStackOverflow } from '../errors.ts';
import { isAmbiguous, kindOfValue, markOwn, markScalar } from './branches.ts';
import type { ByteReader } from './cursor.ts';
import { defaultValue } from './default.ts';
import { parseSchema, parseWriterSchema } from './parse.ts';
import { atPath } from './path.ts';
import { recordReader, type FieldToRead, type MissingField } from './record-code.ts';
import { branchesFor, cannotRead, isRecord, isUnion, namesMatch, readEnum, readPrimitive, writerFieldOf } from './resolve.ts';
import type { AvroField, AvroSchema, AvroType, SchemaTexts } from './schema.ts';

export type Read = (bytes: ByteReader) => unknown;

/** Items that take no bytes (null, an empty record) could be announced in any number. */
const MAX_EMPTY_ITEMS = 100_000;

/** @throws {RegistryError} `incompatible` where the reader can never read what the writer writes, `invalid-schema` where they nest too deeply */
export function compileRead(writer: AvroSchema, reader: AvroSchema): Read {
  try {
    return new ReadCompiler(reader).read(writer.type, reader.type);
  } catch (cause) {
    throw withoutStackOverflow('invalid-schema', cause);
  }
}

/**
 * Whether what is written with one schema can be read with the other.
 * @throws {RegistryError} `incompatible`, naming the field and the reason
 */
export function checkReadable(writer: SchemaTexts, reader: SchemaTexts): void {
  compileRead(parseWriterSchema(writer), parseSchema(reader));
}

class ReadCompiler {
  readonly #reader: AvroSchema;
  /** By writer's, then reader's type: types are shared and may contain themselves. */
  readonly #compiled = new Map<AvroType, Map<AvroType, Read>>();

  constructor(reader: AvroSchema) {
    this.#reader = reader;
  }

  read(writer: AvroType, reader: AvroType): Read {
    const ofWriter = this.#compiled.get(writer) ?? new Map<AvroType, Read>();
    this.#compiled.set(writer, ofWriter);
    const known = ofWriter.get(reader);
    if (known) return known;
    let compiled: Read = () => {
      throw cannotRead(writer, reader);
    };
    ofWriter.set(reader, (bytes) => compiled(bytes));
    try {
      compiled = this.#compile(writer, reader);
      ofWriter.set(reader, compiled);
    } catch (error) {
      ofWriter.delete(reader);
      throw error;
    }
    return compiled;
  }

  #compile(writer: AvroType, reader: AvroType): Read {
    if (isUnion(writer)) return this.#fromUnion(writer, reader);
    if (isUnion(reader)) return this.#intoUnion(writer, reader);
    if (isRecord(reader)) return this.#record(writer, reader);
    switch (reader.typeName) {
      case 'array':
        return this.#array(writer, reader);
      case 'map':
        return this.#map(writer, reader);
      case 'enum':
        return readEnum(writer, reader);
      case 'fixed':
        if (writer.typeName !== 'fixed' || !namesMatch(writer, reader) || writer.size !== reader.size) throw cannotRead(writer, reader);
        return (bytes) => bytes.fixed(reader.size);
      default:
        return readPrimitive(writer, reader);
    }
  }

  /** A branch that the reader has no place for is an error only where a record comes with it. */
  #fromUnion(writer: AvroType, reader: AvroType): Read {
    const branches = writer.types.map((branch) => this.#attempt(branch, reader));
    if (branches.every((branch) => branch === null)) throw cannotRead(writer, reader);
    return (bytes) => {
      const index = bytes.index();
      const branch = branches[index];
      if (branch) return branch(bytes);
      throw new RegistryError(
        'undecodable',
        branch === null
          ? `the reader's schema has no place for branch ${writer.types[index]!.branchName}`
          : `a union has no branch ${index}`,
      );
    };
  }

  #intoUnion(writer: AvroType, reader: AvroType): Read {
    for (const branch of branchesFor(writer, reader)) {
      const read = this.#attempt(writer, branch);
      if (read) return isAmbiguous(reader) ? markingBranch(read, branch.branchName!) : read;
    }
    throw cannotRead(writer, reader);
  }

  #attempt(writer: AvroType, reader: AvroType): Read | null {
    try {
      return this.read(writer, reader);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      return null;
    }
  }

  #record(writer: AvroType, reader: AvroType): Read {
    if (!isRecord(writer) || !namesMatch(writer, reader)) throw cannotRead(writer, reader);
    const sources = new Map(reader.fields.map((field) => [field, writerFieldOf(writer, field)]));
    const targets = writer.fields.map((field) => {
      const target = reader.fields.find((candidate) => sources.get(candidate) === field);
      return target ? this.#field(field, target) : { ...this.#field(field, field), isSkipped: true };
    });
    const defaults = reader.fields.filter((field) => sources.get(field) === undefined).map((field) => this.#default(writer, field));
    return recordReader(targets, defaults);
  }

  #field(writer: AvroField, reader: AvroField): FieldToRead {
    try {
      return { name: reader.name, read: this.read(writer.type, reader.type), isAmbiguous: isAmbiguous(reader.type), isSkipped: false };
    } catch (error) {
      throw atPath(reader.name, error);
    }
  }

  /** Made anew for each event, since a handler may change what it gets. */
  #default(writer: AvroType, field: AvroField): MissingField {
    if (!this.#reader.defaults.has(field)) {
      throw new RegistryError('incompatible', `field "${field.name}" has no default and ${writer.name} has no such field`);
    }
    const json = this.#reader.defaults.get(field);
    return { name: field.name, value: () => defaultValue(this.#reader, field.type, json) };
  }

  #array(writer: AvroType, reader: AvroType): Read {
    if (writer.typeName !== 'array') throw cannotRead(writer, reader);
    const read = this.read(writer.itemsType, reader.itemsType);
    const ambiguous = isAmbiguous(reader.itemsType);
    return (bytes) => {
      const items: unknown[] = [];
      eachOfBlocks(bytes, () => {
        const value = readAt(items.length, read, bytes);
        if (ambiguous) markScalarOf(items, items.length, value, bytes);
        items.push(value);
      });
      return items;
    };
  }

  #map(writer: AvroType, reader: AvroType): Read {
    if (writer.typeName !== 'map') throw cannotRead(writer, reader);
    const read = this.read(writer.valuesType, reader.valuesType);
    const ambiguous = isAmbiguous(reader.valuesType);
    return (bytes) => {
      const values: Record<string, unknown> = {};
      eachOfBlocks(bytes, () => {
        const key = bytes.string();
        const value = readAt(key, read, bytes);
        put(values, key, value);
        if (ambiguous) markScalarOf(values, key, value, bytes);
      });
      return values;
    };
  }
}

function readAt(part: string | number, read: Read, bytes: ByteReader): unknown {
  try {
    return read(bytes);
  } catch (error) {
    throw atPath(part, error);
  }
}

function markingBranch(read: Read, branch: string): Read {
  return (bytes) => {
    const value = read(bytes);
    if (kindOfValue(value) === 'object') markOwn(value as object, branch);
    bytes.branch = branch;
    return value;
  };
}

/** Called right after `value` was read, so that `bytes.branch` is its branch. */
function markScalarOf(holder: object, key: PropertyKey, value: unknown, bytes: ByteReader): void {
  if (kindOfValue(value) !== 'object') markScalar(holder, key, value, bytes.branch);
}

/** `__proto__` is a key like any other. */
function put(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}

/** Arrays and maps come in blocks; a negative count is followed by the block's size in bytes. */
function eachOfBlocks(bytes: ByteReader, readItem: () => void): void {
  let emptyItems = 0;
  for (let count = bytes.index(); count !== 0; count = bytes.index()) {
    if (count < 0) bytes.index();
    for (let left = Math.abs(count); left > 0; left--) {
      const start = bytes.position;
      readItem();
      if (bytes.position === start && ++emptyItems > MAX_EMPTY_ITEMS) {
        throw new RegistryError('undecodable', `a list announces more than ${MAX_EMPTY_ITEMS} items that take no bytes`);
      }
    }
  }
}
