/**
 * Functions made for one record type. A loop over fields calls all their readers from one place and
 * adds field by field to an object, which V8 cannot compile for any of them; code with a call for
 * each field and one object literal takes a third less time a record.
 */
import { RegistryError } from '../errors.ts';
import { kindOfValue, markScalar } from './branches.ts';
import type { ByteReader, ByteWriter } from './cursor.ts';
import { atPath } from './path.ts';

type ReadValue = (bytes: ByteReader) => unknown;

export interface FieldToRead {
  name: string;
  read: ReadValue;
  /** Several branches of its union look alike: which one it was is kept. */
  isAmbiguous: boolean;
  /** The reader has no such field. */
  isSkipped: boolean;
}

export interface MissingField {
  name: string;
  value: () => unknown;
}

export interface FieldToWrite {
  name: string;
  type: { write(bytes: ByteWriter, value: unknown, holder: object, key: string): void };
  default: (() => unknown) | null;
}

/** `fields` in the order of the bytes; `missing` are added behind them. */
export function recordReader(fields: readonly FieldToRead[], missing: readonly MissingField[]): ReadValue {
  const reads = fields.map(({ isAmbiguous }, at) =>
    [`const v${at} = r${at}(bytes);`, ...(isAmbiguous ? [`const b${at} = bytes.branch;`] : []), `at = ${at + 1};`].join(' '),
  );
  const entries = fields.flatMap(({ name, isSkipped }, at) => (isSkipped ? [] : [`[${quoted(name)}]: v${at}`]));
  const defaults = missing.map(({ name }, at) => `[${quoted(name)}]: d${at}()`);
  const marks = fields.flatMap(({ name, isAmbiguous, isSkipped }, at) =>
    isAmbiguous && !isSkipped ? [`mark(record, ${quoted(name)}, v${at}, b${at});`] : [],
  );
  const make = compile<(reads: ReadValue[], defaults: (() => unknown)[], mark: typeof keepBranch, fail: Fail) => ReadValue>(
    ['reads', 'defaults', 'mark', 'fail'],
    `const [${names('r', fields)}] = reads; const [${names('d', missing)}] = defaults;
    return function readRecord(bytes) {
      let at = 0;
      try {
        ${reads.join('\n')}
        const record = { ${[...entries, ...defaults].join(', ')} };
        ${marks.join('\n')}
        return record;
      } catch (error) {
        throw fail(at, error);
      }
    };`,
  );
  return make(
    fields.map(({ read }) => read),
    missing.map(({ value }) => value),
    keepBranch,
    failAt([...fields, ...missing]),
  );
}

/** Writes the fields of an object; one that is not there takes its default. */
export function recordWriter(fields: readonly FieldToWrite[]): (bytes: ByteWriter, record: object) => void {
  const writes = fields.map(
    ({ name }, at) => `at = ${at};
    const v${at} = ${name in Object.prototype ? `own(record, ${quoted(name)})` : `record[${quoted(name)}]`};
    t${at}.write(bytes, v${at} === undefined ? d${at}() : v${at}, record, ${quoted(name)});`,
  );
  const make = compile<
    (types: object[], defaults: (() => unknown)[], own: typeof ownValue, fail: Fail) => (bytes: ByteWriter, record: object) => void
  >(
    ['types', 'defaults', 'own', 'fail'],
    `const [${names('t', fields)}] = types; const [${names('d', fields)}] = defaults;
    return function writeRecord(bytes, record) {
      let at = 0;
      try {
        ${writes.join('\n')}
      } catch (error) {
        throw fail(at, error);
      }
    };`,
  );
  return make(
    fields.map(({ type }) => type),
    fields.map((field) => field.default ?? isMissing),
    ownValue,
    failAt(fields),
  );
}

type Fail = (at: number, error: unknown) => unknown;

function failAt(fields: readonly { name: string }[]): Fail {
  return (at, error) => (fields[at] ? atPath(fields[at].name, error) : error);
}

function isMissing(): never {
  throw new RegistryError('unencodable', 'is missing and its schema has no default');
}

function ownValue(record: object, name: string): unknown {
  return Object.hasOwn(record, name) ? (record as Record<string, unknown>)[name] : undefined;
}

function keepBranch(record: object, name: string, value: unknown, branch: string): void {
  if (kindOfValue(value) !== 'object') markScalar(record, name, value, branch);
}

function names(prefix: string, list: readonly unknown[]): string {
  return list.map((_, at) => `${prefix}${at}`).join(', ');
}

/** Names are data: they stand in the code as string literals alone. `["__proto__"]: v` makes a field like any other. */
function quoted(name: string): string {
  return JSON.stringify(name);
}

function compile<Factory>(parameters: readonly string[], body: string): Factory {
  // The schema's names are quoted, all else of the text stands above
  return new Function(...parameters, `'use strict'; ${body}`) as Factory;
}
