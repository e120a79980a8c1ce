import { describe, expect, test } from 'vitest';
import { emitTo, settingsFor } from '../../../test/support/settings.ts';
import type { Headers, InputRecord } from '../driver.ts';
import { encode } from './encode.ts';
import { handle } from './handle.ts';
import { compileStep } from './program.ts';

const SETTINGS = settingsFor('payment', { brokers: [], registryUrl: '' });

function recordWith(changes: Partial<InputRecord> = {}): InputRecord {
  return {
    topic: 'in',
    partition: 2,
    offset: '7',
    timestamp: '1700000000000',
    key: Buffer.from('order-1'),
    value: Buffer.alloc(0),
    headers: [],
    ...changes,
  };
}

/** What the only emit of a step makes of a record; the value is the event as it was given to the codec. */
function emitted(record: InputRecord, emit: Parameters<typeof emitTo>[1] = {}, event: unknown = { id: 'order-1' }) {
  const program = compileStep({ ...SETTINGS, outcomes: { done: { emit: [emitTo('out', emit)], reject: null } } }, () => 0);
  const { emits, context } = handle(program, record, event);
  let value: unknown = 'not encoded';
  const output = encode(emits[0]!, record, context, {
    encodeValue: (_, written) => {
      value = written;
      return Buffer.from('encoded');
    },
    partitionFor: (_topic, key, inputPartition) => (key ? 100 : inputPartition),
  });
  return {
    output,
    value,
    headers: Object.fromEntries(
      [...output.constantHeaders, ...output.headers].map(([name, header]) => [
        name,
        Array.isArray(header) ? header.join('') : String(header),
      ]),
    ),
  };
}

const hops = (value: string): Headers => [['saga-hops', Buffer.from(value)]];

describe('handle', () => {
  const choosing = compileStep(
    {
      ...SETTINGS,
      handler: { kind: 'cel', outcome: 'event.to' },
      outcomes: { a: { emit: [emitTo('a')], reject: null }, b: { emit: [], reject: null } },
    },
    () => 0,
  );

  test('takes the emits of the outcome that the expression gives', () => {
    expect(handle(choosing, recordWith(), { to: 'a' }).emits.map(({ topic }) => topic)).toEqual(['a']);
    expect(handle(choosing, recordWith(), { to: 'b' }).emits).toEqual([]);
  });

  test("an outcome that is not declared is the record's fault and names those that are", () => {
    expect(() => handle(choosing, recordWith(), { to: 'c' })).toThrow(
      expect.objectContaining({ code: 'unknown-outcome', consequence: 'permanent' }),
    );
    expect(() => handle(choosing, recordWith(), { to: 'c' })).toThrow(/declares a, b/);
  });

  test('shows expressions the record and the id of its saga', () => {
    const record = recordWith({
      headers: [
        ['saga-id', Buffer.from('saga')],
        ['x', null],
        ['y', Buffer.from('1')],
        ['y', Buffer.from('2')],
      ],
    });
    expect(handle(choosing, record, { to: 'a' }).context).toMatchObject({
      record: { topic: 'in', partition: 2n, offset: 7n, timestamp: 1700000000000n, key: 'order-1', headers: { x: '', y: '2' } },
      saga: { id: 'saga' },
      step: { name: 'payment', namespace: 'default' },
    });
  });
});

describe('encode', () => {
  test('without expressions event and key stay as they came', () => {
    const { output, value } = emitted(recordWith());
    expect(output).toMatchObject({ topic: 'out', partition: 100, key: Buffer.from('order-1'), value: Buffer.from('encoded') });
    expect(value).toEqual({ id: 'order-1' });
  });

  test('the id follows from the input alone', () => {
    expect(emitted(recordWith()).headers['ce_id']).toBe('in/2/7/1700000000000/default.payment/done/0');
  });

  test('a tombstone stays one', () => {
    expect(emitted(recordWith({ value: null }), {}, null)).toMatchObject({ output: { value: null }, value: 'not encoded' });
  });

  test('the saga id is a header only where it is not the key', () => {
    expect(emitted(recordWith()).headers).not.toHaveProperty('saga-id');
    expect(emitted(recordWith(), { key: "'other'" }).headers).toMatchObject({ 'saga-id': 'order-1' });
    expect(emitted(recordWith({ key: null })).headers).not.toHaveProperty('saga-id');
  });

  test('a key expression may take the key away', () => {
    expect(emitted(recordWith(), { key: 'null' }).output).toMatchObject({ key: null, partition: 2 });
  });

  test('trace headers are passed on, others only where the step says so', () => {
    const record = recordWith({
      headers: [
        ['traceparent', Buffer.from('t')],
        ['tracestate', Buffer.from('s')],
        ['x', Buffer.from('1')],
      ],
    });
    const { headers } = emitted(record, { headers: { 'x-copy': 'record.headers.x', 'x-none': 'null' } });
    expect(headers).toMatchObject({ traceparent: 't', tracestate: 's', 'x-copy': '1' });
    expect(Object.keys(headers)).not.toContain('x');
    expect(Object.keys(headers)).not.toContain('x-none');
  });

  test('hops are counted, from anything that is no count anew, and end at the limit', () => {
    expect(emitted(recordWith()).headers['saga-hops']).toBe('1');
    expect(emitted(recordWith({ headers: hops('63') })).headers['saga-hops']).toBe('64');
    expect(emitted(recordWith({ headers: hops('-3') })).headers['saga-hops']).toBe('1');
    expect(emitted(recordWith({ headers: hops('many') })).headers['saga-hops']).toBe('1');
    expect(() => emitted(recordWith({ headers: hops('64') }))).toThrow(
      expect.objectContaining({ code: 'hops-exceeded', consequence: 'permanent' }),
    );
  });
});
