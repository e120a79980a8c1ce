/** Avro 1.12, "Schema Resolution": which writer's type a reader's type can be read from. */
import { RegistryError } from '../errors.ts';
import type { ByteReader } from './cursor.ts';
import type { AvroField, AvroType } from './schema.ts';

type Read = (bytes: ByteReader) => unknown;

export function isUnion(type: AvroType): boolean {
  return type.typeName.startsWith('union');
}

export function isRecord(type: AvroType): boolean {
  return type.typeName === 'record' || type.typeName === 'error';
}

/** Same unqualified name, or the writer's name among the reader's aliases. */
export function namesMatch(writer: AvroType, reader: AvroType): boolean {
  const name = unqualified(writer.name ?? '');
  return [reader.name ?? '', ...(reader.aliases ?? [])].some((known) => unqualified(known) === name);
}

/** The writer's field for a reader's: by name, then by the reader's aliases. */
export function writerFieldOf(writer: AvroType, field: AvroField): AvroField | undefined {
  const byName = (name: string) => writer.fields.find((candidate) => candidate.name === name);
  return byName(field.name) ?? field.aliases.map(byName).find((found) => found !== undefined);
}

/** The reader's branches in the order in which to try them: the writer's own type goes first. */
export function branchesFor(writer: AvroType, union: AvroType): AvroType[] {
  const distance = (branch: AvroType) => (branch.branchName === writer.branchName ? 0 : branch.typeName === writer.typeName ? 1 : 2);
  return union.types.toSorted((a, b) => distance(a) - distance(b));
}

export function cannotRead(writer: AvroType, reader: AvroType): RegistryError {
  return new RegistryError('incompatible', `${describe(writer)} cannot be read as ${describe(reader)}`);
}

/** @throws {RegistryError} `incompatible` */
export function readPrimitive(writer: AvroType, reader: AvroType): Read {
  const read = PROMOTIONS[reader.typeName]?.[writer.typeName];
  if (!read) throw cannotRead(writer, reader);
  return read;
}

/** @throws {RegistryError} `incompatible` */
export function readEnum(writer: AvroType, reader: AvroType): Read {
  if (writer.typeName !== 'enum' || !namesMatch(writer, reader)) throw cannotRead(writer, reader);
  const symbols = writer.symbols.map((symbol) => (reader.symbols.includes(symbol) ? symbol : reader.default));
  return (bytes) => {
    const index = bytes.index();
    const symbol = symbols[index];
    if (symbol !== undefined) return symbol;
    const reason =
      writer.symbols[index] === undefined
        ? `has no symbol ${index}`
        : `of the reader has no symbol ${writer.symbols[index]} and no default`;
    throw new RegistryError('undecodable', `enum ${reader.name} ${reason}`);
  };
}

const readLongAsDouble: Read = (bytes) => {
  const value = bytes.long();
  const double = Number(value);
  if (BigInt(double) !== value) throw new RegistryError('undecodable', 'a long cannot be read as a double without rounding it');
  return double;
};
const readLong: Read = (bytes) => bytes.long();
const readInt: Read = (bytes) => bytes.int();
const readFloat: Read = (bytes) => bytes.float();
const readBytes: Read = (bytes) => bytes.bytes();
const readString: Read = (bytes) => bytes.string();

/** By reader's, then writer's type. */
const PROMOTIONS: Record<string, Record<string, Read>> = {
  null: { null: () => null },
  boolean: { boolean: (bytes) => bytes.boolean() },
  int: { int: readInt },
  long: { int: readInt, long: readLong },
  float: { int: readLongAsDouble, long: readLongAsDouble, float: readFloat },
  double: { int: readLongAsDouble, long: readLongAsDouble, float: readFloat, double: (bytes) => bytes.double() },
  string: { string: readString, bytes: readString },
  bytes: { bytes: readBytes, string: readBytes },
};

function describe(type: AvroType): string {
  if (isUnion(type)) return `a union of ${type.types.map(describe).join(', ')}`;
  return type.name ? `${type.typeName} ${type.name}` : type.typeName;
}

function unqualified(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
