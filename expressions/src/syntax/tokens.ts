/** Splits the text of an expression into tokens (cel-spec v0.26, langdef.md, "Syntax"). */
import { ExpressionError, type TextRange } from '../errors.ts';
import { numberLiteral, stringLiteral } from './literals.ts';

export interface Token extends TextRange {
  kind: 'name' | 'quoted-name' | 'literal' | 'punctuation' | 'end';
  /** The token as it is written; of a quoted name, the name. */
  text: string;
  /** Of a literal. */
  value?: unknown;
}

/** Longer expressions are rejected. */
const MAX_LENGTH = 100_000;

const BLANK = /(?:[ \t\r\n\f]+|\/\/[^\n]*)+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const QUOTED_NAME = /`([A-Za-z0-9_.\-/ ]+)`/y;
const NUMBER = /0[xX][0-9a-fA-F]+[uU]?|(?:[0-9]+\.[0-9]+|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|[0-9]+[uU]?/y;
const STRING = /([rRbB]{0,2})("""|'''|"|')/y;
const PUNCTUATION = /&&|\|\||==|!=|<=|>=|\.\?|\[\?|[-+*/%<>!?:.,()[\]{}]/y;

/** @throws ExpressionError `syntax` */
export function tokensOf(text: string): Token[] {
  if (text.length > MAX_LENGTH) throw syntaxError(`the expression is longer than ${MAX_LENGTH} characters`, { start: 0, end: text.length });
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(BLANK, text, at)?.[0].length ?? 0;
    if (at >= text.length) break;
    const token = tokenAt(text, at);
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: 'end', text: 'end of the expression', start: text.length, end: text.length });
  return tokens;
}

function tokenAt(text: string, start: number): Token {
  const string = matchAt(STRING, text, start);
  if (string) return stringToken(text, start, string);
  const name = matchAt(NAME, text, start);
  if (name) return { kind: 'name', text: name[0], start, end: start + name[0].length };
  const quoted = matchAt(QUOTED_NAME, text, start);
  if (quoted) return { kind: 'quoted-name', text: quoted[1]!, start, end: start + quoted[0].length };
  const number = matchAt(NUMBER, text, start);
  if (number) return numberToken(text, start, number[0]);
  const punctuation = matchAt(PUNCTUATION, text, start);
  if (punctuation) return { kind: 'punctuation', text: punctuation[0], start, end: start + punctuation[0].length };
  const character = String.fromCodePoint(text.codePointAt(start)!);
  throw syntaxError(`unexpected character: ${character}`, { start, end: start + character.length });
}

function numberToken(text: string, start: number, digits: string): Token {
  const end = start + digits.length;
  const glued = matchAt(NAME, text, end);
  if (glued) throw syntaxError(`${digits}${glued[0]} is not a number`, { start, end: end + glued[0].length });
  return { kind: 'literal', text: digits, value: numberLiteral(digits, { start, end }), start, end };
}

function stringToken(text: string, start: number, opening: RegExpExecArray): Token {
  const [whole, prefix, quote] = opening as unknown as [string, string, string];
  const isRaw = /r/i.test(prefix);
  const isBytes = /b/i.test(prefix);
  const from = start + whole.length;
  let end = from;
  while (!text.startsWith(quote, end)) {
    if (end >= text.length || (quote.length === 1 && /[\r\n]/.test(text[end]!))) {
      throw syntaxError('the string is not closed', { start, end: Math.min(end, text.length) });
    }
    end += text[end] === '\\' && !isRaw ? 2 : 1;
  }
  const value = stringLiteral(text.slice(from, end), { isRaw, isBytes, start: from });
  return { kind: 'literal', text: text.slice(start, end + quote.length), value, start, end: end + quote.length };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

export function syntaxError(message: string, { start, end }: TextRange): ExpressionError {
  return new ExpressionError('syntax', message, { range: { start, end } });
}
