/**
 * Values as the cases of cel-spec write them in one line: a letter for the type, then the value. `i` int, `u` uint,
 * `d` double as 8 bytes in hex or `nan`, `s` string and `b` bytes in hex, `T`, `F`, `n` null, `t` type, `[…]`, `{key:value,…}`.
 */
import { kindOf } from '../../src/values/kind.ts';
import { canonicalKey, entryOf, KeyedMap, keysOf, type MapKey } from '../../src/values/maps.ts';
import { TypeValue, UnsignedInt } from '../../src/values/special.ts';

/** Any other type has the letter `?`, and `E` is an error. */
export function isReadable(text: string): boolean {
  try {
    readValue(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** @throws SyntaxError */
export function readValue(text: string): unknown {
  const reader = new Reader(text);
  const value = reader.value();
  if (!reader.isAtEnd) throw new SyntaxError(`${text} is more than one value`);
  return value;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  value(): unknown {
    const letter = this.#text[this.#at++];
    switch (letter) {
      case 'n':
        return null;
      case 'T':
      case 'F':
        return letter === 'T';
      case 'i':
        return BigInt(this.#word());
      case 'u':
        return new UnsignedInt(BigInt(this.#word()));
      case 'd':
        return doubleOf(this.#word());
      case 's':
        return Buffer.from(this.#word(), 'hex').toString();
      case 'b':
        return new Uint8Array(Buffer.from(this.#word(), 'hex'));
      case 't':
        return new TypeValue(this.#word());
      case '[':
        return this.#until(']', () => this.value());
      case '{':
        return mapOf(this.#until('}', () => this.#entry()));
      default:
        throw new SyntaxError(`${this.#text} holds a value of another type`);
    }
  }

  #entry(): [MapKey, unknown] {
    const key = this.value() as MapKey;
    this.#at++;
    return [key, this.value()];
  }

  #until<Item>(closing: string, item: () => Item): Item[] {
    const items: Item[] = [];
    while (this.#text[this.#at] !== closing) {
      if (this.isAtEnd) throw new SyntaxError(`${this.#text} is not closed`);
      items.push(item());
      if (this.#text[this.#at] === ',') this.#at++;
    }
    this.#at++;
    return items;
  }

  #word(): string {
    const start = this.#at;
    while (!this.isAtEnd && !',:]}'.includes(this.#text[this.#at]!)) this.#at++;
    return this.#text.slice(start, this.#at);
  }
}

function mapOf(entries: [MapKey, unknown][]): object {
  if (entries.every(([key]) => typeof key === 'string')) return Object.fromEntries(entries as [string, unknown][]);
  const map = new KeyedMap();
  for (const [key, value] of entries) {
    map.set(canonicalKey(key)!, value);
    map.originals.set(canonicalKey(key)!, key);
  }
  return map;
}

/** Entries of a map in the order of their text. */
export function writeValue(value: unknown): string {
  switch (kindOf(value)) {
    case 'null':
      return 'n';
    case 'bool':
      return value === true ? 'T' : 'F';
    case 'int':
      return `i${String(value)}`;
    case 'uint':
      return `u${(value as UnsignedInt).value}`;
    case 'double':
      return `d${doubleText(value as number)}`;
    case 'string':
      return `s${Buffer.from(value as string).toString('hex')}`;
    case 'bytes':
      return `b${Buffer.from(value as Uint8Array).toString('hex')}`;
    case 'type':
      return `t${(value as TypeValue).name}`;
    case 'list':
      return `[${(value as unknown[]).map(writeValue).join(',')}]`;
    case 'map':
      return `{${entriesOf(value as object)
        .toSorted()
        .join(',')}}`;
    default:
      return '?';
  }
}

function entriesOf(map: object): string[] {
  return keysOf(map).map((key) => `${writeValue(key)}:${writeValue(entryOf(map, key))}`);
}

function doubleOf(text: string): number {
  if (text === 'nan') return Number.NaN;
  if (!/^[0-9a-f]{16}$/i.test(text)) throw new SyntaxError(`${text} is not a double`);
  return Buffer.from(text, 'hex').readDoubleBE();
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}
