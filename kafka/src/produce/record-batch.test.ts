import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRecords, type ReadableRecord } from '../read/record-batches.ts';
import { RecordBatchBuilder, type RecordToWrite, type WriteCodec } from './record-batch.ts';

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
function encodeCompressed(records: readonly RecordToWrite[], codec: WriteCodec = 'zstd'): Buffer {
  const batch = RecordBatchBuilder.of(records);
  batch.compress(codec);
  const { bytes } = batch;
  const sealed = batch.seal(WRITER, NOW);
  expect(sealed.length).toBe(bytes);
  return sealed;
}

const codecOf = (batch: Buffer) => batch.readInt16BE(21) & 7;
const ATTRIBUTES: Record<WriteCodec, number> = { gzip: 1, zstd: 4 };
const CODECS = Object.keys(ATTRIBUTES) as WriteCodec[];

const PART = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string().map((text) => Buffer.from(text.repeat(50))),
);
const BYTES = fc.option(PART.map((array) => Buffer.from(array)));
const ANY_RECORDS = fc.array(
  fc.record({
    key: BYTES,
    value: BYTES,
    constantHeaders: fc.constant([]),
    headers: fc.array(fc.tuple(fc.string(), BYTES), { maxLength: 5 }),
  }),
  { minLength: 1, maxLength: 100 },
);

const contentOf = (records: readonly ReadableRecord[]) => records.map(({ key, value, headers }) => ({ key, value, headers }));

describe('record batch', () => {
  test('says who writes it and where it stands in the sequence', () => {
    const head = (bytes: Buffer) => ({
      producerId: bytes.readBigInt64BE(43),
      producerEpoch: bytes.readInt16BE(51),
      firstSequence: bytes.readInt32BE(53),
      attributes: bytes.readInt16BE(21),
      lastOffsetDelta: bytes.readInt32BE(23),
      count: bytes.readInt32BE(57),
      firstTimestamp: bytes.readBigInt64BE(27),
      maxTimestamp: bytes.readBigInt64BE(35),
    });
    expect(head(encode([record(), record()]))).toEqual({
      producerId: 4_000_000_000n,
      producerEpoch: 7,
      firstSequence: 2 ** 31 - 1,
      attributes: 0x10,
      lastOffsetDelta: 1,
      count: 2,
      firstTimestamp: BigInt(NOW),
      maxTimestamp: BigInt(NOW),
    });
    expect(head(encode([record()], { ...WRITER, isTransactional: false }))).toMatchObject({ attributes: 0 });
  });

  test('headers: the constant ones first, then the others, doubles and nulls too', async () => {
    const constantHeaders = [
      ['a', Buffer.from('1')],
      ['ü', null],
    ] as const;
    const headers = [
      ['a', 'text'],
      ['b', Buffer.from('ü')],
      ['b', ''],
      ['c', 'a€b'],
    ] as const;
    const records = await decode(encode([record({ constantHeaders, headers }), record({ constantHeaders })]));
    const text = records.map(({ headers: pairs }) => pairs.map(([name, value]) => [name, value?.toString() ?? null]));
    expect(text).toEqual([
      [
        ['a', '1'],
        ['ü', null],
        ['a', 'text'],
        ['b', 'ü'],
        ['b', ''],
        ['c', 'a€b'],
      ],
      [
        ['a', '1'],
        ['ü', null],
      ],
    ]);
  });

  test('any keys and values come back as they were, null and empty apart', async () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ key: bytes, value: bytes }), { minLength: 1, maxLength: 200 }), async (pairs) => {
        const records = await decode(encode(pairs.map((pair) => record(pair))));
        expect(records.map(({ key, value }) => ({ key, value }))).toEqual(pairs);
        expect(records.map(({ offset }) => offset)).toEqual(pairs.map((_, at) => String(at)));
      }),
      { numRuns: 50 },
    );
  });

  test.each(CODECS)('any records come back as they were from a batch compressed with %s, which is never the larger one', async (codec) => {
    await fc.assert(
      fc.asyncProperty(ANY_RECORDS, async (records) => {
        const [plain, compressed] = [encode(records), encodeCompressed(records, codec)];
        expect(codecOf(plain)).toBe(0);
        expect(compressed.length).toBeLessThanOrEqual(plain.length);
        expect(codecOf(compressed)).toBe(compressed.length < plain.length ? ATTRIBUTES[codec] : 0);
        for (const batch of [plain, compressed])
          expect(contentOf(await decode(batch))).toEqual(records.map(({ key, value, headers }) => ({ key, value, headers })));
      }),
      { numRuns: 50 },
    );
  });

  test('any records come back in order from the parts of a split batch, each of which is small enough or one record', async () => {
    await fc.assert(
      fc.asyncProperty(ANY_RECORDS, fc.integer({ min: 1, max: 20_000 }), async (records, maxBytes) => {
        const parts = RecordBatchBuilder.of(records).split(maxBytes);
        for (const part of parts) expect(part.count === 1 || part.bytes <= maxBytes).toBe(true);
        const sealed = parts.map((part) => part.seal(WRITER, NOW));
        expect(sealed.map(({ length }) => length)).toEqual(parts.map(({ bytes }) => bytes));
        const read = await Promise.all(sealed.map((part) => decode(part)));
        expect(read.map((part) => part.map(({ offset }) => Number(offset)))).toEqual(
          parts.map(({ count }) => Array.from({ length: count }, (_, at) => at)),
        );
        expect(contentOf(read.flat())).toEqual(records.map(({ key, value, headers }) => ({ key, value, headers })));
      }),
      { numRuns: 50 },
    );
  });

  test('what cannot be added to a batch of a size is where it is split to that size', () => {
    const records = Array.from({ length: 400 }, (_, at) => record({ value: Buffer.alloc(at === 137 ? 60_000 : 100 + at, at) }));
    for (const maxBytes of [200, 1_000, 10_000, 50_000, 100_000]) {
      const filled = [new RecordBatchBuilder()];
      for (const each of records) if (!filled.at(-1)!.add(each, maxBytes)) filled.push(RecordBatchBuilder.of([each]));
      expect(
        RecordBatchBuilder.of(records)
          .split(maxBytes)
          .map(({ count }) => count),
      ).toEqual(filled.map(({ count }) => count));
    }
  });

  test('a record that is added to a compressed batch is in it', async () => {
    const batch = RecordBatchBuilder.of([record({ value: Buffer.alloc(1_000, 'x') })]);
    batch.compress();
    expect(batch.isCompressed).toBe(true);
    batch.add(record({ value: Buffer.from('y') }));
    expect(batch.isCompressed).toBe(false);
    expect((await decode(batch.seal(WRITER, NOW))).map(({ value }) => value?.length)).toEqual([1_000, 1]);
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
