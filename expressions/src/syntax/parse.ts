/** Parses the text of an expression (cel-spec v0.26, langdef.md, "Syntax"). */
import type { TextRange } from '../errors.ts';
import { MAX_INT } from '../values/special.ts';
import { bindOf, hasOf, type Call, macroOf } from './macros.ts';
import { syntaxError, type Token, tokensOf } from './tokens.ts';
import { type BinaryOperator, node, type Node, rangeOf, tooDeep } from './tree.ts';

export interface ParseOptions {
  /** Are `.?field` and `[?index]` read? */
  optionals?: boolean;
}

/** @throws ExpressionError `syntax` */
export function parse(text: string, options: ParseOptions = {}): Node {
  const parser = new Parser(tokensOf(text), options);
  const root = parser.expression();
  parser.expect('end');
  return root;
}

const LEVELS: readonly (readonly string[])[] = [['||'], ['&&'], ['<', '<=', '>=', '>', '==', '!=', 'in'], ['+', '-'], ['*', '/', '%']];
/** Of these a chain is one node, however long. */
const LOGIC_LEVELS = 2;

const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);
/** Of calls of the parser within each other; a parenthesis takes one. */
const MAX_NESTING = 250;

class Parser {
  readonly #tokens: readonly Token[];
  readonly #optionals: boolean;
  #at = 0;
  #nesting = 0;

  constructor(tokens: readonly Token[], { optionals = false }: ParseOptions) {
    this.#tokens = tokens;
    this.#optionals = optionals;
  }

  expression(): Node {
    if (++this.#nesting > MAX_NESTING) throw tooDeep(this.#next);
    const test = this.#binary(0);
    const whole = this.#take('?') ? this.#conditional(test) : test;
    this.#nesting--;
    return whole;
  }

  expect(text: string): Token {
    const token = this.#next;
    if (text === 'end' ? token.kind === 'end' : token.kind === 'punctuation' && token.text === text) {
      this.#at++;
      return token;
    }
    if (text === 'end') throw unexpected(token);
    throw syntaxError(`expected "${text}", got ${described(token)}`, token);
  }

  get #next(): Token {
    return this.#tokens[this.#at]!;
  }

  /** Takes the next token if it is this one. */
  #take(text: string): Token | null {
    const token = this.#next;
    if (token.kind !== 'punctuation' || token.text !== text) return null;
    this.#at++;
    return token;
  }

  #conditional(test: Node): Node {
    const yes = this.#binary(0);
    this.expect(':');
    const no = this.expression();
    return node({ op: 'conditional', test, yes, no }, { start: test.start, end: no.end });
  }

  #binary(level: number): Node {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let left = this.#binary(level + 1);
    for (let operator = this.#operator(operators); operator !== null; operator = this.#operator(operators)) {
      const right = this.#binary(level + 1);
      const range = { start: left.start, end: right.end };
      if (level < LOGIC_LEVELS) left = this.#logic(operator as '&&' | '||', left, right);
      else left = node({ op: 'binary', operator: operator as BinaryOperator, left, right }, range);
    }
    return left;
  }

  #operator(operators: readonly string[]): string | null {
    const { kind, text } = this.#next;
    if ((kind !== 'punctuation' && !(kind === 'name' && text === 'in')) || !operators.includes(text)) return null;
    this.#at++;
    return text;
  }

  #logic(operator: '&&' | '||', first: Node, second: Node): Node {
    const operands = [first, second];
    while (this.#take(operator)) operands.push(this.#binary(operator === '||' ? 1 : 2));
    return node({ op: 'logic', operator, operands }, { start: first.start, end: operands.at(-1)!.end });
  }

  #unary(): Node {
    const signs: Token[] = [];
    for (let sign = this.#take('-') ?? this.#take('!'); sign !== null; sign = this.#take('-') ?? this.#take('!')) signs.push(sign);
    const isNegativeNumber = signs.at(-1)?.text === '-' && typeof this.#next.value !== 'object' && isNumber(this.#next);
    let operand = this.#member(isNegativeNumber ? signs.pop()! : null);
    for (const sign of signs.toReversed()) {
      operand = node({ op: 'unary', operator: sign.text as '-' | '!', operand }, { start: sign.start, end: operand.end });
    }
    return operand;
  }

  #member(minus: Token | null): Node {
    let member = minus === null ? this.#primary() : this.#number(minus);
    for (;;) {
      const next = this.#dot(member) ?? this.#index(member);
      if (next === null) break;
      member = next;
    }
    if (this.#next.text === '{' && this.#next.kind === 'punctuation' && (member.op === 'name' || member.op === 'select')) {
      throw syntaxError("messages are not supported; write a map, as in {'field': value}", { start: member.start, end: this.#next.end });
    }
    return member;
  }

  #dot(object: Node): Node | null {
    const optional = this.#optional('.?');
    if (!optional && !this.#take('.')) return null;
    const name = this.#next;
    const isWord = name.kind === 'name' && name.text !== 'in' && !WORDS.has(name.text);
    if (!isWord && name.kind !== 'quoted-name') throw syntaxError(`expected the name of a field, got ${described(name)}`, name);
    this.#at++;
    if (!optional && isWord && this.#take('(')) return this.#call(name, object);
    const range = { start: object.start, end: name.end };
    return node({ op: 'select', object, field: name.text, fieldRange: rangeOf(name), optional, test: false }, range);
  }

  #index(object: Node): Node | null {
    const optional = this.#optional('[?');
    if (!optional && !this.#take('[')) return null;
    const index = this.expression();
    const { end } = this.expect(']');
    return node({ op: 'index', object, index, optional }, { start: object.start, end });
  }

  #optional(text: string): boolean {
    const token = this.#take(text);
    if (token === null) return false;
    if (!this.#optionals)
      throw syntaxError(`optional values are not supported: ${text} cannot be used here, write has() or == null`, token);
    return true;
  }

  #call(name: Token, target: Node | null): Node {
    const args = this.#list(')');
    const call: Call = {
      name: name.text,
      nameRange: rangeOf(name),
      target,
      args,
      range: { start: (target ?? name).start, end: this.#end },
    };
    return macroOf(call) ?? bindOf(call) ?? hasOf(call) ?? node({ op: 'call', name: call.name, target, args }, call.range);
  }

  /** Expressions up to the closing bracket, which is taken. */
  #list(closing: string): Node[] {
    const items: Node[] = [];
    while (this.#take(closing) === null) {
      items.push(this.expression());
      if (this.#take(',') === null) {
        this.expect(closing);
        break;
      }
      if (closing === ')' && this.#next.text === ')' && this.#next.kind === 'punctuation') throw unexpected(this.#next);
    }
    return items;
  }

  /** Where the token that was taken last ends. */
  get #end(): number {
    return this.#tokens[this.#at - 1]!.end;
  }

  #primary(): Node {
    const token = this.#next;
    this.#at++;
    switch (token.kind) {
      case 'literal':
        return typeof token.value === 'bigint' ? this.#integer(token.value, token) : node({ op: 'literal', value: token.value }, token);
      case 'name':
        return this.#name(token, token);
      case 'punctuation':
        return this.#bracketed(token);
      default:
        throw unexpected(token);
    }
  }

  #bracketed(token: Token): Node {
    switch (token.text) {
      case '(': {
        const inner = this.expression();
        this.expect(')');
        return inner;
      }
      case '[': {
        const items = this.#list(']');
        return node({ op: 'list', items }, { start: token.start, end: this.#end });
      }
      case '{':
        return this.#map(token);
      case '.': {
        const name = this.#next;
        if (name.kind !== 'name') throw unexpected(name);
        this.#at++;
        return this.#name(name, { start: token.start, end: name.end }, true);
      }
      default:
        throw unexpected(token);
    }
  }

  #map({ start }: Token): Node {
    const entries: { key: Node; value: Node }[] = [];
    while (this.#take('}') === null) {
      const key = this.expression();
      this.expect(':');
      entries.push({ key, value: this.expression() });
      if (this.#take(',') === null) {
        this.expect('}');
        break;
      }
    }
    return node({ op: 'map', entries }, { start, end: this.#end });
  }

  #name(token: Token, range: TextRange, absolute = false): Node {
    if (!absolute && WORDS.has(token.text)) return node({ op: 'literal', value: WORDS.get(token.text) }, token);
    if (token.text === 'in') throw unexpected(token);
    if (RESERVED.has(token.text)) throw syntaxError(`"${token.text}" is reserved and cannot be a name`, token);
    if (this.#take('(')) return this.#call(token, null);
    return node({ op: 'name', name: token.text, absolute }, range);
  }

  #number(minus: Token): Node {
    const token = this.#next;
    this.#at++;
    const range = { start: minus.start, end: token.end };
    if (typeof token.value === 'bigint') return this.#integer(-token.value, range);
    return node({ op: 'literal', value: -(token.value as number) }, range);
  }

  #integer(value: bigint, range: TextRange): Node {
    if (value > MAX_INT || value < -MAX_INT - 1n) throw syntaxError(`${value} does not fit into int (64 bits)`, rangeOf(range));
    return node({ op: 'literal', value }, range);
  }
}

function isNumber({ kind, value }: Token): boolean {
  return kind === 'literal' && (typeof value === 'bigint' || typeof value === 'number');
}

function described({ kind, text }: Token): string {
  return kind === 'end' ? text : `"${text}"`;
}

function unexpected(token: Token) {
  return syntaxError(`unexpected token: ${described(token)}`, rangeOf(token));
}
