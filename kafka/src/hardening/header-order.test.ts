import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { type DecodedRecord, headerOrder, type HeaderPair } from './header-order.ts';
import { encodeRecord } from './null-headers.ts';
import type { Override } from './override.ts';

type DecoderClass = new (buffer: Buffer) => { readVarInt(): number };
type Decode = (decoder: object, batch: object) => DecodedRecord;

const BATCH = { firstOffset: '9007199254740990', firstTimestamp: '1700000000000', magicByte: 2, isControlBatch: false, timestampType: 0, maxTimestamp: '1700000000999' };

function decode(fields: object, batch: object, ...overrides: Override[]): DecodedRecord {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  const Decoder = copy.internals.load('protocol/decoder') as DecoderClass;
  const decoder = new Decoder(encodeRecord(fields).buffer);
  decoder.readVarInt();
  return (copy.internals.load('protocol/recordBatch/record/v0/decoder') as Decode)(decoder, { ...BATCH, ...batch });
}

const HEADERS: HeaderPair[] = [['b', Buffer.from('1')], ['7', Buffer.from('2')], ['a', null], ['b', Buffer.from('3')]];

test('kafkajs as published moves headers', () => {
  expect(Object.keys(decode({ headers: HEADERS }, {}).headers)).toEqual(['7', 'b', 'a']);
});

test('headers stand as they were written', () => {
  expect(decode({ headers: HEADERS }, {}, headerOrder).headerPairs).toEqual(HEADERS);
});

test('headers as an object are those of kafkajs', () => {
  const ours = decode({ headers: HEADERS }, {}, headerOrder).headers;
  expect({ ...ours }).toEqual(decode({ headers: HEADERS }, {}).headers);
});

test('a header may be named like a method of objects', () => {
  const { headers } = decode({ headers: [['constructor', 'x'], ['toString', 'y']] }, {}, headerOrder);
  expect({ ...headers }).toEqual({ constructor: Buffer.from('x'), toString: Buffer.from('y') });
});

const RECORDS: Record<string, [fields: object, batch: object]> = {
  'key, value, offset and time': [{ key: 'k', value: 'v', offsetDelta: 1, timestampDelta: 5 }, {}],
  'no key and no value': [{ key: null, value: null }, {}],
  'an offset beyond what a double holds': [{ offsetDelta: 7 }, {}],
  'a time before the first of its batch': [{ timestampDelta: -5 }, {}],
  'the time at which the broker appended it': [{ timestampDelta: 5 }, { timestampType: 1 }],
  'a control record': [{}, { isControlBatch: true }],
};

test.each(Object.entries(RECORDS))('everything else is as kafkajs reads it: %s', (_sentence, [fields, batch]) => {
  const { headers: _headers, ...stock } = decode(fields, batch);
  expect(decode(fields, batch, headerOrder)).toMatchObject(stock);
});
