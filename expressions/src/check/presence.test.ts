/** Expressions over fields that may be null, with a schema and without. */
import { describe, expect, test } from 'vitest';
import { type CheckOptions, checkExpression } from '../check.ts';
import { compileExpression } from '../compile.ts';

const line = {
  type: 'record',
  name: 'Line',
  fields: [
    { name: 'note', type: ['null', 'string'] },
    { name: 'sku', type: 'string' },
  ],
};
const eventSchema = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'n', type: ['null', 'int'] },
    { name: 'd', type: ['double', 'null'] },
    { name: 's', type: ['null', 'string'] },
    { name: 'b', type: ['null', 'boolean'] },
    { name: 'tags', type: ['null', { type: 'map', values: 'string' }] },
    { name: 'lines', type: ['null', { type: 'array', items: line }] },
    { name: 'first', type: ['null', 'Line'] },
    { name: 'either', type: ['null', 'int', 'string'] },
    { name: 'order-id', type: ['null', 'int'] },
  ],
};

const check = (text: string, options: Partial<CheckOptions> = {}) => checkExpression(text, { kind: 'event', eventSchema, ...options });
const inEvent = (text: string) => check(`{'it': ${text}}`);

describe('a check accepts', () => {
  const cases: Record<string, string> = {
    'a default': 'event.n == null ? 0 : event.n + 1',
    'a default, the other way': 'event.n != null ? event.n + 1 : 0',
    'null on the left': 'null == event.s ? "" : event.s + "!"',
    'a negated condition': '!(event.n == null) ? event.n * 2 : 0',
    'a condition before': 'event.n != null && event.n > 5',
    'a condition behind': 'event.n > 5 && event.n != null',
    'several conditions': 'event.n != null && event.d != null && event.n > 5 && event.d > 1.0',
    'null or a condition': 'event.n == null || event.n > 5',
    'conditions within a condition': '(event.n != null && event.s != null) ? event.s + string(event.n + 1) : ""',
    'none of two': '(event.n == null || event.s == null) ? "" : event.s + string(event.n + 1)',
    'a field by its key': "event['n'] != null && event.n > 1 && event['n'] > 1",
    'a name that is quoted': 'event.`order-id` != null && event.`order-id` > 1',
    'a field of a record that is there': 'event.first != null && event.first.note != null && event.first.note.size() > 1',
    'items that are there': 'event.lines != null && event.lines.exists(l, l.note != null && l.note.contains("x"))',
    'items for which a condition holds': 'event.lines == null ? [] : event.lines.map(l, l.note != null, l.note + "!")',
    'equality, as null equals null alone': 'event.n == 5 || event.s != "x" || event.d == null || event.n == event.d',
    'a conversion, which demands a value': 'int(event.n) + 1 + int(string(event.s))',
    'a union of several types': 'event.either != null',
    'the value as it is': 'event.n',
    'null or a value': 'event.id == "" ? null : event.id',
    'an item of a list': 'event.n in [1, 2]',
    'has() of a record that is there': 'event.first != null && has(event.first.sku)',
  };
  test.each(Object.entries(cases))('%s', (_, text) => {
    expect(inEvent(text)).toMatchObject({ ok: true });
  });
});

const ADVICE: Record<string, string> = { n: '0', d: '0.0', s: "''", b: 'false', tags: '{}', lines: '[]' };

describe('a check refuses', () => {
  const cases: Record<string, [text: string, field: string, taker: string]> = {
    'a sum': ['event.n + 1', 'n', '+'],
    'a sum, on the right': ['1.0 + event.d', 'd', '+'],
    'a sign': ['-event.n', 'n', '-'],
    'strings one after the other': ['"x" + event.s', 's', '+'],
    'an order': ['event.n > 5', 'n', '>'],
    'an order, on the right': ['5 <= event.n', 'n', '<='],
    'a condition': ['event.b ? 1 : 2', 'b', '?'],
    'a negation': ['!event.b', 'b', '!'],
    'an operand of a condition': ['event.b && true', 'b', '&&'],
    'a function': ['size(event.s)', 's', 'size()'],
    'a method': ['event.s.startsWith("x")', 's', 'startsWith()'],
    'an argument': ['"x".startsWith(event.s)', 's', 'startsWith()'],
    'a key within': ['"x" in event.tags', 'tags', 'in'],
    'a macro': ['event.lines.exists(l, l.sku == "x")', 'lines', 'exists()'],
    'a sum in the wrong branch': ['event.n == null ? event.n + 1 : 0', 'n', '+'],
    'a sum behind another field': ['event.d != null ? event.n + 1 : 0', 'n', '+'],
    'a sum that a condition does not guard': ['(event.n != null || event.b == true) ? event.n + 1 : 0', 'n', '+'],
    'a sum behind the condition': ['(event.n != null ? 1 : 0) + event.n', 'n', '+'],
    'the same name in a macro': ['event.n != null && [event].all(event, event.n > 1)', 'n', '>'],
  };
  test.each(Object.entries(cases))('%s', (_, [text, field, taker]) => {
    const path = `event.${field}`;
    expect(inEvent(text)).toMatchObject({
      ok: false,
      message: `${path} may be null, which ${taker} does not take; write (${path} == null ? ${ADVICE[field]} : ${path}), or check ${path} != null first`,
    });
  });

  test('what it advises is accepted', () => {
    for (const [field, substitute] of Object.entries(ADVICE)) {
      expect(inEvent(`(event.${field} == null ? ${substitute} : event.${field}) == ${substitute}`)).toMatchObject({ ok: true });
    }
  });

  test('has() of a field that may be null: it is there, whatever its value', () => {
    expect(inEvent('has(event.n) ? 1 : 2')).toMatchObject({
      message: 'has(event.n) is true also where event.n is null; write event.n != null',
    });
    expect(inEvent('has(event.first.sku)')).toMatchObject({
      message: 'event.first may be null, of which has() fails; check event.first != null first',
    });
    expect(inEvent('event.lines == null ? [] : event.lines.map(l, has(l.note))')).toMatchObject({
      message: 'has(l.note) is true also where l.note is null; write l.note != null',
    });
  });

  test('a record that may be null where a map is merged', () => {
    expect(check("merge(event.first, {'sku': 'x'})")).toMatchObject({
      message: 'event.first may be null, which merge() does not take; check event.first != null first',
    });
  });

  test('a result that may be null where it must not', () => {
    expect(check('event.s', { kind: 'outcome' })).toMatchObject({ ok: false });
    expect(check('event.s', { kind: 'ingressKey' })).toMatchObject({ ok: false });
    expect(check('event.s', { kind: 'key' })).toMatchObject({ ok: true });
    expect(check("event.s == null ? 'x' : event.s", { kind: 'outcome' })).toMatchObject({ ok: true });
  });

  test('null for a field of the output that has no null', () => {
    const options = { resultSchema: eventSchema };
    for (const text of ['event.s', 'null', "event.id == '' ? null : event.id"]) {
      expect(check(`merge(event, {'id': ${text}})`, options)).toMatchObject({ ok: false });
      expect(check(`merge(event, {'s': ${text}})`, options)).toMatchObject({ ok: true });
    }
    expect(check("merge(event, {'id': event.s == null ? 'x' : event.s})", options)).toMatchObject({ ok: true });
  });
});

describe('without a schema, null on a record', () => {
  const cases: Record<string, [text: string, message: string]> = {
    'in a sum': ['event.n + 1', 'null + int does not exist: event.n is null, so check event.n != null first'],
    'in a string': ["'x' + event.n", 'string + null does not exist: event.n is null, so check event.n != null first'],
    'in an order': ['event.n > 5', 'null > int does not exist: event.n is null, so check event.n != null first'],
    'in a sign': ['-event.n', '-null does not exist: event.n is null, so check event.n != null first'],
    'in a condition': ['event.n ? 1 : 2', '? takes bool, event.n is null'],
    'in a function': ['size(event.n)', 'size(null) does not exist: event.n is null, so check event.n != null first'],
    'in a conversion': ['int(event.n)', 'int(null) does not exist: event.n is null, so check event.n != null first'],
    'in a macro': ['event.n.all(x, true)', 'all() takes a list or a map, event.n is null'],
    'below a field': ['event.n.x', 'no field "x" in event.n, which is null'],
    'below has()': ['has(event.n.x)', 'has() takes a field of a map; event.n is null, so check event.n != null first'],
    'below an index': ["event.n['x']", 'event.n is null, of which [] gives nothing; it takes a list or a map'],
  };
  test.each(Object.entries(cases))('%s is a failure that names the field', (_, [text, message]) => {
    const { evaluate } = compileExpression(`{'it': ${text}}`, 'event');
    expect(() => evaluate({ event: { n: null } })).toThrow(expect.objectContaining({ message, consequence: 'permanent' }) as Error);
  });

  test('is equal to null alone', () => {
    const { evaluate } = compileExpression("{'it': [event.n == null, event.n == 5, event.n != 5, has(event.n), has(event.m)]}", 'event');
    expect(evaluate({ event: { n: null } })).toEqual({ it: [true, false, true, true, false] });
  });
});
