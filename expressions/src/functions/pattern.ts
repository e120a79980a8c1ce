/** Regular expressions: RE2, in time linear in the text, whatever the pattern. */
import { RE2JS, RE2JSException } from 're2js';
import { FunctionFailure } from './signature.ts';

export interface Pattern {
  /** Does any part of the text match? */
  matches(text: string): boolean;
  /** Instructions of its program: the time for one character grows with them. */
  size: number;
}

/** Longer patterns are rejected: RE2 compiles them in time and memory that grow with them. */
const MAX_PATTERN_LENGTH = 1000;
/** Of one process. */
const MAX_CACHED = 100;
const NOT_RE2 = 'the pattern is not a regular expression of RE2';
const cache = new Map<string, Pattern>();

/** @throws FunctionFailure where the pattern is not RE2; it does not quote the pattern, which may come from the record */
export function compiledPattern(pattern: string): Pattern {
  const cached = cache.get(pattern);
  if (cached !== undefined) return cached;
  const compiled = compilePattern(pattern);
  const [oldest] = cache.keys();
  if (cache.size >= MAX_CACHED && oldest !== undefined) cache.delete(oldest);
  cache.set(pattern, compiled);
  return compiled;
}

function compilePattern(pattern: string): Pattern {
  if (pattern.length > MAX_PATTERN_LENGTH) throw new FunctionFailure(`the pattern is longer than ${MAX_PATTERN_LENGTH} characters`);
  try {
    const compiled = RE2JS.compile(pattern);
    return { matches: (text) => compiled.matcher(text).find(), size: compiled.programSize() };
  } catch (error) {
    if (error instanceof RE2JSException) throw new FunctionFailure(NOT_RE2);
    throw error;
  }
}

/** With the reason, which quotes the pattern: a constant holds nothing of a record. @throws FunctionFailure where the pattern is not RE2 */
export function checkPattern(pattern: string): void {
  try {
    if (pattern.length <= MAX_PATTERN_LENGTH) RE2JS.compile(pattern);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new FunctionFailure(`${NOT_RE2}: ${error.message.replace(/^error parsing regexp: /, '')}`);
  }
  compiledPattern(pattern);
}
