import { Scalar } from 'yaml';

/**
 * Where in the source each character of a scalar's value stands, and its end; `start` is the
 * node's start. Escapes, folded lines and the indentation of blocks are stepped over.
 */
export function scalarOffsets(value: string, type: Scalar.Type | undefined, source: string, start: number): number[] {
  const offsets: number[] = [];
  let at = contentStart(type, source, start);
  for (const character of value.split('')) {
    at += lengthOf(CONTINUATION, type === Scalar.QUOTE_DOUBLE, source, at);
    offsets.push(at);
    at += sourceLength(character, type, source, at);
  }
  return [...offsets, at];
}

/** A line break with the spaces around it, which folding turns into one space or line break. */
const BREAK = /[ \t]*\r?\n\s*/y;
/** An escaped line break, which is nothing. */
const CONTINUATION = /\\\r?\n\s*/y;
const ESCAPE = /\\(x[\da-f]{2}|u[\da-f]{4}|U[\da-f]{8}|.)/iy;

function contentStart(type: Scalar.Type | undefined, source: string, start: number): number {
  if (type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE) return start + 1;
  if (type !== Scalar.BLOCK_LITERAL && type !== Scalar.BLOCK_FOLDED) return start;
  const body = source.indexOf('\n', start) + 1;
  return body + lengthOf(/\s*/y, true, source, body);
}

function sourceLength(character: string, type: Scalar.Type | undefined, source: string, at: number): number {
  if (character === ' ' || character === '\n') {
    const gap = lengthOf(BREAK, true, source, at);
    if (gap > 0) return gap;
  }
  if (type === Scalar.QUOTE_SINGLE && source.startsWith("''", at)) return 2;
  const escape = lengthOf(ESCAPE, type === Scalar.QUOTE_DOUBLE, source, at);
  if (escape > 0) return escape;
  return source[at] === character ? 1 : 0;
}

function lengthOf(pattern: RegExp, applies: boolean, source: string, at: number): number {
  if (!applies) return 0;
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0].length ?? 0;
}
