import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { storedBatch, type StoredRecord } from '../../test/stored-batch.ts';
import { crc32c } from './crc32c.ts';
import { RecordBatchBuilder, type RecordToWrite } from './record-batch.ts';

const NOW = 1_700_000_000_000;
const WRITER = { producerId: 4_000_000_000n, producerEpoch: 0x0708, firstSequence: 0x01020304, isTransactional: true };
const TRANSACTIONAL = 0x10;
const KIB = 1024;

type Simple = Pick<RecordToWrite, 'key' | 'value' | 'headers'> & Partial<Pick<RecordToWrite, 'constantHeaders'>>;
const simple = (value: Buffer | string | null, fields: Partial<Simple> = {}): Simple => ({
  key: null,
  value: value === null ? null : Buffer.from(value as string),
  headers: [],
  ...fields,
});

function build(records: readonly Simple[]): RecordBatchBuilder {
  return RecordBatchBuilder.of(records.map((record) => ({ constantHeaders: [], ...record })));
}

/** The same batch, put together by other code, as a producer sends it. */
function expected(records: readonly Simple[]): Buffer {
  const batch = storedBatch({
    firstOffset: 0n,
    attributes: TRANSACTIONAL,
    producerId: WRITER.producerId,
    firstTimestamp: BigInt(NOW),
    maxTimestamp: BigInt(NOW),
    records: records.map(({ headers, constantHeaders = [], ...rest }) => ({
      ...rest,
      headers: [...constantHeaders, ...headers],
    })) as StoredRecord[],
  });
  batch.writeInt32BE(-1, 12); // leader epoch
  batch.writeInt16BE(WRITER.producerEpoch, 51);
  batch.writeInt32BE(WRITER.firstSequence, 53);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

/** Leaves memory behind that is full of ones. */
function soilMemory(bytes: number): void {
  const soiled = build([simple(Buffer.alloc(bytes, 0xff))]);
  soiled.seal({ ...WRITER, producerId: -1n }, -1).fill(0xff);
  soiled.release();
}

describe('the bytes of a batch', () => {
  const CASES: Record<string, Simple[]> = {
    'of one record without anything': [simple(null)],
    'with key, value and headers': [
      simple('v', {
        key: Buffer.from('k'),
        headers: [
          ['a', Buffer.from('1')],
          ['b', null],
        ],
      }),
    ],
    'of several records, one empty': [simple('a'), simple(''), simple('c', { key: Buffer.alloc(0) })],
    'of a record whose size takes one byte': [simple('x'.repeat(57)), simple('y')],
    'of a record whose size just takes two bytes': [simple('x'.repeat(58)), simple('y')],
    'of a record whose size takes two bytes': [simple('x'.repeat(8_184)), simple('y')],
    'of a record whose size just takes three bytes': [simple('x'.repeat(8_185)), simple('y')],
    'of a record whose size takes four bytes': [simple(Buffer.alloc(1_048_576, 5)), simple('y')],
    'of a key that is larger than the memory at hand': [simple('x'), simple(null, { key: Buffer.alloc(40_000, 1) })],
    'of a value that is larger than the memory at hand': [simple('x'), simple(Buffer.alloc(40_000, 1))],
    'of a header that is larger than the memory at hand': [simple('x'), simple(null, { headers: [['a', Buffer.alloc(40_000, 1)]] })],
    'of headers for all that are larger than the memory at hand': [
      simple('x'),
      simple(null, { constantHeaders: [['a', Buffer.alloc(40_000, 1)]], headers: [['b', null]] }),
    ],
    'of so many records that their numbers take two bytes': Array.from({ length: 130 }, (_, at) => simple(`value ${at}`)),
  };

  test.each(Object.entries(CASES))('%s', (_, records) => {
    expect(build(records).seal(WRITER, NOW).equals(expected(records))).toBe(true);
  });

  test.each(Object.entries(CASES))('do not depend on what was in their memory: %s', (_, records) => {
    soilMemory(2_000);
    const batch = build(records);
    expect(batch.seal(WRITER, NOW).equals(expected(records))).toBe(true);
    expect(batch.bytes).toBe(expected(records).length);
  });

  test('outside of a transaction say so', () => {
    const sealed = build([simple('x')]).seal({ ...WRITER, isTransactional: false }, NOW);
    expect(sealed.readInt16BE(21)).toBe(0);
    expect(crc32c(sealed, 21)).toBe(sealed.readUInt32BE(17));
  });

  test('that are compressed have the head of those that are not, but for length, codec and checksum', () => {
    const records = [simple('x'.repeat(1_000)), simple('y')];
    const batch = build(records);
    expect(batch.isCompressed).toBe(false);
    batch.compress();
    expect(batch.isCompressed).toBe(true);
    const [compressed, plain] = [batch.seal(WRITER, NOW), expected(records)];
    expect(compressed.readInt32BE(8)).toBe(compressed.length - 12);
    expect(compressed.readInt16BE(21)).toBe(TRANSACTIONAL | 4);
    expect(crc32c(compressed, 21)).toBe(compressed.readUInt32BE(17));
    for (const [from, to] of [
      [0, 8],
      [12, 17],
      [23, 61],
    ])
      expect(compressed.subarray(from, to)).toEqual(plain.subarray(from, to));
    expect(compressed.length).toBeLessThan(plain.length / 2);
  });

  test('that would not become fewer are left as they are', () => {
    const records = [simple(randomBytes(1_000))];
    const batch = build(records);
    batch.compress();
    expect(batch.seal(WRITER, NOW).equals(expected(records))).toBe(true);
  });
});

describe('a batch that is split', () => {
  const records = Array.from({ length: 200 }, (_, at) =>
    simple('x'.repeat(at), { key: Buffer.from(String(at)), headers: [['a', Buffer.from('1')]] }),
  );

  test.each([1, 500, 5_000, 9_000, Infinity])('has the bytes of batches that were made of its records, up to %i', (maxBytes) => {
    soilMemory(2_000);
    const parts = build(records).split(maxBytes);
    let at = 0;
    for (const part of parts) {
      const its = records.slice(at, (at += part.count));
      expect(part.seal(WRITER, NOW).equals(expected(its))).toBe(true);
      expect(part.count === 1 || part.bytes <= maxBytes).toBe(true);
      // The next record would not have fitted
      if (at < records.length) expect(expected([...its, records[at]!]).length).toBeGreaterThan(maxBytes);
    }
    expect(at).toBe(records.length);
  });

  test('holds just as much as it may', () => {
    const two = expected(records.slice(0, 2)).length;
    expect(
      [two, two - 1].map((maxBytes) =>
        build(records.slice(0, 2))
          .split(maxBytes)
          .map(({ count }) => count),
      ),
    ).toEqual([[2], [1, 1]]);
  });
});

describe('a batch with a limit', () => {
  const record = { ...simple('x'.repeat(20)), constantHeaders: [] };

  test('takes a record that just fits', () => {
    const one = build([record]).bytes;
    const size = build([record, record]).bytes - one;
    for (const [limit, isTaken] of [
      [one + size, true],
      [one + size - 1, false],
    ] as const) {
      const batch = build([record]);
      expect(batch.add(record, limit)).toBe(isTaken);
      expect([batch.count, batch.bytes]).toEqual(isTaken ? [2, one + size] : [1, one]);
    }
  });

  test('takes a first record of any size, and no limit is none', () => {
    expect([new RecordBatchBuilder().add(record, 1), build([record]).add(record)]).toEqual([true, true]);
  });
});

describe('memory', () => {
  /** Which buffer a batch of so many bytes is in. */
  const memoryOf = (batch: RecordBatchBuilder) => batch.seal(WRITER, NOW).buffer;
  const large = (kib: number) => build([simple(Buffer.alloc(kib * KIB))]);
  /** So that what is released next is what is taken next. */
  const useUp = () => Array.from({ length: 100 }, () => new RecordBatchBuilder());

  test('that is released is used by the next batch', () => {
    useUp();
    const first = large(500);
    const memory = memoryOf(first);
    first.release();
    expect(memoryOf(build([simple('x')]))).toBe(memory);
    expect(memoryOf(build([simple('x')]))).not.toBe(memory);
  });

  test('of a batch that is released is empty, and plain', () => {
    const batch = large(1);
    batch.compress();
    batch.release();
    expect([batch.count, batch.bytes, batch.isCompressed]).toEqual([0, 0, false]);
  });

  test('is not given out a second time where a batch is released twice', () => {
    useUp();
    const first = large(500);
    const memory = memoryOf(first);
    first.release();
    first.release();
    const next = Array.from({ length: 3 }, () => memoryOf(build([simple('x'.repeat(100))])));
    expect(next.filter((each) => each === memory)).toHaveLength(1);
  });

  test('of megabytes is not kept', () => {
    useUp();
    const huge = large(3 * KIB);
    const memory = memoryOf(huge);
    huge.release();
    expect(memoryOf(build([simple('x')]))).not.toBe(memory);
  });

  test('is kept up to 16 MiB, again and again', () => {
    for (let time = 0; time < 2; time++) {
      useUp();
      // Room is made for twice as much
      const batches = Array.from({ length: 20 }, () => large(900));
      const memories = new Set(batches.map((batch) => memoryOf(batch)));
      for (const batch of batches) batch.release();
      const used = Array.from({ length: 20 }, () => memoryOf(build([simple('x')]))).filter((memory) => memories.has(memory));
      expect(used).toHaveLength(9);
    }
  });
});
