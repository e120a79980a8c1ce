import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRecords, type ReadableRecord } from '../read/record-batches.ts';
import { RecordBatchBuilder, type RecordToWrite } from './record-batch.ts';

const WRITER = { producerId: 4_000_000_000n, producerEpoch: 7, firstSequence: 2 ** 31 - 1, isTransactional: true };
const NOW = 1_700_000_000_000;
const MIB = 1024 * 1024;

function record(changes: Partial<RecordToWrite> = {}): RecordToWrite {
  return { key: Buffer.from('k'), value: Buffer.from('v'), constantHeaders: [], headers: [], ...changes };
}

function encode(records: readonly RecordToWrite[], writer = WRITER): Buffer {
  return RecordBatchBuilder.of(records).seal(writer, NOW);
}

async function decode(records: Buffer): Promise<readonly ReadableRecord[]> {
  return (await decodeRecords({ topic: 't', partition: 0, fromOffset: 0n, records, aborted: [] }, 64 * MIB)).records;
}

/** Compressed where it is asked for. */
function encodeCompressed(records: readonly RecordToWrite[]): Buffer {
  const batch = RecordBatchBuilder.of(records);
  batch.compress();
  return batch.seal(WRITER, NOW);
}

const codecOf = (batch: Buffer) => batch.readInt16BE(21) & 7;
const ZSTD = 4;

describe('record batch', () => {
  test('says who writes it and where it stands in the sequence', () => {
    const head = (bytes: Buffer) => ({
      producerId: bytes.readBigInt64BE(43), producerEpoch: bytes.readInt16BE(51), firstSequence: bytes.readInt32BE(53),
      attributes: bytes.readInt16BE(21), lastOffsetDelta: bytes.readInt32BE(23), count: bytes.readInt32BE(57),
      firstTimestamp: bytes.readBigInt64BE(27), maxTimestamp: bytes.readBigInt64BE(35),
    });
    expect(head(encode([record(), record()]))).toEqual({
      producerId: 4_000_000_000n, producerEpoch: 7, firstSequence: 2 ** 31 - 1, attributes: 0x10, lastOffsetDelta: 1, count: 2,
      firstTimestamp: BigInt(NOW), maxTimestamp: BigInt(NOW),
    });
    expect(head(encode([record()], { ...WRITER, isTransactional: false }))).toMatchObject({ attributes: 0 });
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

  test('any records come back as they were from a compressed batch, which is never the larger one', async () => {
    const part = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string().map((text) => Buffer.from(text.repeat(50))));
    const bytes = fc.option(part.map((array) => Buffer.from(array)));
    const headers = fc.array(fc.tuple(fc.string(), bytes), { maxLength: 5 });
    await fc.assert(fc.asyncProperty(fc.array(fc.record({ key: bytes, value: bytes, headers }), { minLength: 1, maxLength: 100 }), async (parts) => {
      const records = parts.map((each) => record(each));
      const [plain, compressed] = [encode(records), encodeCompressed(records)];
      expect(codecOf(plain)).toBe(0);
      expect(compressed.length).toBeLessThanOrEqual(plain.length);
      expect(codecOf(compressed)).toBe(compressed.length < plain.length ? ZSTD : 0);
      for (const batch of [plain, compressed]) {
        expect((await decode(batch)).map(({ key, value, headers: pairs }) => ({ key, value, headers: pairs }))).toEqual(parts);
      }
    }), { numRuns: 50 });
  });

  test('what repeats only after megabytes is as small as with the best of codecs', () => {
    const stretch = randomBytes(500_000);
    expect(encodeCompressed([record({ value: Buffer.concat(Array.from({ length: 6 }, () => stretch)) })]).length).toBeLessThan(600_000);
    expect(encodeCompressed([record({ value: Buffer.alloc(3 * MIB, 'x') })]).length).toBeLessThan(3_000);
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
    expect((await decode(encode([record({ value: Buffer.from('x') })]))).map(({ value }) => value)).toEqual([Buffer.from('x')]);
  });
});
