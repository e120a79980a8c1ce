import { describe, expect, test } from 'vitest';
import { compileExpression } from './compile.ts';
import { ExpressionError } from './errors.ts';
import type { ExpressionKind } from './kinds.ts';

const NOW = 1_700_000_000_000;
const evaluate = (text: string, event: unknown, kind: ExpressionKind = 'event') =>
  compileExpression(text, kind, () => NOW).evaluate({ event });

function failure(action: () => unknown): ExpressionError {
  try {
    action();
  } catch (error) {
    if (error instanceof ExpressionError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('merge', () => {
  test('keeps the fields of the event and sets those of the patch', () => {
    const event = { orderId: 'o1', status: 'NEW', timestamp: 1n };
    expect(evaluate("merge(event, {'status': 'PAID', 'timestamp': now()})", event)).toEqual({
      orderId: 'o1',
      status: 'PAID',
      timestamp: BigInt(NOW),
    });
    expect(event.status).toBe('NEW');
  });

  test('never gives the patch alone, whatever kind of map the event is', () => {
    // An overload merge(dyn, map) did just that, silently.
    const fields = { orderId: 'o1', status: 'NEW' };
    class CodecRecord {
      orderId = 'o1';
      status = 'NEW';
    }
    Reflect.deleteProperty(CodecRecord.prototype, 'constructor');
    for (const event of [fields, Object.assign(Object.create(null), fields), new CodecRecord(), new Map(Object.entries(fields))]) {
      expect(evaluate("merge(event, {'status': 'PAID'})", event)).toEqual({ orderId: 'o1', status: 'PAID' });
      expect(evaluate("merge({'status': 'PAID'}, event)", event)).toEqual({ orderId: 'o1', status: 'NEW' });
    }
  });

  test('fails on what is no map', () => {
    expect(failure(() => evaluate("merge(event, {'a': 1})", null)).message).toBe('merge() takes two maps, event is null');
    expect(failure(() => evaluate("merge(event, {'a': 1})", 'text')).message).toBe('merge() takes two maps, event is string');
  });
});

describe('values of an event', () => {
  const event = {
    long: 9_223_372_036_854_775_806n,
    int: 41n,
    double: 1.5,
    none: null,
    flag: true,
    bytes: Buffer.from('abc'),
    nested: { list: [{ sku: 'a' }, { sku: 'b' }], map: { x: 1n } },
  };
  const cases: Record<string, [text: string, result: unknown]> = {
    'a long is exact': ['event.long + 1', 9_223_372_036_854_775_807n],
    'an int is an int': ['event.int + 1', 42n],
    'a double is a double': ['event.double * 2.0', 3],
    'null is null': ['event.none == null', true],
    'a bool is a bool': ['!event.flag', false],
    'bytes are bytes': ['event.bytes', Buffer.from('abc')],
    'a record in a list': ['event.nested.list[1].sku', 'b'],
    'a macro over records': ["event.nested.list.map(line, line.sku + '!')", ['a!', 'b!']],
    'an entry of a map': ["event.nested.map['x']", 1n],
    'a field that is there': ['has(event.int) && !has(event.other)', true],
  };
  test.each(Object.entries(cases))('%s', (_, [text, result]) => {
    expect(evaluate(`{'it': ${text}}`, event)).toEqual({ it: result });
  });
});

describe('a field may have any name', () => {
  const names = ['constructor', '__proto__', 'toString', 'prototype', 'hasOwnProperty', 'a b', 'ключ', 'in', ''];
  test.each(names)('"%s"', (name) => {
    const event = JSON.parse(`{${JSON.stringify(name)}: "mine", "deep": {${JSON.stringify(name)}: "too"}, "id": "1"}`);
    expect(evaluate(`event['${name}']`, event, 'key')).toBe('mine');
    expect(evaluate(`event.deep['${name}']`, event, 'key')).toBe('too');
    const merged = evaluate("merge(event, {'id': '2'})", event);
    expect(JSON.stringify(merged)).toBe(JSON.stringify({ ...event, id: '2' }));
  });
});

describe('nothing of JavaScript can be reached', () => {
  const texts = [
    'event.constructor',
    'event.__proto__',
    "event['__proto__']",
    'event.toString',
    'event.list.length',
    'event.list.constructor',
    'event.bytes.buffer',
    'event.text.constructor',
    "event['const' + 'ructor']",
    'timestamp(0).constructor',
    'timestamp(0).__proto__',
    'dyn(timestamp(0)).__proto__',
    "timestamp(0)['__pro' + 'to__']",
    'cel.constructor',
    'merge.constructor',
    'globalThis',
    'process',
  ];
  test.each(texts)('%s', (text) => {
    const event = { id: '1', list: [1n], bytes: Buffer.from('x'), text: 'x' };
    expect(failure(() => evaluate(text, event))).toBeInstanceOf(ExpressionError);
  });
});

describe('a failure on a record', () => {
  const cases: Record<string, [text: string, message: string, marked: string]> = {
    'names the field that is missing': ['event.customer.vip', 'no field "vip" in event.customer', 'vip'],
    'names the field below a null': ['event.none.vip', 'no field "vip" in event.none, which is null', 'vip'],
    'does not quote a key that comes from the event': [
      'event.customer[event.secret]',
      'no such key: event.customer[event.secret]',
      'event.customer[event.secret]',
    ],
    'does not quote a string that cannot be converted': [
      "bool(event.secret) ? 'a' : 'b'",
      'bool() cannot convert this string',
      'bool(event.secret)',
    ],
    'says which types do not go together': [
      'event.number + 1',
      'double + int does not exist, convert one side with double() or int()',
      'event.number + 1',
    ],
    'says which result was meant': ['event.number', 'the expression gives double, but must give the name of an outcome (string)', ''],
  };
  test.each(Object.entries(cases))('%s', (_, [text, message, marked]) => {
    const event = { customer: {}, none: null, secret: 'tell nobody', number: 1.5 };
    const error = failure(() => evaluate(text, event, 'outcome'));
    expect(error.message).toBe(message);
    expect(error.consequence).toBe('permanent');
    expect(error.range === null ? '' : text.slice(error.range.start, error.range.end)).toBe(marked);
  });
});

describe('a result becomes what its place needs', () => {
  test('an int is a key as decimal text', () => expect(evaluate('event.id', { id: 7n }, 'key')).toBe('7'));
  test('null is no key', () => expect(evaluate('null', {}, 'key')).toBeNull());
  test('bytes stay bytes', () => expect(evaluate("b'ab'", {}, 'header')).toEqual(new Uint8Array([97, 98])));
  test('a map is no key', () => expect(failure(() => evaluate('event', {}, 'key')).code).toBe('result-type'));
  test('null is no event', () => expect(failure(() => evaluate('event', null)).code).toBe('result-type'));
});

describe('an event holds what Avro has', () => {
  const cases: Record<string, [text: string, message: string]> = {
    'a uint': ['{"it": 1u}', 'an event cannot hold a value of type uint; convert it with int()'],
    'a timestamp in a list': [
      '{"it": [timestamp(0)]}',
      'an event cannot hold a value of type timestamp; convert it with string() or int()',
    ],
    'a duration': [
      "merge(event, {'it': {'of': duration('1s')}})",
      'an event cannot hold a value of type duration; convert it with string() or getSeconds()',
    ],
    'a type': ["{'it': type(event.a)}", 'an event cannot hold a value of type type; leave it out'],
    'a type by name': ["{'it': google.protobuf.Timestamp}", 'an event cannot hold a value of type type; leave it out'],
    'a map with other keys': [
      "{'it': {event.a: 'x'}}",
      'an event cannot hold a map whose keys are not strings; convert the keys with string()',
    ],
  };
  test.each(Object.entries(cases))('and not %s', (_, [text, message]) => {
    const error = failure(() => evaluate(text, { a: 1n }));
    expect(error.message).toBe(message);
    expect(error).toMatchObject({ code: 'result-type', consequence: 'permanent' });
  });

  test('though an expression may calculate with others', () => {
    const text = "{'it': string(timestamp(event.a) + duration('1h')), 'n': int(2u) + {event.a: 5}[1], 't': type(event.a) == int}";
    expect(evaluate(text, { a: 1n })).toEqual({ it: '1970-01-01T01:00:01Z', n: 7n, t: true });
    expect(evaluate("{event.k: 1, 'b': {event.k: 2}}", { k: 'constructor' })).toEqual({ constructor: 1n, b: { constructor: 2n } });
  });

  test('however deep', () => {
    let deep: object = {};
    for (let level = 0; level < 100_000; level++) deep = { deep };
    expect(evaluate("merge(event, {event.k: 'x'})", { k: 'a', deep })).toMatchObject({ a: 'x' });
  });
});

test('a mistake is found when compiling, before any record', () => {
  expect(failure(() => compileExpression('merge(evnt, {})', 'event')).message).toBe('unknown name "evnt", did you mean "event"?');
  expect(failure(() => compileExpression("'a' +", 'key')).code).toBe('syntax');
  expect(failure(() => compileExpression("event.code.matches('(') ? 'a' : 'b'", 'outcome')).code).toBe('type');
});

test('one compiled expression serves many records, also after a failed one', () => {
  const expression = compileExpression('event.a.b', 'key');
  expect(expression.evaluate({ event: { a: { b: 'x' } } })).toBe('x');
  expect(() => expression.evaluate({ event: {} })).toThrow(ExpressionError);
  expect(expression.evaluate({ event: { a: new Map([['b', 'y']]) } })).toBe('y');
});
