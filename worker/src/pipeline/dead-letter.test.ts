import { DEAD_LETTER_HEADERS } from '@sagafleet/schemas';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Headers, InputRecord, OutputHeaders, OutputRecord } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import { deadLetterOf, shapedTo } from './dead-letter.ts';
import type { LetterForm } from './size-limits.ts';

const target = { topic: 'default.payment.dlq', partitions: 3, group: 'default.payment', step: 'payment' };
const NOW = Date.parse('2026-01-02T03:04:05Z');

function record(headers: Headers = []): InputRecord {
  const key = Buffer.from('order-1');
  return { topic: 'order_created', partition: 4, offset: '17', timestamp: '1700000000000', key, value: Buffer.from([9, 9]), headers };
}

function failing(headers?: Headers) {
  const error = new WorkerError('unknown-outcome', 'permanent', 'handler returned "pad"');
  return deadLetterOf(record(headers), { stage: 'handle', error, schemaId: 7 }, target, NOW);
}

const textOf = (headers: OutputHeaders) => headers.map(([name, value]) => [name, value?.toString() ?? null]);

describe('dead letter', () => {
  test('carries key and value as they came, to the same partition where counts allow', () => {
    expect(failing()).toMatchObject({ topic: target.topic, partition: 1, key: Buffer.from('order-1'), value: Buffer.from([9, 9]) });
  });

  test('says what failed, where and why', () => {
    expect(Object.fromEntries(textOf(failing().headers))).toEqual({
      'sagafleet-original-topic': 'order_created',
      'sagafleet-original-partition': '4',
      'sagafleet-original-offset': '17',
      'sagafleet-original-timestamp': '1700000000000',
      'sagafleet-first-failure': '2026-01-02T03:04:05.000Z',
      'sagafleet-group': 'default.payment',
      'sagafleet-step': 'payment',
      'sagafleet-attempt': '1',
      'sagafleet-stage': 'handle',
      'sagafleet-error-class': 'permanent',
      'sagafleet-error-code': 'unknown-outcome',
      'sagafleet-error-message': 'handler returned "pad"',
      'sagafleet-replay-count': '0',
      'sagafleet-schema-id': '7',
    });
  });

  test('keeps the headers it came with, in order, doubles and nulls too', () => {
    const own: Headers = [
      ['b', Buffer.from('1')],
      ['a', null],
      ['b', Buffer.from('2')],
      ['0', Buffer.from('3')],
    ];
    expect(textOf(failing(own).headers).slice(0, 4)).toEqual([
      ['b', '1'],
      ['a', null],
      ['b', '2'],
      ['0', '3'],
    ]);
  });

  test('of a dead letter keeps the original position and first failure, and tells the last failure', () => {
    const again = Object.fromEntries(
      textOf(
        failing([
          ['sagafleet-original-topic', Buffer.from('first')],
          ['sagafleet-first-failure', Buffer.from('long ago')],
          ['sagafleet-stage', Buffer.from('decode')],
        ]).headers,
      ),
    );
    expect(again).toMatchObject({
      'sagafleet-original-topic': 'first',
      'sagafleet-first-failure': 'long ago',
      'sagafleet-stage': 'handle',
    });
  });

  describe('of a record that was a dead letter before names also the place of that record', () => {
    const before: Headers = ['original', 'source'].flatMap((which): Headers => [
      [`sagafleet-${which}-topic`, Buffer.from('order_created')],
      [`sagafleet-${which}-partition`, Buffer.from('4')],
      [`sagafleet-${which}-offset`, Buffer.from('3')],
    ]);
    test.each(['full', 'bare', 'stub', 'place'] as const)('in the form %s', (form) => {
      const input = record(before);
      const { headers } = shapedTo({ form, reason: '' }, failing(before), input).record;
      const names = headers.map(([name]) => name);
      expect(
        names.filter((name) => name.startsWith('sagafleet-source-')),
        'each once',
      ).toHaveLength(3);
      expect(Object.fromEntries(textOf(headers))).toMatchObject({
        'sagafleet-original-offset': '3',
        'sagafleet-source-topic': 'order_created',
        'sagafleet-source-partition': '4',
        'sagafleet-source-offset': '17',
      });
    });
  });

  test('names the trace', () => {
    const traceparent = Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
    expect(Object.fromEntries(textOf(failing([['traceparent', traceparent]]).headers))['sagafleet-trace-id']).toBe(
      '4bf92f3577b34da6a3ce929d0e0e4736',
    );
  });

  test('cuts a long message', () => {
    const error = new Error('x'.repeat(2_000));
    const { headers } = deadLetterOf(record(), { stage: 'encode', error, schemaId: null }, target, NOW);
    expect(headers.find(([name]) => name === 'sagafleet-error-message')?.[1]?.length).toBe(500);
  });
});

describe('a dead letter that its topic does not take', () => {
  const reason = 'topic default.payment.dlq takes no record of 3000000 bytes, compressed';
  function shaped(form: LetterForm, changes: Partial<InputRecord> = {}) {
    const input = {
      ...record([
        ['a', Buffer.from('1')],
        ['b', null],
      ]),
      ...changes,
    };
    const letter = deadLetterOf(input, { stage: 'decode', error: new Error('noise'), schemaId: null }, target, NOW);
    return shapedTo({ form, reason }, letter, input);
  }
  const sizeOf = ({ key, value, headers }: OutputRecord) =>
    [key, value, ...headers.flat()].reduce(
      (sum, part) => sum + (part === null ? 0 : Buffer.byteLength(Array.isArray(part) ? part.join('') : String(part))),
      0,
    );
  const big = Buffer.alloc(1_000_000, 'x');

  test('is as its record came, without our headers', () => {
    const { record: letter, stub } = shaped('bare');
    expect({ ...letter, headers: textOf(letter.headers), stub }).toMatchObject({
      key: Buffer.from('order-1'),
      value: Buffer.from([9, 9]),
      headers: [
        ['a', '1'],
        ['b', null],
      ],
      stub: null,
    });
  });

  test('is a stub with key and headers, but no value, that says so', () => {
    const { record: letter, stub } = shaped('stub');
    expect(stub).toBe(`${reason}; left out: value`);
    expect(letter).toMatchObject({ key: Buffer.from('order-1'), value: null });
    expect(textOf(letter.headers).slice(0, 2)).toEqual([
      ['a', '1'],
      ['b', null],
    ]);
    expect(Object.fromEntries(textOf(letter.headers))).toMatchObject({
      'sagafleet-original-offset': '17',
      'sagafleet-stage': 'decode',
      'sagafleet-error-message': 'noise',
      'sagafleet-stub': stub,
    });
  });

  test('is a stub that leaves out of key and headers what is large, and says so', () => {
    const headers: Headers = [
      ['first', Buffer.from('1')],
      ['large', big],
      ['last', Buffer.from('2')],
      ['sagafleet-original-topic', big],
    ];
    const { record: letter, stub } = shaped('stub', { key: big, headers });
    expect(stub).toBe(`${reason}; left out: value, key, 2 of 3 headers`);
    expect(letter.key).toBeNull();
    expect(textOf(letter.headers)[0]).toEqual(['first', '1']);
    expect(sizeOf(letter)).toBeLessThan(2_000);
  });

  test.each(['stub', 'place'] as const)('is of bounded size as a %s, whatever came in', (form) => {
    const names = [...Object.values(DEAD_LETTER_HEADERS), 'traceparent', 'x'];
    const hostile = fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(null, big, Buffer.alloc(1_500, 'ü-'))), { maxLength: 60 });
    fc.assert(
      fc.property(hostile, fc.constantFrom(null, big), (headers, key) => {
        const { record: letter } = shaped(form, { headers, key });
        expect(letter.value).toBeNull();
        expect(sizeOf(letter)).toBeLessThan(32 * 1024);
      }),
      { numRuns: 50 },
    );
  });

  test('names only its place at last, with a key that a compacted topic takes', () => {
    const { record: letter } = shaped('place', { key: null });
    expect(letter).toMatchObject({ key: Buffer.from('order_created/4/17'), value: null });
    expect(Object.fromEntries(textOf(letter.headers))).toEqual({
      'sagafleet-original-topic': 'order_created',
      'sagafleet-original-partition': '4',
      'sagafleet-original-offset': '17',
      'sagafleet-original-timestamp': '1700000000000',
      'sagafleet-group': 'default.payment',
      'sagafleet-stage': 'decode',
      'sagafleet-stub': `${reason}; left out: all but the place`,
    });
    expect(sizeOf(letter)).toBeLessThan(500);
  });
});

test('a batch that cannot be read is one stub that names its first and last offset', () => {
  const batch: InputRecord = {
    ...record(),
    key: null,
    value: null,
    unreadable: { lastOffset: '42', reason: 'more than 1048576 bytes when decompressed' },
  };
  const letter = deadLetterOf(batch, { stage: 'decode', error: new Error('too large'), schemaId: null }, target, NOW);
  const { record: stub } = shapedTo({ form: 'full', reason: '' }, letter, batch);
  expect(stub).toMatchObject({ key: null, value: null });
  expect(Object.fromEntries(textOf(stub.headers))).toMatchObject({
    'sagafleet-original-offset': '17',
    'sagafleet-original-last-offset': '42',
    'sagafleet-stage': 'decode',
    'sagafleet-stub': 'more than 1048576 bytes when decompressed',
  });
});
