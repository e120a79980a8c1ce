/**
 * Compiles a type into a function that writes an event, and one that tells whether a value fits.
 *
 * Whole numbers may be BigInt or number, doubles number or a BigInt that a double holds; nothing is
 * rounded (but a number into a float, as everywhere). A field that is absent takes its default. A
 * field that the schema does not have is dropped: events of a wider schema may pass into a narrower
 * one.
 */
import { RegistryError, withoutStackOverflow } from '../errors.ts';
import { kindOfType, kindOfValue, markedBranch } from './branches.ts';
import type { Kind } from './branches.ts';
import type { ByteWriter } from './cursor.ts';
import { defaultValue } from './default.ts';
import { atPath } from './path.ts';
import { recordWriter } from './record-code.ts';
import { isRecord, isUnion } from './resolve.ts';
import type { AvroField, AvroSchema, AvroType } from './schema.ts';

export interface Write {
  /** `holder[key]` is where the value stands, for the mark of its branch (branches.ts). */
  write(bytes: ByteWriter, value: unknown, holder: object | null, key: string | number): void;
  /** Deeply, and with no field that the type does not have; to choose among branches. */
  fits(value: unknown): boolean;
}

/** @throws {RegistryError} `invalid-schema` where it nests too deeply */
export function compileWrite(schema: AvroSchema): Write {
  try {
    return new WriteCompiler(schema).write(schema.type);
  } catch (cause) {
    throw withoutStackOverflow('invalid-schema', cause);
  }
}

class WriteCompiler {
  readonly #schema: AvroSchema;
  readonly #compiled = new Map<AvroType, Write>();

  constructor(schema: AvroSchema) {
    this.#schema = schema;
  }

  write(type: AvroType): Write {
    const known = this.#compiled.get(type);
    if (known) return known;
    const compiled = {} as Write;
    this.#compiled.set(type, compiled);
    return Object.assign(compiled, this.#compile(type));
  }

  #compile(type: AvroType): Write {
    if (isUnion(type))
      return writeUnion(
        type,
        type.types.map((branch) => this.write(branch)),
      );
    if (isRecord(type)) return this.#record(type);
    switch (type.typeName) {
      case 'array':
        return writeArray(this.write(type.itemsType));
      case 'map':
        return writeMap(this.write(type.valuesType));
      case 'enum':
        return writeEnum(type);
      case 'fixed':
        return leaf(
          `${type.size} bytes`,
          (value) => isBytes(value) && value.length === type.size,
          (bytes, value: Uint8Array) => bytes.fixed(value),
        );
      default:
        return PRIMITIVES[type.typeName]!;
    }
  }

  #record(type: AvroType): Write {
    const fields = type.fields.map((field) => ({ name: field.name, type: this.write(field.type), default: this.#default(field) }));
    const names = new Set(type.fields.map((field) => field.name));
    const writeFields = recordWriter(fields);
    const wanted = type.name ?? 'a record';
    return {
      write: (bytes, value) => writeFields(bytes, expectKind(value, 'object', wanted)),
      fits: (value) =>
        kindOfValue(value) === 'object' &&
        Object.keys(value as object).every((key) => names.has(key)) &&
        fields.every((field) => {
          const given = (value as Record<string, unknown>)[field.name];
          return given === undefined ? field.default !== null : field.type.fits(given);
        }),
    };
  }

  #default(field: AvroField): (() => unknown) | null {
    if (!this.#schema.defaults.has(field)) return null;
    const value = defaultValue(this.#schema, field.type, this.#schema.defaults.get(field));
    return () => value;
  }
}

function writeArray(items: Write): Write {
  return {
    write(bytes, value) {
      const list = expectKind(value, 'array', 'a list') as unknown as unknown[];
      if (list.length > 0) bytes.index(list.length);
      list.forEach((item, i) => writeAt(items, bytes, item, list, i));
      bytes.index(0);
    },
    fits: (value) => Array.isArray(value) && value.every((item) => items.fits(item)),
  };
}

function writeMap(values: Write): Write {
  return {
    write(bytes, value) {
      const map = expectKind(value, 'object', 'a map');
      const keys = Object.keys(map);
      if (keys.length > 0) bytes.index(keys.length);
      for (const key of keys) {
        bytes.string(key);
        writeAt(values, bytes, map[key], map, key);
      }
      bytes.index(0);
    },
    fits: (value) => kindOfValue(value) === 'object' && Object.values(value as object).every((item) => values.fits(item)),
  };
}

function writeEnum(type: AvroType): Write {
  const indices = new Map(type.symbols.map((symbol, i) => [symbol, i]));
  const wanted = `one of ${type.symbols.join(', ')}`;
  return leaf(
    wanted,
    (value) => indices.has(value as string),
    (bytes, value: string) => bytes.index(indices.get(value)!),
  );
}

/** Kinds that stand in for each other where a union has no branch of the value's own. */
const CONVERTIBLE: Partial<Record<Kind, Kind>> = { integer: 'number', number: 'integer' };

/**
 * Branch: the one the value was read from; else the only one of its kind, so that an error names the
 * place inside; else the first of its kind that it fits, a float only where that does not change it.
 */
function writeUnion(type: AvroType, branches: Write[]): Write {
  const names = type.types.map((branch) => branch.branchName);
  const byKind = Map.groupBy(branches.keys(), (i) => kindOfType(type.types[i]!));
  const candidatesOf = (value: unknown): number[] => {
    const kind = kindOfValue(value);
    return (kind && (byKind.get(kind) ?? byKind.get(CONVERTIBLE[kind]!))) ?? [];
  };
  const choose = (value: unknown, holder: object | null, key: string | number): number | undefined => {
    const candidates = candidatesOf(value);
    if (candidates.length < 2) return candidates[0];
    const marked = names.indexOf(markedBranch(holder, key, value) ?? undefined);
    if (candidates.includes(marked)) return marked;
    const fitting = candidates.filter((i) => branches[i]!.fits(value));
    return fitting.find((i) => type.types[i]!.typeName !== 'float' || Object.is(Math.fround(Number(value)), Number(value))) ?? fitting[0];
  };
  return {
    write(bytes, value, holder, key) {
      const index = choose(value, holder, key);
      if (index === undefined) throw doesNotFit(`one of ${names.join(', ')}`, value);
      bytes.index(index);
      branches[index]!.write(bytes, value, holder, key);
    },
    fits: (value) => candidatesOf(value).some((i) => branches[i]!.fits(value)),
  };
}

function leaf<T>(wanted: string, fits: (value: unknown) => boolean, write: (bytes: ByteWriter, value: T) => void): Write {
  return {
    fits,
    write(bytes, value) {
      if (!fits(value)) throw doesNotFit(wanted, value);
      write(bytes, value as T);
    },
  };
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;

const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;

function isLong(value: unknown): boolean {
  return typeof value === 'bigint' ? value >= MIN_LONG && value <= MAX_LONG : Number.isSafeInteger(value);
}

function isInt(value: unknown): boolean {
  return isLong(value) && (Number(value) | 0) === Number(value);
}

const isDouble = (value: unknown): boolean => typeof value === 'number' || (isLong(value) && BigInt(Number(value)) === value);

/** A number that a float changes still fits a float: there is no other way to write 0.1 to one. */
const isFloat = (value: unknown): boolean => typeof value === 'number' || (isLong(value) && BigInt(Math.fround(Number(value))) === value);

const PRIMITIVES: Record<string, Write> = {
  null: leaf(
    'null',
    (value) => value === null,
    () => {},
  ),
  boolean: leaf(
    'true or false',
    (value) => typeof value === 'boolean',
    (bytes, value: boolean) => bytes.boolean(value),
  ),
  int: leaf('a whole number of 32 bits', isInt, (bytes, value: number | bigint) => bytes.index(Number(value))),
  long: leaf('a whole number of 64 bits', isLong, (bytes, value: number | bigint) => bytes.long(value)),
  float: leaf('a number', isFloat, (bytes, value: number | bigint) => bytes.float(Number(value))),
  double: leaf('a number that a double holds', isDouble, (bytes, value: number | bigint) => bytes.double(Number(value))),
  string: leaf(
    'a string of valid Unicode',
    (value) => typeof value === 'string' && value.isWellFormed(),
    (bytes, value: string) => bytes.string(value),
  ),
  bytes: leaf('bytes', isBytes, (bytes, value: Uint8Array) => bytes.bytes(value)),
};

const writeAt: (type: Write, ...at: Parameters<Write['write']>) => void = (type, ...at) => {
  try {
    type.write(...at);
  } catch (error) {
    throw atPath(at[3], error);
  }
};

function expectKind(value: unknown, kind: Kind, wanted: string): Record<string, unknown> {
  if (kindOfValue(value) !== kind) throw doesNotFit(wanted, value);
  return value as Record<string, unknown>;
}

/** Says what kind of value came, never the value: messages go into logs and headers. */
function doesNotFit(wanted: string, value: unknown): RegistryError {
  const kind = kindOfValue(value) ?? typeof value;
  return new RegistryError('unencodable', `${wanted} expected, not ${kind === 'null' ? 'null' : `a value of kind ${kind}`}`);
}
