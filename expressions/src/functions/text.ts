/** Strings and bytes. Positions count code points, as in the specification, not UTF-16 units. */
import { checkPattern, compiledPattern, type Pattern } from './pattern.ts';
import { BYTES_PER_ITEM, CHARACTERS_PER_STEP, type FunctionDefinition, FunctionFailure, type PreparedFunction } from './signature.ts';

const SURROGATE = /[\ud800-\udfff]/;

/** Without surrogates a code point is a UTF-16 unit. */
function isPlain(text: string): boolean {
  return !SURROGATE.test(text);
}

export function lengthOf(text: string): number {
  if (isPlain(text)) return text.length;
  let length = 0;
  for (const _ of text) length++;
  return length;
}

/** Of a position in code points; `Infinity` behind the end. */
function unitOffset(text: string, position: bigint): number {
  if (position < 0n) throw outOfRange(position);
  if (isPlain(text)) return position > BigInt(text.length) ? Infinity : Number(position);
  let units = 0;
  let left = position;
  for (const character of text) {
    if (left-- === 0n) return units;
    units += character.length;
  }
  return left === 0n ? units : Infinity;
}

function outOfRange(position: bigint): FunctionFailure {
  return new FunctionFailure(position < 0n ? 'the position is below 0' : 'the position is behind the end');
}

function checkedOffset(text: string, position: bigint): number {
  const offset = unitOffset(text, position);
  if (offset === Infinity) throw outOfRange(position);
  return offset;
}

function codePoints(text: string, units: number): bigint {
  return units < 0 ? -1n : BigInt(isPlain(text) ? units : lengthOf(text.slice(0, units)));
}

function substring(text: string, from: bigint, to?: bigint): string {
  const start = checkedOffset(text, from);
  if (to === undefined) return text.slice(start);
  if (to < from) throw new FunctionFailure('the range ends before it begins');
  return text.slice(start, checkedOffset(text, to));
}

function indexOf(text: string, part: string, from = 0n): bigint {
  return codePoints(text, text.indexOf(part, checkedOffset(text, from)));
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const last = from === undefined ? Infinity : checkedOffset(text, from);
  return codePoints(text, text.lastIndexOf(part, last));
}

function charAt(text: string, position: bigint): string {
  const code = text.codePointAt(checkedOffset(text, position));
  return code === undefined ? '' : String.fromCodePoint(code);
}

/** Go's, so that a limit leaves the rest in the last piece. */
function split(text: string, separator: string, limit?: bigint): string[] {
  if (limit === 0n) return [];
  const pieces = separator === '' ? [...text] : text.split(separator);
  if (limit === undefined || limit < 0n || limit >= BigInt(pieces.length)) return pieces;
  const head = pieces.slice(0, Number(limit) - 1);
  return [...head, pieces.slice(Number(limit) - 1).join(separator)];
}

function join(list: readonly unknown[], separator = ''): string {
  return list.map(asText).join(separator);
}

function asText(item: unknown): string {
  if (typeof item === 'string') return item;
  throw new FunctionFailure('join() takes strings alone; convert the items with map() and string()');
}

function joinedLength(list: readonly unknown[], separator = ''): number {
  return list.reduce<number>((length, item) => length + asText(item).length, separator.length * Math.max(0, list.length - 1));
}

function replace(text: string, part: string, by: string, limit?: bigint): string {
  if (limit === undefined || limit < 0n) return part === '' ? spread(text, by) : text.split(part).join(by);
  let rest = text;
  let replaced = '';
  for (let left = limit; left > 0n; left--) {
    const at = part === '' ? -1 : rest.indexOf(part);
    if (at === -1) break;
    replaced += rest.slice(0, at) + by;
    rest = rest.slice(at + part.length);
  }
  return replaced + rest;
}

/** `by` before each code point and at the end. */
function spread(text: string, by: string): string {
  return by + [...text].map((character) => character + by).join('');
}

function replacedLength(text: string, part: string, by: string): number {
  return text.length + occurrences(text, part) * by.length;
}

function splitSize(text: string, separator: string): number {
  return text.length + (occurrences(text, separator) + 1) * BYTES_PER_ITEM;
}

function occurrences(text: string, part: string): number {
  if (part === '') return text.length + 1;
  let count = 0;
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

/** In the worst case each character of the one is compared with each of the other, though much faster than one by one. */
function searchSteps(text: string, part: string): number {
  return (text.length + part.length) / CHARACTERS_PER_STEP + (text.length * part.length) / COMPARISONS_PER_STEP;
}
const COMPARISONS_PER_STEP = 4096;

/** Characters that the specification of the function counts as white space: those with the Unicode property, by name. */
const WHITE_SPACE =
  '\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000';

function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && WHITE_SPACE.includes(text[start]!)) start++;
  while (end > start && WHITE_SPACE.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}

const lowerAscii = (text: string): string => text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
const upperAscii = (text: string): string => text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase());
const matches = (text: string, pattern: string): boolean => compiledPattern(pattern).matches(text);
/** A pattern that is computed has to be compiled, which takes much longer than to match a short string. */
const matchSteps = (text: string, pattern: string): number =>
  pattern.length * STEPS_PER_PATTERN_CHARACTER + matchingSteps(text, compiledPattern(pattern));
const STEPS_PER_PATTERN_CHARACTER = 24;

function matchingSteps(text: string, { size }: Pattern): number {
  return 1 + (text.length * size) / CHARACTERS_PER_STEP;
}

function prepareMatches(pattern: string): PreparedFunction {
  const compiled = compiledPattern(pattern);
  return { run: (text: string) => compiled.matches(text), steps: (text: string) => matchingSteps(text, compiled) };
}

export const STRINGS: readonly FunctionDefinition[] = [
  { signature: 'string.charAt(int): string', description: 'The character at a position; empty at the end.', run: charAt },
  {
    signature: 'string.contains(string): bool',
    description: 'Does it hold the other string?',
    run: (text: string, part: string) => text.includes(part),
    steps: searchSteps,
  },
  {
    signature: 'string.endsWith(string): bool',
    description: 'Does it end with the other string?',
    run: (text: string, part: string) => text.endsWith(part),
  },
  {
    signature: 'string.indexOf(string): int',
    description: 'Position of the first occurrence, -1 where there is none.',
    run: indexOf,
    steps: searchSteps,
  },
  { signature: 'string.indexOf(string, int): int', description: 'The same, from a position on.', run: indexOf, steps: searchSteps },
  { signature: 'list<string>.join(): string', description: 'The strings, one after the other.', run: join, builds: joinedLength },
  { signature: 'list<string>.join(string): string', description: 'The strings with a separator between.', run: join, builds: joinedLength },
  {
    signature: 'string.lastIndexOf(string): int',
    description: 'Position of the last occurrence, -1 where there is none.',
    run: lastIndexOf,
    steps: searchSteps,
  },
  { signature: 'string.lastIndexOf(string, int): int', description: 'The same, up to a position.', run: lastIndexOf, steps: searchSteps },
  { signature: 'string.lowerAscii(): string', description: 'With a to z for A to Z.', run: lowerAscii },
  {
    signature: 'string.matches(string): bool',
    description: 'Does any part match the RE2 pattern? Anchor it with `^` and `$` to match the whole.',
    run: matches,
    steps: matchSteps,
    checks: checkPattern,
    prepare: prepareMatches,
  },
  {
    signature: 'matches(string, string): bool',
    description: 'The same, as a function.',
    run: matches,
    steps: matchSteps,
    checks: checkPattern,
    prepare: prepareMatches,
  },
  {
    signature: 'string.replace(string, string): string',
    description: 'With each occurrence of the first replaced by the second.',
    run: replace,
    builds: replacedLength,
    steps: searchSteps,
  },
  {
    signature: 'string.replace(string, string, int): string',
    description: 'The same, for this many occurrences.',
    run: replace,
    builds: replacedLength,
    steps: searchSteps,
  },
  {
    signature: 'string.reverse(): string',
    description: 'Its characters in reverse order.',
    run: (text: string) => [...text].reverse().join(''),
  },
  {
    signature: 'string.split(string): list<string>',
    description: 'The pieces between the separators.',
    run: split,
    builds: splitSize,
    steps: searchSteps,
  },
  {
    signature: 'string.split(string, int): list<string>',
    description: 'At most this many pieces.',
    run: split,
    builds: splitSize,
    steps: searchSteps,
  },
  {
    signature: 'string.startsWith(string): bool',
    description: 'Does it begin with the other string?',
    run: (text: string, part: string) => text.startsWith(part),
  },
  { signature: 'string.substring(int): string', description: 'From a position on; fails behind the end.', run: substring },
  { signature: 'string.substring(int, int): string', description: 'From a position to another, exclusive.', run: substring },
  { signature: 'string.trim(): string', description: 'Without white space at both ends.', run: trim },
  { signature: 'string.upperAscii(): string', description: 'With A to Z for a to z.', run: upperAscii },
];

export const BYTES: readonly FunctionDefinition[] = [
  { signature: 'bytes.at(int): int', description: 'The byte at a position; fails behind the end.', run: byteAt },
  { signature: 'bytes.base64(): string', description: 'In base64.', run: (bytes: Uint8Array) => Buffer.from(bytes).toString('base64') },
  {
    signature: 'bytes.hex(): string',
    description: 'In lower-case hexadecimal digits.',
    run: (bytes: Uint8Array) => Buffer.from(bytes).toString('hex'),
  },
  {
    signature: 'bytes.json(): dyn',
    description: 'The JSON value that the bytes are in UTF-8; its numbers are doubles.',
    run: json,
    builds: jsonSize,
  },
  {
    signature: 'bytes.string(): string',
    description: 'The string in UTF-8; other bytes become U+FFFD.',
    run: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  },
];

function byteAt(bytes: Uint8Array, position: bigint): bigint {
  const byte = position < 0n ? undefined : bytes[Number(position)];
  if (byte === undefined) throw outOfRange(position);
  return BigInt(byte);
}

/** A value takes several times the memory of its text. */
function jsonSize({ length }: Uint8Array): number {
  return 4 * length;
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) throw new FunctionFailure('json() cannot parse these bytes');
    throw error;
  }
}
