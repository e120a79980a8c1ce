import { describe, expect, test } from 'vitest';
import type { Headers, InputRecord, OutputHeaders } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import { deadLetterOf } from './dead-letter.ts';

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
      'sagafleet-original-topic': 'order_created', 'sagafleet-original-partition': '4', 'sagafleet-original-offset': '17',
      'sagafleet-original-timestamp': '1700000000000', 'sagafleet-first-failure': '2026-01-02T03:04:05.000Z',
      'sagafleet-group': 'default.payment', 'sagafleet-step': 'payment', 'sagafleet-attempt': '1', 'sagafleet-stage': 'handle',
      'sagafleet-error-class': 'permanent', 'sagafleet-error-message': 'handler returned "pad"',
      'sagafleet-replay-count': '0', 'sagafleet-schema-id': '7',
    });
  });

  test('keeps the headers it came with, in order, doubles and nulls too', () => {
    const own: Headers = [['b', Buffer.from('1')], ['a', null], ['b', Buffer.from('2')], ['0', Buffer.from('3')]];
    expect(textOf(failing(own).headers).slice(0, 4)).toEqual([['b', '1'], ['a', null], ['b', '2'], ['0', '3']]);
  });

  test('of a dead letter keeps the original position and first failure, and tells the last failure', () => {
    const again = Object.fromEntries(textOf(failing([
      ['sagafleet-original-topic', Buffer.from('first')], ['sagafleet-first-failure', Buffer.from('long ago')],
      ['sagafleet-stage', Buffer.from('decode')],
    ]).headers));
    expect(again).toMatchObject({
      'sagafleet-original-topic': 'first', 'sagafleet-first-failure': 'long ago', 'sagafleet-stage': 'handle',
    });
  });

  test('names the trace', () => {
    const traceparent = Buffer.from('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
    expect(Object.fromEntries(textOf(failing([['traceparent', traceparent]]).headers))['sagafleet-trace-id'])
      .toBe('4bf92f3577b34da6a3ce929d0e0e4736');
  });

  test('cuts a long message', () => {
    const error = new Error('x'.repeat(2_000));
    const { headers } = deadLetterOf(record(), { stage: 'encode', error, schemaId: null }, target, NOW);
    expect(headers.find(([name]) => name === 'sagafleet-error-message')?.[1]?.length).toBe(500);
  });
});
