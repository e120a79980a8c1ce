import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { encodeRecord } from './null-headers.ts';

interface Decoded { key: Buffer | null; value: Buffer | null; headers: object; offset: string; timestamp: string }
type Encode = (record: object) => { buffer: Buffer };
type Decode = (decoder: { readVarInt(): number }, batch: object) => Decoded;
type DecoderClass = new (buffer: Buffer) => { readVarInt(): number };

function published() {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { internals } = copy;
  const Decoder = internals.load('protocol/decoder') as DecoderClass;
  const decode = internals.load('protocol/recordBatch/record/v0/decoder') as Decode;
  return {
    encode: internals.load('protocol/recordBatch/record/v0/index') as Encode,
    decode: (record: Buffer) => {
      const decoder = new Decoder(record);
      decoder.readVarInt();
      return decode(decoder, { firstOffset: '100', firstTimestamp: '1000', magicByte: 2 });
    },
  };
}

const NULL_HEADER = { key: Buffer.from('k'), value: null, headers: { trace: null, tags: ['a', null] } };

test('kafkajs as published can not send a header without a value', () => {
  expect(() => published().encode(NULL_HEADER)).toThrow(TypeError);
});

test('a header without a value comes back as one', () => {
  const { headers, key, value } = published().decode(encodeRecord(NULL_HEADER).buffer);
  expect(headers).toEqual({ trace: null, tags: [Buffer.from('a'), null] });
  expect({ key, value }).toEqual({ key: Buffer.from('k'), value: null });
});

test('headers given as pairs stand in their order', () => {
  const { buffer } = encodeRecord({ headers: [['b', 'x'], ['a', 'y'], ['b', 'z']] });
  expect(published().decode(buffer).headers).toEqual({ b: [Buffer.from('x'), Buffer.from('z')], a: Buffer.from('y') });
});

const bytes = fc.option(fc.oneof(fc.uint8Array({ maxLength: 300 }).map((some) => Buffer.from(some)), fc.string({ unit: 'binary' })));
const headerValue = fc.oneof(fc.string(), fc.uint8Array().map((some) => Buffer.from(some)));
const record = fc.record({
  offsetDelta: fc.nat(),
  timestampDelta: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
  key: bytes,
  value: bytes,
  headers: fc.dictionary(fc.string({ minLength: 1 }), fc.oneof(headerValue, fc.array(headerValue, { minLength: 1 }))),
});

test('any other record is the bytes that kafkajs writes', () => {
  const { encode } = published();
  fc.assert(fc.property(record, (one) => encodeRecord(one).buffer.equals(encode(one).buffer)));
});
