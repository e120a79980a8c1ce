/** What the specification wants of values and functions, case by case. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { typeOfName } from './check/type.ts';
import { compileExpression } from './compile.ts';
import { compileText } from './engine.ts';
import { ExpressionError } from './errors.ts';
import { MAX_INT, MAX_UINT, MIN_INT, UnsignedInt } from './values/special.ts';

const evaluate = (text: string, event: unknown = {}): unknown =>
  compileText(text, { variables: new Map([['event', typeOfName('dyn')]]), now: () => 0 }).run({ event });

/** The message of the failure, whether it is found when the expression is compiled or when it runs. */
function failure(text: string, event: unknown = {}): string {
  try {
    return `gave ${String(evaluate(text, event))}`;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return error.message;
  }
}

const results: Record<string, [text: string, result: unknown, event?: unknown]> = {
  'the least int': ['-9223372036854775808', MIN_INT],
  'an int in hexadecimal digits': ['-0x8000000000000000', MIN_INT],
  'the greatest uint': ['18446744073709551615u', new UnsignedInt(MAX_UINT)],
  'a division towards zero': ['-7 / 2', -3n],
  'a remainder with the sign of the left': ['-7 % 2', -1n],
  'a double divided by zero': ['-1.0 / 0.0', -Infinity],
  'not a number is not itself': ["double('NaN') == double('NaN')", false],
  'not a number has no order': ["double('nan') < 1.0 || double('nan') >= 1.0", false],
  'an int that equals a double and a uint': ['1 == 1.0 && 1u == 1 && 1.0 == 1u', true],
  'an int that is greater than a double': ['event.a > event.b', true, { a: 3n, b: 2.5 }],
  'other types that are never equal': ['event.a == event.b || event.a == null', false, { a: 1n, b: '1' }],
  'lists and maps that are equal by content': ["[1, {'a': [b'x']}] == [1.0, {'a': [b'x']}]", true],
  'strings in order of code points': ["'\\U0001f600' > '\\uffff'", true],
  'bytes in order': ["b'\\xff' > b'\\x7f'", true],
  'a string of escapes': ["'\\a\\x41\\u00e9\\U0001F600\\101'", '\x07Aé😀A'],
  'a raw string': ["r'\\d+'", '\\d+'],
  'a string over lines': ["'''a\nb'''", 'a\nb'],
  'bytes of escapes': ["b'\\xff\\377é'", new Uint8Array([255, 255, 0xc3, 0xa9])],
  'the number of characters, not of UTF-16 units': ["size('a😀b')", 3n],
  'a part of a string with an emoji': ["'ab😀cd'.substring(2, 3)", '😀'],
  'a position behind an emoji': ["'ab😀cd'.indexOf('c')", 3n],
  'a last position behind an emoji': ["'😀c😀c'.lastIndexOf('c')", 3n],
  'a last position before another': ["'😀c😀c'.lastIndexOf('c', 2)", 1n],
  'a character of a string': ["'a😀'.charAt(1) + 'a😀'.charAt(2)", '😀'],
  'the reverse of a string': ["'a😀b'.reverse()", 'b😀a'],
  'lower case of ASCII alone': ["'ÄÖÜ-ABC-İ'.lowerAscii()", 'ÄÖÜ-abc-İ'],
  'upper case of ASCII alone': ["'straße'.upperAscii()", 'STRAßE'],
  'a string without white space around it': ["'\\u00a0\\t x \\u2003'.trim()", 'x'],
  'pieces of a string': ["'a,b,,c'.split(',')", ['a', 'b', '', 'c']],
  'at most two pieces': ["'a,b,c'.split(',', 2)", ['a', 'b,c']],
  'characters of a string': ["'a😀'.split('')", ['a', '😀']],
  'strings one after the other': ["['a', 'b'].join('-') + ['c'].join()", 'a-bc'],
  'a string with others in it': ["'banana'.replace('an', 'o') + 'aaa'.replace('a', 'b', 2)", 'booabba'],
  'an empty string replaced': ["'ab'.replace('', '-')", '-a-b-'],
  'an int of text': ["int('-42') + int('+7')", -35n],
  'a uint of a double': ['uint(25.9)', new UnsignedInt(25n)],
  'a double of text': ["double('-1.5e3')", -1500],
  'text of a double': ['string(1e21) + string(0.1) + string(-0.0)', '1e+210.1-0'],
  'text of bytes with a byte order mark': ["string(b'\\xef\\xbb\\xbfa')", '\ufeffa'],
  'a bool of text': ["bool('t') && !bool('0')", true],
  'a key of a map of another number type': ["{1: 'a', 2u: 'b'}[1.0] + {1: 'a', 2u: 'b'}[2]", 'ab'],
  'keys of a map of all types': ["{true: 1, 'a': 2, 3: 3}[true]", 1n],
  'a map with computed keys of a string type': ["{event.k: 1, 'b': 2}", { a: 1n, b: 2n }, { k: 'a' }],
  'a variable of a macro that hides another': ['[1, 2].map(x, [x].map(x, x * 10) == [x * 10])', [true, true]],
  'a variable of the expression behind a macro': ['[1].all(event, .event.a == 5)', true, { a: 5n }],
  'macros within macros': ['[1, 2, 3].filter(x, [2, 3].exists(y, x == y)).map(x, x > 2, x)', [3n]],
  'exactly one': ['[1, 2].exists_one(x, x > 1) && ![2, 2].existsOne(x, x > 1)', true],
  'keys of a map': ["{'a': 1, 'b': 2}.map(k, k)", ['a', 'b']],
  'a value with a name': ["cel.bind(x, 'a' + 'b', x + x)", 'abab'],
  'an operand that decides although another fails': ['(1 / 0 > 0) || true', true],
  'an item that decides although another fails': ['[0, 1].exists(x, 1 / x > 0)', true],
  'a field whose name is quoted': ['event.`order-id`', 7n, { 'order-id': 7n }],
  'a field whose name is reserved': ['event.package', 7n, { package: 7n }],
  'a type': ['type(event.a) == int && type([]) == list && type(null) == null_type', true, { a: 1n }],
  'a type of time': ['type(timestamp(0)) == google.protobuf.Timestamp', true],
  'a timestamp and a duration': ["string(timestamp('2026-02-28T23:00:00Z') + duration('1h30m'))", '2026-03-01T00:30:00Z'],
  'a leap day': ["timestamp('2024-02-29T00:00:00Z').getDayOfYear()", 59n],
  'a time at an offset': ["timestamp('2026-01-01T00:30:00Z').getHours('-01:00')", 23n],
  'nanoseconds before the epoch': ["string(timestamp('1969-12-31T23:59:59.999999999Z'))", '1969-12-31T23:59:59.999999999Z'],
  'seconds before the epoch, rounded down': ["int(timestamp('1969-12-31T23:59:58.5Z'))", -2n],
  'a duration between timestamps': ["timestamp('2026-01-02T00:00:00+01:00') - timestamp(0) > duration('8760h')", true],
  'text of a duration': ["string(duration('-1m1.5s'))", '-61.5s'],
  'parts of a duration': ["duration('1h2.25s').getMilliseconds()", 250n],
};

describe('the specification gives', () => {
  test.each(Object.entries(results))('%s', (_, [text, result, event]) => {
    expect(evaluate(text, event)).toEqual(result);
  });
});

const failures: Record<string, [text: string, message: string | RegExp, event?: unknown]> = {
  'the least int negated': ['-(-9223372036854775808)', 'integer overflow'],
  'an int above 64 bits': ['9223372036854775807 + 1', 'integer overflow'],
  'the least int divided by -1': ['-9223372036854775808 / -1', 'integer overflow'],
  'a uint below 0': ['1u - 2u', 'unsigned integer overflow'],
  'a literal above 64 bits': ['9223372036854775808', '9223372036854775808 does not fit into int (64 bits)'],
  'a division by zero': ['1 / 0', 'division by zero'],
  'a remainder of zero': ['1u % 0u', 'modulus by zero'],
  'an int of a double above 64 bits': ['int(1e300)', /^int\(\) cannot convert this number/],
  'an int of 2^63': ['int(9223372036854775808.0)', /^int\(\) cannot convert this number/],
  'an int of an empty string': ["int('')", 'int() cannot convert this string'],
  'an int of binary digits': ["int('0b11')", 'int() cannot convert this string'],
  'an int of hexadecimal digits': ["int('0X1F')", 'int() cannot convert this string'],
  'an int of text with a space': ["int(' 1')", 'int() cannot convert this string'],
  'a double of hexadecimal digits': ["double('0x10')", 'double() cannot convert this string'],
  'a double out of range': ["double('1e400')", 'double() cannot convert this string'],
  'a bool of other text': ["bool('yes')", 'bool() cannot convert this string'],
  'text of bytes that are not UTF-8': ["string(b'\\xff')", /^string\(\) cannot convert these bytes/],
  'a key of a map twice': ["{'a': 1, 'a': 2}", "the map has the key 'a' twice"],
  'a key of a map twice, as other numbers': ['{1: 1, 1u: 2}', 'the map has the key 1u twice'],
  'a key of a map twice, from the event': ["{event.k: 1, 'a': 2}", "the map has the key 'a' twice", { k: 'a' }],
  'a double for a key of a map': ['{1.5: 1}', 'a key of a map is string, int, uint or bool, this is double'],
  'a double for a key of a map, from the event': [
    '{event.k: 1}',
    'a key of a map is string, int, uint or bool, this is double',
    { k: 1.5 },
  ],
  'an item behind the end': ['event.l[1]', 'no such item: event.l[1]; the list has 1', { l: [1n] }],
  'an item before the beginning': ['[1][-1]', 'no such item: [1][-1]; the list has 1'],
  'a part of a string behind its end': ["'ab'.substring(3)", 'the position is behind the end'],
  'a surrogate in an escape': ["'\\ud800'", /^\\ud800 is not an escape of a string literal/],
  'an escape that does not exist': ["'\\d'", /^\\d is not an escape of a string literal; write \\\\ for a backslash$/],
  'an escape of a character in bytes': ["b'\\u0041'", /^\\u0041 is not an escape of a bytes literal/],
  'a timestamp of a day that does not exist': ["timestamp('2026-02-29T00:00:00Z')", /^timestamp\(\) cannot convert this string/],
  'a timestamp out of range': ["timestamp('9999-12-31T23:59:59Z') + duration('1s')", 'the timestamp is outside the years 1 to 9999'],
  'a duration out of range': ["duration('315576000001s')", 'the duration is longer than 10,000 years'],
  'a duration without a unit': ["duration('10')", /^duration\(\) cannot convert this string/],
  'a zone by name': ["timestamp(0).getHours('Europe/Berlin')", /names of zones are not supported$/],
  'a zone by name, from the event': ['timestamp(0).getHours(event.z)', /names of zones are not supported$/, { z: 'Europe/Berlin' }],
  'a message': ['Order{id: 1}', "messages are not supported; write a map, as in {'field': value}"],
  'an optional value': ['event.?a', /^optional values are not supported/],
  'a reserved word': ['let', '"let" is reserved and cannot be a name'],
  'a function of JavaScript': ["'a'.toString()", 'unknown function "toString"'],
  'a function that is near': ["'a'.startWith('a')", 'unknown function "startWith", did you mean "startsWith"?'],
  'a macro that is near': ['[1].exist(x, x > 0)', 'unknown function "exist", did you mean "exists"?'],
  'a macro without a condition': ['[1].exists(x)', 'exists() takes the name of a variable and a condition, as in list.exists(x, x > 0)'],
  'has() of a variable': ['has(event)', "has() takes a field, as in has(event.status); for a key write 'key' in map"],
  'has() of two': ['has(event.a, event.b)', 'has() takes a field, as in has(event.status)'],
  'a method that is a function': ['event.a.now()', 'now() is called the other way: write now(event.a)'],
  'a function that is a method': [
    "startsWith('a', 'b')",
    'startsWith() is called the other way: write it behind a value, as in value.startsWith()',
  ],
  'a variable of a macro outside of it': ['[1].all(x, true) && x == 1', 'unknown name "x"'],
  'a bool that is an int': ['1 && true', '&& takes bool, this is int'],
  'a bool that is an int on the record': ['event.a && true', '&& takes bool, event.a is int', { a: 1n }],
  'all operands that fail': ['1 / 0 > 0 || 1 % 0 > 0', 'division by zero'],
};

describe('the specification has an error for', () => {
  test.each(Object.entries(failures))('%s', (_, [text, message, event]) => {
    if (typeof message === 'string') expect(failure(text, event)).toBe(message);
    else expect(failure(text, event)).toMatch(message);
  });
});

describe('a regular expression is RE2', () => {
  const cases: Record<string, [pattern: string, hit: string, miss: string]> = {
    'with a flag': ['(?i)^exp-', 'EXP-1', 'ship-1'],
    'with a class of POSIX': ['^[[:digit:]]+$', '12', '٣'],
    'with a class of Unicode': ['^\\pL\\pL$', 'ßλ', 'a1'],
    'with a character outside the BMP': ['^.$', '😀', 'ab'],
    'at the beginning of the text': ['\\Ab', 'bc', 'a\nb'],
    'at the end of the text': ['^730915\\z', '730915', '730915\n'],
    'with a name': ['(?P<year>20\\d\\d)', 'in 2026', '1999'],
    'that matches any part': ['b+', 'abbc', 'ac'],
  };
  test.each(Object.entries(cases))('%s', (_, [pattern, hit, miss]) => {
    expect(evaluate('event.hit.matches(event.p) && !matches(event.miss, event.p)', { p: pattern, hit, miss })).toBe(true);
    expect(evaluate(`event.hit.matches(r'${pattern}') && !matches(event.miss, r'${pattern}')`, { hit, miss })).toBe(true);
  });

  test.each(['(?=a)', '(?!a)', '(a)\\1', '[', 'a{1001}', '(?>a)', 'a**'])(
    '%s is none: a constant is found when the expression is compiled',
    (pattern) => {
      expect(() => compileExpression(`{'it': 'a'.matches(r'${pattern}')}`, 'event')).toThrow(
        /^the pattern is not a regular expression of RE2: /,
      );
      expect(failure("'a'.matches(event.p)", { p: pattern })).toBe('the pattern is not a regular expression of RE2');
    },
  );

  test('a pattern on which other engines take exponential time takes milliseconds', () => {
    const started = performance.now();
    expect(evaluate("event.t.matches('^(a+)+$')", { t: `${'a'.repeat(2_000)}!` })).toBe(false);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('properties', () => {
  const int = fc.bigInt({ min: MIN_INT, max: MAX_INT });

  test('integers are exact, or the expression fails', () => {
    fc.assert(
      fc.property(int, int, fc.constantFrom('+', '-', '*', '/', '%'), (a, b, operator) => {
        const exact =
          b === 0n && '/%'.includes(operator) ? null : { '+': a + b, '-': a - b, '*': a * b, '/': b && a / b, '%': b && a % b }[operator]!;
        const isInt = exact !== null && exact >= MIN_INT && exact <= MAX_INT;
        const text = `event.a ${operator} event.b`;
        if (isInt) expect(evaluate(text, { a, b })).toBe(exact);
        else expect(failure(text, { a, b })).toMatch(/overflow|by zero/);
        expect(evaluate('[event.a < event.b, event.a == event.b, event.a >= event.b]', { a, b })).toEqual([a < b, a === b, a >= b]);
      }),
    );
  });

  test('an int survives as text and back, and a double too', () => {
    fc.assert(
      fc.property(int, fc.double({ noNaN: true, noDefaultInfinity: true }), (a, d) => {
        expect(evaluate('int(string(event.a))', { a })).toBe(a);
        expect(evaluate('double(string(event.d))', { d })).toBe(d);
      }),
    );
  });

  test('positions of a string count code points', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const event = { a, b, at: BigInt([...a].length) };
        expect(evaluate("size(event.a + 'x') == event.at + 1 && (event.a + event.b).substring(event.at) == event.b", event)).toBe(true);
        expect(evaluate('event.a.reverse().reverse() == event.a && (event.a + event.b).startsWith(event.a)', event)).toBe(true);
      }),
    );
  });

  test('the order of strings is that of their UTF-8 bytes', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(evaluate('event.a < event.b', { a, b })).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0);
      }),
    );
  });

  test('a timestamp survives as text and back', () => {
    const seconds = fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n });
    fc.assert(
      fc.property(seconds, (s) => {
        expect(evaluate('int(timestamp(string(timestamp(event.s))))', { s })).toBe(s);
        expect(evaluate('string(timestamp(event.s))', { s })).toBe(new Date(Number(s) * 1000).toISOString().replace('.000', ''));
      }),
    );
  });

  test('a map literal has each of its keys, whatever their names', () => {
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('constructor', '__proto__', 'toString', 'prototype', 'hasOwnProperty', 'length', '0'),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), (keys) => {
        const computed = evaluate(`{${keys.map((_, at) => `event.keys[${at}]: ${at}`).join(', ')}}`, { keys });
        const constant = evaluate(
          `{${keys.map((key, at) => `${JSON.stringify(key).replaceAll(/[\u2028\u2029]/g, '?')}: ${at}`).join(', ')}}`,
        );
        expect(Object.keys(computed as object).toSorted()).toEqual(keys.toSorted());
        expect(Object.keys(constant as object)).toHaveLength(new Set(keys).size);
        expect(Object.getPrototypeOf(constant)).toBe(Object.prototype);
      }),
    );
  });

  test('odd text is an expression or an ExpressionError, never another error', () => {
    const pieces = fc.constantFrom(
      ...'event . [ ] ( ) { } , : ? ! - + * % && || == in 1 1u 1.5 "a" \' b"x" x map all has null true // \n \\ ` 😀'.split(' '),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((parts) => parts.join(' ')),
        ),
        (text) => {
          try {
            compileExpression(text, 'key').evaluate({ event: { a: 1n } });
          } catch (error) {
            expect(error).toBeInstanceOf(ExpressionError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
