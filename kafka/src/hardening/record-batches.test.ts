import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import type { FetchedRecord, HeaderPair } from '../fetched-record.ts';
import { fetchedBatches } from './fetched-batches.ts';
import { encodeRecord } from './null-headers.ts';
import type { Internals, Override } from './override.ts';
import { recordBatches } from './record-batches.ts';

type DecoderClass = new (bytes: Buffer) => object;
type DecodeMessages = (decoder: object) => Promise<FetchedRecord[]>;
type BatchClass = new (topic: string, offset: string, data: object) => { messages: FetchedRecord[]; lastOffset(): string; firstOffset(): string };

const NOW = 1_700_000_000_000n;

interface BatchFields { firstOffset?: bigint; attributes?: number; lastOffsetDelta?: number; records?: readonly object[]; maxTimestamp?: bigint }

/** A record batch as a broker stores it. */
function batchOf({ firstOffset = 40n, attributes = 0, lastOffsetDelta, records = [], maxTimestamp = NOW + 999n }: BatchFields): Buffer {
  const encoded = Buffer.concat(records.map((record, at) => encodeRecord({ offsetDelta: at, ...record }).buffer));
  const body = attributes & 1 ? gzipSync(encoded) : encoded;
  const head = Buffer.alloc(61);
  head.writeBigInt64BE(firstOffset, 0);
  head.writeInt32BE(head.length - 12 + body.length, 8);
  head[16] = 2;
  head.writeInt16BE(attributes, 21);
  head.writeInt32BE(lastOffsetDelta ?? records.length - 1, 23);
  head.writeBigInt64BE(NOW, 27);
  head.writeBigInt64BE(maxTimestamp, 35);
  head.writeBigInt64BE(7n, 43);
  head.writeInt32BE(records.length, 57);
  return Buffer.concat([head, body]);
}

function copyOf(...overrides: Override[]): Internals {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  return copy.internals;
}

async function decode(internals: Internals, ...batches: Buffer[]): Promise<FetchedRecord[]> {
  const Decoder = internals.load('protocol/decoder') as DecoderClass;
  const bytes = Buffer.concat(batches);
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return (internals.load('protocol/requests/fetch/v4/decodeMessages') as DecodeMessages)(new Decoder(Buffer.concat([size, bytes])));
}

const HEADERS: HeaderPair[] = [['b', Buffer.from('1')], ['7', Buffer.from('2')], ['a', null], ['b', Buffer.from('3')]];

describe('headers', () => {
  test('kafkajs as published moves them', async () => {
    const [record] = await decode(copyOf(), batchOf({ records: [{ headers: HEADERS }] }));
    expect(Object.keys(record!.headers)).toEqual(['7', 'b', 'a']);
  });

  test('stand as they were written', async () => {
    const [record] = await decode(copyOf(recordBatches), batchOf({ records: [{ headers: HEADERS }] }));
    expect(record!.headers).toEqual(HEADERS);
  });

  test('may be named like a method of objects', async () => {
    const [record] = await decode(copyOf(recordBatches), batchOf({ records: [{ headers: [['constructor', 'x'], ['', 'y']] }] }));
    expect(record!.headers).toEqual([['constructor', Buffer.from('x')], ['', Buffer.from('y')]]);
  });
});

const BATCHES: Record<string, BatchFields> = {
  'keys, values, offsets and times': { records: [{ key: 'k', value: 'v', timestampDelta: 5 }, { key: 'l', value: Buffer.alloc(500, 7) }] },
  'no key and no value': { records: [{ key: null, value: null }, { key: Buffer.alloc(0), value: Buffer.alloc(0) }] },
  'an offset beyond what a double holds': { firstOffset: 9_007_199_254_740_990n, lastOffsetDelta: 7, records: [{}, { offsetDelta: 7 }] },
  'a time before the first of its batch': { records: [{ timestampDelta: -5 }] },
  'a time far from the first of its batch': { records: [{ timestampDelta: 2 ** 40 }] },
  'the time at which the broker appended it': { attributes: 0x08, records: [{ timestampDelta: 5 }] },
  'a record of a transaction': { attributes: 0x10, records: [{ value: 'v' }] },
  'a control record': { attributes: 0x30, records: [{ key: Buffer.alloc(4), value: Buffer.alloc(6) }] },
  'compressed records': { attributes: 0x01, records: [{ value: 'v' }, { value: 'w' }] },
};

test.each(Object.entries(BATCHES))('everything else is as kafkajs reads it: %s', async (_sentence, fields) => {
  const parts = ({ offset, timestamp, key, value, isControlRecord, batchContext: { producerId, inTransaction } }: FetchedRecord) =>
    ({ offset, timestamp, key, value, isControlRecord, producerId, inTransaction });
  const bytes = [batchOf(fields), batchOf({ ...fields, firstOffset: 9_007_199_254_741_000n })];
  const ours = await decode(copyOf(recordBatches), ...bytes);
  expect(ours).toHaveLength(2 * fields.records!.length);
  expect(ours.map(parts)).toEqual((await decode(copyOf(), ...bytes)).map(parts));
});

test('the last batch may be cut', async () => {
  const whole = batchOf({ records: [{ value: 'v' }] });
  for (const length of [whole.length - 1, 61, 20]) {
    const records = await decode(copyOf(recordBatches), whole, batchOf({ records: [{ value: 'w' }] }).subarray(0, length));
    expect(records.map(({ value }) => String(value))).toEqual(['v']);
  }
});

const MANY = 300_000;

test('kafkajs as published can not read a batch of very many records', async () => {
  const batch = batchOf({ records: Array.from({ length: MANY }, () => ({ value: '' })) });
  await expect(decode(copyOf(), batch)).rejects.toThrow(RangeError);
});

test('a batch may hold very many records', async () => {
  const batch = batchOf({ records: Array.from({ length: MANY }, () => ({ value: '' })) });
  expect(await decode(copyOf(recordBatches), batch)).toHaveLength(MANY);
});

/** What a fetch from offset 40 gets: a batch of the offsets 40 to 49, of which compaction left these. */
async function fetchCompacted(internals: Internals, ...left: number[]) {
  const messages = await decode(internals, batchOf({ firstOffset: 40n, lastOffsetDelta: 9, records: left.map((offsetDelta) => ({ offsetDelta })) }));
  const Batch = internals.load('consumer/batch') as BatchClass;
  return new Batch('topic', '40', { partition: 0, highWatermark: '1000', messages });
}

test.each([[[]], [[0, 3]]])('kafkajs as published does not see where a compacted batch ends (%#)', async (left) => {
  expect((await fetchCompacted(copyOf(), ...left)).lastOffset()).not.toBe('49');
});

describe.each([[[recordBatches]], [[recordBatches, fetchedBatches]]])('compaction (%#)', (overrides) => {
  test.each([[[]], [[0, 3]], [[9]]])('the position moves past the batch, and what is left is shown (%#)', async (left) => {
    const batch = await fetchCompacted(copyOf(...overrides), ...left);
    expect(batch.lastOffset()).toBe('49');
    expect(batch.messages.map(({ offset }) => offset)).toEqual(left.map((delta) => String(40 + delta)));
  });
});
