/** Values of literals (cel-spec v0.26, langdef.md, "Numeric values", "String and bytes values"). */
import { ExpressionError, type TextRange } from '../errors.ts';
import { MAX_UINT, UnsignedInt } from '../values/special.ts';

/** Of an integer without sign `bigint`, not yet held to 64 bits: `9223372036854775808` may stand behind a minus. */
export function numberLiteral(digits: string, range: TextRange): bigint | number | UnsignedInt {
  if (/^0x/i.test(digits) || /^[0-9]+u?$/i.test(digits)) {
    const isUnsigned = /u$/i.test(digits);
    const value = BigInt(isUnsigned ? digits.slice(0, -1) : digits);
    if (!isUnsigned) return value;
    if (value > MAX_UINT) throw new ExpressionError('syntax', `${digits} does not fit into uint (64 bits)`, { range });
    return new UnsignedInt(value);
  }
  const value = Number(digits);
  if (!Number.isFinite(value)) throw new ExpressionError('syntax', `${digits} does not fit into double`, { range });
  return value;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '?': '?',
};
const CODE = /x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})/y;

interface StringForm {
  isRaw: boolean;
  isBytes: boolean;
  /** Offset of the body in the expression. */
  start: number;
}

/** @throws ExpressionError `syntax` on an escape that does not exist */
export function stringLiteral(body: string, form: StringForm): string | Uint8Array {
  const text = body.replaceAll(/\r\n?/g, '\n');
  const pieces = form.isRaw ? [text] : unescaped(text, form);
  if (!form.isBytes) return pieces.map((piece) => (typeof piece === 'string' ? piece : String.fromCodePoint(piece))).join('');
  return new Uint8Array(Buffer.concat(pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : Buffer.of(piece)))));
}

/** Text as it stands, and the code (of bytes: the byte) that an escape names. */
function unescaped(body: string, form: StringForm): (string | number)[] {
  const pieces: (string | number)[] = [];
  let at = 0;
  while (at < body.length) {
    const next = body.indexOf('\\', at);
    if (next === -1) break;
    pieces.push(body.slice(at, next));
    const [piece, length] = escapeAt(body, next + 1, form);
    pieces.push(piece);
    at = next + 1 + length;
  }
  pieces.push(body.slice(at));
  return pieces;
}

function escapeAt(body: string, at: number, form: StringForm): [piece: string | number, length: number] {
  const letter = body[at] ?? '';
  if (Object.hasOwn(ESCAPES, letter)) return [ESCAPES[letter]!, 1];
  CODE.lastIndex = at;
  const match = CODE.exec(body);
  if (match) {
    const [whole, x, upperX, u, upperU, octal] = match;
    const code = octal === undefined ? Number.parseInt((x ?? upperX ?? u ?? upperU)!, 16) : Number.parseInt(octal, 8);
    const isCharacter = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    if (form.isBytes ? u === undefined && upperU === undefined : isCharacter) return [code, whole.length];
  }
  const start = form.start + at - 1;
  const escape = body.slice(at - 1, at + (match?.[0].length ?? 1));
  throw new ExpressionError(
    'syntax',
    `${escape} is not an escape of a ${form.isBytes ? 'bytes' : 'string'} literal; write \\\\ for a backslash`,
    {
      range: { start, end: start + escape.length },
    },
  );
}
