import { describe, expect, test } from 'vitest';
import { type CheckOptions, checkExpression } from './check.ts';

const address = { type: 'record', name: 'Address', fields: [{ name: 'city', type: 'string' }] };
const orderEvent = {
  type: 'record',
  name: 'OrderEvent',
  namespace: 'shop',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['NEW', 'PAID'] } },
    { name: 'price', type: 'double' },
    { name: 'quantity', type: 'int' },
    { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'address', type: ['null', address] },
    { name: 'delivery', type: 'Address' },
    { name: 'discount', type: ['null', 'int'] },
    { name: 'parent', type: ['null', 'OrderEvent'] },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'Line',
          fields: [
            { name: 'sku', type: 'string' },
            { name: 'count', type: 'int' },
          ],
        },
      },
    },
    { name: 'tags', type: { type: 'map', values: 'string' } },
  ],
};

type Options = Partial<CheckOptions>;
const check = (text: string, options: Options) => checkExpression(text, { kind: 'event', eventSchema: orderEvent, ...options });

const good: Record<string, [text: string, options: Options, resultType: string]> = {
  'the event itself': ['event', {}, 'record shop.OrderEvent'],
  'a merge of record and map': ["merge(event, {'status': 'PAID', 'timestamp': now()})", {}, 'map<string, dyn>'],
  'a merge or the event': ["event.price > 1.0 ? merge(event, {'status': 'PAID'}) : event", {}, 'dyn'],
  'a field of a merge': ["merge(event, {'a': 1}).a", { kind: 'key' }, 'dyn'],
  'int and int': ['string(event.quantity + 1)', { kind: 'key' }, 'string'],
  'numbers that are converted': [
    "{'n': double(event.quantity) * event.price + double(event.discount), 'i': int(event.price) + event.quantity}",
    {},
    'map<string, dyn>',
  ],
  'numbers of which one is not known': [
    "{'n': event.tags.size() + 1, 'm': event.parent.parent.quantity + 1, 'x': dyn(1.5) + event.quantity}",
    {},
    'map<string, int>',
  ],
  'an int for a double that is written': ["merge(event, {'price': event.quantity})", { resultSchema: orderEvent }, 'map<string, dyn>'],
  'a comparison of double and int': ["event.price > 100 ? 'a' : 'b'", { kind: 'outcome', outcomes: ['a', 'b'] }, 'string'],
  'a field of a nullable record': ['event.address.city', { kind: 'key' }, 'dyn'],
  'a nullable record and null': ["event.address == null ? 'none' : event.address.city", { kind: 'key' }, 'string'],
  'null and a nullable field': ["null == event.discount ? 'none' : 'some'", { kind: 'key' }, 'string'],
  'a record that holds itself': ['event.parent.parent.orderId', { kind: 'key' }, 'dyn'],
  'a named type used again': ['event.delivery.city', { kind: 'key' }, 'string'],
  'a record in a list': ['event.lines[0].sku', { kind: 'key' }, 'string'],
  'a macro over a list': ["event.lines.exists(line, line.sku == 'a') ? 'x' : 'y'", { kind: 'key' }, 'string'],
  'a variable of a macro that hides event': ["event.lines.exists(event, event.sku == 'a') ? 'x' : 'y'", { kind: 'key' }, 'string'],
  'any entry of a map': ["event.tags.colour + event.tags['size']", { kind: 'key' }, 'string'],
  'a decimal, whose form the codec chooses': ["event.amount == '1.00' ? 'x' : 'y'", { kind: 'key' }, 'string'],
  'where the record came from': ["record.topic + '/' + string(record.offset) + saga.id + step.name", { kind: 'header' }, 'string'],
  'null for a key': ['null', { kind: 'key' }, 'null'],
  'an event whose schema is unknown': ['event.what.ever', { kind: 'event', eventSchema: undefined }, 'dyn'],
  'the answer of a handler': ["response.status == 200 ? 'a' : 'b'", { kind: 'httpOutcome', outcomes: ['a', 'b'] }, 'string'],
  'the result of a handler': ['merge(event, result)', { handlerAnswers: true }, 'map<string, dyn>'],
  'fields that the written schema has': [
    "merge({'orderId': 'x'}, {'status': event.tags['x']})",
    { resultSchema: orderEvent },
    'map<string, dyn>',
  ],
  'headers of a request': ["headers['x-tenant'] + event.orderId", { kind: 'ingressKey' }, 'string'],
};

const bad: Record<string, [text: string, options: Options, message: string, marked: string]> = {
  'an unknown field, with the nearest known one': [
    'event.statsu',
    { kind: 'key' },
    'no field "statsu" in shop.OrderEvent, did you mean "status"?',
    'statsu',
  ],
  'an unknown field of a nullable record': [
    'event.address.cty',
    { kind: 'key' },
    'no field "cty" in shop.Address, did you mean "city"?',
    'cty',
  ],
  'an unknown field asked for by has()': [
    "has(event.statsu) ? 'x' : 'y'",
    { kind: 'key' },
    'no field "statsu" in shop.OrderEvent, did you mean "status"?',
    'statsu',
  ],
  'an unknown field in a macro': [
    "event.lines.exists(line, line.skku == 'a') ? 'x' : 'y'",
    { kind: 'key' },
    'no field "skku" in shop.Line, did you mean "sku"?',
    'skku',
  ],
  'an unknown field of the record': ['record.ofset', { kind: 'key' }, 'no field "ofset" in record, did you mean "offset"?', 'ofset'],
  'double and int': [
    "merge(event, {'price': event.price + 1})",
    {},
    'double + int does not exist, convert one side with double() or int()',
    'event.price + 1',
  ],
  // marcbachmann/cel-js#24, cel-expr/cel-java#1058
  'int and double': [
    '{"all": event.quantity * event.price}',
    {},
    'int * double does not exist, convert one side with double() or int()',
    'event.quantity * event.price',
  ],
  'a number that may be null, and a double': [
    "{'n': event.discount == null ? 0.0 : event.discount * 1.5}",
    {},
    'int * double does not exist, convert one side with double() or int()',
    'event.discount * 1.5',
  ],
  'numbers below a condition, a sign and parentheses': [
    "{'n': -(event.price > 1 ? 1.0 : 2.0) + (event.quantity - 1)}",
    {},
    'double + int does not exist, convert one side with double() or int()',
    '-(event.price > 1 ? 1.0 : 2.0) + (event.quantity - 1',
  ],
  'numbers in a list': [
    "{'n': [event.quantity, size(event.tags) / 2.0]}",
    {},
    'int / double does not exist, convert one side with double() or int()',
    'size(event.tags) / 2.0',
  ],
  'the time and a double': [
    "{'n': now() + 0.5}",
    {},
    'int + double does not exist, convert one side with double() or int()',
    'now() + 0.5',
  ],
  'numbers of a record in a list': [
    "event.lines.exists(line, line.count % 2.0 == 0.0) ? 'x' : 'y'",
    { kind: 'key' },
    'int % double does not exist, convert one side with double() or int()',
    'line.count % 2.0',
  ],
  'two kinds of numbers to choose from': [
    "{'n': event.quantity > 1 ? 1 : 1.5}",
    {},
    "ternary branches must have the same type, got 'int' and 'double': wrap one in dyn()",
    'event.quantity > 1 ? 1 : 1.5',
  ],
  'a double for an integer that is written': [
    "merge(event, {'quantity': event.price * 2.0})",
    { resultSchema: orderEvent },
    'field "quantity" of output schema shop.OrderEvent is an integer, this is a double: convert it with int()',
    'event.price * 2.0',
  ],
  'a double for an integer or null that is written': [
    "merge(event, {'discount': 0.5})",
    { resultSchema: orderEvent },
    'field "discount" of output schema shop.OrderEvent is an integer, this is a double: convert it with int()',
    '0.5',
  ],
  'a text that is merged': ["merge('x', event)", {}, 'merge() takes two maps, this is string', "'x'"],
  'an unknown variable': ['merge(evnt, {})', {}, 'unknown name "evnt", did you mean "event"?', 'evnt'],
  'a key of a map without quotes': [
    "merge(event, {status: 'PAID'})",
    {},
    'unknown name "status": a key of a map is quoted, \'status\'',
    'status',
  ],
  'an unknown function': ['mrge(event, {})', {}, 'unknown function "mrge", did you mean "merge"?', 'mrge(event, {})'],
  'a function with too few arguments': [
    'merge(event)',
    {},
    'merge(record shop.OrderEvent) does not exist: merge() takes other types or another number of arguments',
    'merge(event)',
  ],
  'an unfinished text': ["'a' +", { kind: 'key' }, 'unexpected token: end of the expression', ''],
  'a missing parenthesis': ["merge(event, {'a': 1}", {}, 'expected ")", got end of the expression', ''],
  'an outcome that is not declared': [
    "event.price > 1.0 ? 'paid' : 'declind'",
    { kind: 'outcome', outcomes: ['paid', 'declined'] },
    'no outcome "declind", did you mean "declined"?',
    "'declind'",
  ],
  'an outcome that is near to none': [
    "'x'",
    { kind: 'outcome', outcomes: ['paid', 'declined'] },
    'no outcome "x", declared are "paid", "declined"',
    "'x'",
  ],
  'a number for an outcome': [
    'event.quantity',
    { kind: 'outcome' },
    'the expression gives int, but must give the name of an outcome (string)',
    'event.quantity',
  ],
  'a map or a record': [
    "event.price > 1.0 ? {'a': 1} : event",
    {},
    "ternary branches must have the same type, got 'map<string, int>' and 'record shop.OrderEvent': wrap one in dyn()",
    "event.price > 1.0 ? {'a': 1} : event",
  ],
  'a merge for a key': [
    'merge(event, event)',
    { kind: 'key' },
    'the expression gives map<string, dyn>, but must give a key (string, int, bytes or null)',
    'merge(event, event)',
  ],
  'a timestamp for a field of an event': [
    "merge(event, {'timestamp': timestamp(event.timestamp / 1000)})",
    {},
    'an event cannot hold a value of type timestamp; convert it with string() or int()',
    'timestamp(event.timestamp / 1000)',
  ],
  'a text for an event': ["'PAID'", {}, 'the expression gives string, but must give an event (map)', "'PAID'"],
  'a list for a key': ['[1]', { kind: 'key' }, 'the expression gives list<int>, but must give a key (string, int, bytes or null)', '[1]'],
  'the result of a handler that gives none': ['result', {}, 'unknown name "result"', 'result'],
  'the headers of a request outside an ingress': ["headers['a']", { kind: 'key' }, 'unknown name "headers"', 'headers'],
  'a field that the written schema lacks': [
    "event.price > 1.0 ? merge(event, {'status': 'PAID', 'statsu': 'x'}) : event",
    { resultSchema: orderEvent },
    'output schema shop.OrderEvent has no field "statsu", did you mean "status"?',
    "'statsu'",
  ],
};

describe('a check accepts', () => {
  test.each(Object.entries(good))('%s', (_, [text, options, resultType]) => {
    expect(check(text, options)).toEqual({ ok: true, resultType });
  });
});

describe('a check refuses and points to', () => {
  test.each(Object.entries(bad))('%s', (_, [text, options, message, marked]) => {
    const result = check(text, options);
    expect(result).toMatchObject({ ok: false, message });
    if (!result.ok) expect(text.slice(result.range.start, result.range.end)).toBe(marked);
  });
});

test('names that mean something to CEL may be names of Avro records', () => {
  for (const name of ['string', 'T', 'list', 'record']) {
    const eventSchema = { type: 'record', name, fields: [{ name: 'id', type: 'string' }] };
    expect(checkExpression("merge(event, {'id': event.id})", { kind: 'event', eventSchema })).toMatchObject({ ok: true });
    expect(checkExpression('event.ip', { kind: 'key', eventSchema })).toMatchObject({
      message: `no field "ip" in ${name}, did you mean "id"?`,
    });
  }
});

test('a schema that is not well-formed leaves fields unchecked', () => {
  for (const eventSchema of [null, 7, {}, { type: 'record', name: 'X' }, { type: 'map', values: [] }]) {
    expect(checkExpression("'x'", { kind: 'key', eventSchema })).toMatchObject({ ok: true });
  }
});
