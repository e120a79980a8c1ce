import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FetchedRecord } from '../fetched-record.ts';
import '../kafkajs.ts';
import { RecordBatchBuilder, type RecordToWrite } from './record-batch.ts';

const require = createRequire(import.meta.url);
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder') as (decoder: object) => Promise<Record<string, unknown>>;
const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (decoder: object) => Promise<FetchedRecord[]>;

const WRITER = { producerId: 4_000_000_000n, producerEpoch: 7, firstSequence: 2 ** 31 - 1, isTransactional: true };
const NOW = 1_700_000_000_000;

function record(changes: Partial<RecordToWrite> = {}): RecordToWrite {
  return { key: Buffer.from('k'), value: Buffer.from('v'), constantHeaders: [], headers: [], ...changes };
}

function encode(records: readonly RecordToWrite[], writer = WRITER): Buffer {
  return RecordBatchBuilder.of(records).seal(writer, NOW);
}

async function decode(bytes: Buffer): Promise<FetchedRecord[]> {
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return decodeMessages(new Decoder(Buffer.concat([size, bytes])));
}

describe('record batch', () => {
  test('says who writes it and where it stands in the sequence', async () => {
    expect(await decodeBatch(new Decoder(encode([record(), record()])))).toMatchObject({
      producerId: '4000000000', producerEpoch: 7, firstSequence: 2 ** 31 - 1, inTransaction: true, isControlBatch: false,
      lastOffsetDelta: 1, firstTimestamp: String(NOW), maxTimestamp: String(NOW),
    });
    expect(await decodeBatch(new Decoder(encode([record()], { ...WRITER, isTransactional: false })))).toMatchObject({ inTransaction: false });
  });

  test('headers: the constant ones first, then the others, doubles and nulls too', async () => {
    const constantHeaders = [['a', Buffer.from('1')], ['ü', null]] as const;
    const headers = [['a', 'text'], ['b', Buffer.from('ü')], ['b', ''], ['c', 'a€b']] as const;
    const records = await decode(encode([record({ constantHeaders, headers }), record({ constantHeaders })]));
    const text = records.map(({ headers: pairs }) => pairs.map(([name, value]) => [name, value?.toString() ?? null]));
    expect(text).toEqual([
      [['a', '1'], ['ü', null], ['a', 'text'], ['b', 'ü'], ['b', ''], ['c', 'a€b']],
      [['a', '1'], ['ü', null]],
    ]);
  });

  test('any keys and values come back as they were, null and empty apart', async () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
    await fc.assert(fc.asyncProperty(fc.array(fc.record({ key: bytes, value: bytes }), { minLength: 1, maxLength: 200 }), async (pairs) => {
      const records = await decode(encode(pairs.map((pair) => record(pair))));
      expect(records.map(({ key, value }) => ({ key, value }))).toEqual(pairs);
      expect(records.map(({ offset }) => offset)).toEqual(pairs.map((_, at) => String(at)));
    }), { numRuns: 50 });
  });

  test('takes no record that makes it larger than it may be, but the first', async () => {
    const batch = new RecordBatchBuilder();
    const large = record({ value: Buffer.alloc(500, 1) });
    expect(batch.add(large, 100)).toBe(true);
    expect(batch.add(record(), batch.bytes + 5)).toBe(false);
    expect(batch.add(record({ value: Buffer.from('w') }), batch.bytes + 50)).toBe(true);
    expect(batch.count).toBe(2);
    const sealed = batch.seal(WRITER, NOW);
    expect(sealed.length).toBe(batch.bytes);
    expect((await decode(sealed)).map(({ value }) => value)).toEqual([large.value, Buffer.from('w')]);
  });

  test('memory that was given back is used again, and nothing of what was in it comes back', async () => {
    const first = new RecordBatchBuilder();
    for (let at = 0; at < 1_000; at++) first.add(record({ value: Buffer.alloc(100, 1) }));
    first.release();
    expect(await decode(encode([record({ value: Buffer.from('x') })]))).toMatchObject([{ value: Buffer.from('x') }]);
  });
});
