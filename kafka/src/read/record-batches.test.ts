import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ATTRIBUTES, CODECS, encodeRecord, NOW, storedBatch, type StoredBatch, varint } from '../../test/stored-batch.ts';
import { RecordBatchBuilder } from '../produce/record-batch.ts';
import type { AbortedTransaction } from '../wire/fetch.ts';
import { CorruptBatch, decodeRecords, type DecodedPartition, type ReadableRecord } from './record-batches.ts';

const MAX_BATCH_BYTES = 1024 * 1024;

function decode(
  batches: readonly Buffer[],
  { from = 0n, aborted = [], max = MAX_BATCH_BYTES }: { from?: bigint; aborted?: AbortedTransaction[]; max?: number } = {},
): Promise<DecodedPartition> {
  return decodeRecords({ topic: 't', partition: 3, fromOffset: from, records: Buffer.concat(batches), aborted }, max);
}

const offsets = ({ records }: DecodedPartition) => records.map(({ offset }) => Number(offset));
const values = (records: readonly ReadableRecord[]) => records.map(({ value }) => value?.toString() ?? null);
const { transactional, control, appendTime } = ATTRIBUTES;

describe('a record', () => {
  test('has key, value, place and time as they were written', async () => {
    const { records } = await decode([
      storedBatch({ records: [{ key: 'k', value: 'v', timestampDelta: 5 }, { key: Buffer.alloc(0), value: Buffer.alloc(500, 7) }, {}] }),
    ]);
    expect(
      records.map(({ topic, partition, offset, timestamp, key, value }) => ({ topic, partition, offset, timestamp, key, value })),
    ).toEqual([
      { topic: 't', partition: 3, offset: '40', timestamp: String(NOW + 5n), key: Buffer.from('k'), value: Buffer.from('v') },
      { topic: 't', partition: 3, offset: '41', timestamp: String(NOW), key: Buffer.alloc(0), value: Buffer.alloc(500, 7) },
      { topic: 't', partition: 3, offset: '42', timestamp: String(NOW), key: null, value: null },
    ]);
  });

  const HEADERS: Record<string, [string, Buffer | null][]> = {
    none: [],
    'in order, one name twice, one without value': [
      ['b', Buffer.from('1')],
      ['7', Buffer.from('2')],
      ['a', null],
      ['b', Buffer.from('3')],
    ],
    empty: [['', Buffer.alloc(0)]],
    'named like methods of objects': [
      ['constructor', Buffer.from('x')],
      ['__proto__', Buffer.from('y')],
      ['', Buffer.from('z')],
    ],
  };

  test.each(Object.entries(HEADERS))('has its headers as they were written: %s', async (_sentence, headers) => {
    const {
      records: [record],
    } = await decode([storedBatch({ records: [{ key: 'k', value: 'v', headers }] })]);
    expect(record!.headers).toEqual(headers);
    expect(record!.value).toEqual(Buffer.from('v'));
  });

  const TIMES: Record<string, [fields: StoredBatch, time: bigint]> = {
    'before the first of its batch': [{ records: [{ timestampDelta: -5 }] }, NOW - 5n],
    'far from the first of its batch': [{ records: [{ timestampDelta: 2 ** 40 }] }, NOW + 2n ** 40n],
    'beyond what a double holds': [{ firstTimestamp: 2n ** 53n + 1n, records: [{ timestampDelta: 2 }] }, 2n ** 53n + 3n],
    'at which the broker appended it': [{ attributes: appendTime, records: [{ timestampDelta: 5 }] }, NOW + 999n],
  };

  test.each(Object.entries(TIMES))('has a time %s', async (_sentence, [fields, time]) => {
    expect((await decode([storedBatch(fields)])).records[0]!.timestamp).toBe(String(time));
  });

  test('may have an offset beyond what a double holds', async () => {
    const decoded = await decode([storedBatch({ firstOffset: 2n ** 53n + 1n, lastOffsetDelta: 7, records: [{}, { offsetDelta: 7 }] })]);
    expect(decoded.records.map(({ offset }) => offset)).toEqual([String(2n ** 53n + 1n), String(2n ** 53n + 8n)]);
    expect(decoded.nextOffset).toBe(2n ** 53n + 9n);
  });

  test('comes back as the producer of ours wrote it', async () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
    const header = fc.tuple(fc.string(), bytes);
    const any = fc.record({ key: bytes, value: bytes, headers: fc.array(header, { maxLength: 5 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 100 }), async (written) => {
        const batch = RecordBatchBuilder.of(written.map((record) => ({ ...record, constantHeaders: [] })));
        const sealed = batch.seal({ producerId: 1n, producerEpoch: 0, firstSequence: 0, isTransactional: false }, Number(NOW));
        const { records, nextOffset } = await decode([sealed]);
        expect(records.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(
          written.map(({ key, value, headers }) => ({
            key,
            value,
            headers: headers.map(([name, content]) => [Buffer.from(name).toString(), content]),
          })),
        );
        expect(nextOffset).toBe(BigInt(written.length));
      }),
      { numRuns: 50 },
    );
  });
});

describe('a fetch', () => {
  test('brings whole batches: what is before the offset is left out', async () => {
    const decoded = await decode([storedBatch({ records: [{}, {}, {}] }), storedBatch({ firstOffset: 43n, records: [{}] })], { from: 41n });
    expect(offsets(decoded)).toEqual([41, 42, 43]);
    expect(decoded.nextOffset).toBe(44n);
  });

  test.each([-1, 60, 61, 62, 20, 17, 12, 1])('may end within a batch (%i)', async (length) => {
    const whole = storedBatch({ records: [{ value: 'v' }] });
    const cut = storedBatch({ firstOffset: 41n, records: [{ value: 'w' }] });
    const decoded = await decode([whole, cut.subarray(0, length)]);
    expect(values(decoded.records)).toEqual(['v']);
    expect(decoded.nextOffset).toBe(41n);
  });

  test('of what was there already does not go back', async () => {
    const before = storedBatch({ records: [{}, {}] });
    expect(await decode([before], { from: 50n })).toEqual({ records: [], nextOffset: 50n, bytes: before.length });
  });

  test('is as large as its bytes, and what was decompressed beside them', async () => {
    const [plain, gzip] = [
      storedBatch({ records: [{ value: 'v' }] }),
      storedBatch({ firstOffset: 41n, attributes: CODECS.gzip, records: [{ value: Buffer.alloc(1_000) }] }),
    ];
    expect((await decode([plain])).bytes).toBe(plain.length);
    expect((await decode([plain, gzip])).bytes).toBe(plain.length + gzip.length + 1_000 + 9);
  });

  test('of megabytes that are not compressed is read whole', async () => {
    const batches = Array.from({ length: 10 }, (_, at) =>
      storedBatch({ firstOffset: BigInt(at), records: [{ value: Buffer.alloc(1_000_000) }] }),
    );
    expect(offsets(await decode(batches))).toHaveLength(10);
  });

  test('of nothing goes nowhere', async () => {
    expect(await decode([], { from: 7n })).toEqual({ records: [], nextOffset: 7n, bytes: 0 });
  });

  test('may hold very many records', async () => {
    const decoded = await decode([storedBatch({ records: Array.from({ length: 150_000 }, () => ({ value: '' })) })]);
    expect(decoded.records).toHaveLength(150_000);
    expect(decoded.records.at(-1)!.offset).toBe('150039');
  });

  test.each([[[]], [[0, 3]], [[9]]])('moves past the end of a batch that compaction left these of: %j', async (left) => {
    const decoded = await decode([storedBatch({ lastOffsetDelta: 9, records: left.map((offsetDelta) => ({ offsetDelta })) })], {
      from: 40n,
    });
    expect(offsets(decoded)).toEqual(left.map((delta) => 40 + delta));
    expect(decoded.nextOffset).toBe(50n);
  });

  test.each(Object.entries(CODECS))('moves past a batch that compaction emptied, also one with codec %s', async (_name, codec) => {
    const decoded = await decode([storedBatch({ attributes: codec, lastOffsetDelta: 9, body: Buffer.alloc(0) })], { from: 40n });
    expect(decoded).toMatchObject({ records: [], nextOffset: 50n });
  });
});

interface AbortedCase {
  log: Buffer[];
  aborted: [producer: bigint, firstOffset: bigint][];
  seen: number[];
  from?: bigint;
}

const data = (firstOffset: bigint, producerId: bigint, fields: StoredBatch = {}) =>
  storedBatch({ firstOffset, producerId, attributes: transactional, records: [{ value: 'v' }], ...fields });
const ends =
  (type: number) =>
  (firstOffset: bigint, producerId: bigint, fields: StoredBatch = {}) =>
    data(firstOffset, producerId, {
      attributes: transactional | control,
      records: [{ key: Buffer.from([0, 0, 0, type]), value: Buffer.alloc(6) }],
      ...fields,
    });
const [abort, commit] = [ends(0), ends(1)];
const [A, B] = [1n, 2n];

const ABORTED: Record<string, AbortedCase> = {
  'between its first record and its marker': {
    log: [data(0n, A), data(1n, B), abort(2n, A), data(3n, A), commit(4n, A)],
    aborted: [[A, 0n]],
    seen: [1, 3],
  },
  'also behind a batch of which compaction took the end': {
    log: [data(0n, A, { lastOffsetDelta: 5 }), data(6n, A), abort(7n, A), data(8n, A)],
    aborted: [[A, 0n]],
    seen: [8],
  },
  'listed in the order of their ends': {
    log: [data(0n, A), data(1n, B), abort(2n, B), data(3n, A), abort(4n, A)],
    aborted: [
      [B, 1n],
      [A, 0n],
    ],
    seen: [],
  },
  'of several that began before what was fetched': {
    log: [data(10n, B), data(11n, A), abort(12n, A), abort(13n, B)],
    aborted: [
      [A, 1n],
      [B, 2n],
    ],
    seen: [],
    from: 10n,
  },
  'two of one producer, with a committed one between': {
    log: [data(0n, A), abort(1n, A), data(2n, A), commit(3n, A), data(4n, A), abort(5n, A)],
    aborted: [
      [A, 0n],
      [A, 4n],
    ],
    seen: [2],
  },
  'that begins within a batch which is asked for from its middle': {
    log: [data(0n, A, { records: [{}, {}, {}] }), abort(3n, A)],
    aborted: [[A, 0n]],
    seen: [],
    from: 2n,
  },
  'with a record that has the key of a marker': {
    log: [data(0n, A, { records: [{ key: Buffer.alloc(4) }] }), data(1n, A), abort(2n, A)],
    aborted: [[A, 0n]],
    seen: [],
  },
  'of a producer that also writes outside of transactions': {
    log: [data(0n, A), data(1n, A, { attributes: 0 }), abort(2n, A)],
    aborted: [[A, 0n]],
    seen: [1],
  },
  'of nobody': { log: [data(0n, A), commit(1n, A)], aborted: [], seen: [0] },
  'that are not listed, but whose marker is there': {
    log: [data(0n, A), commit(1n, A), data(2n, A), data(3n, B), data(4n, A), abort(5n, A), data(6n, A), commit(7n, B)],
    aborted: [],
    seen: [0, 3, 6],
  },
  'not by the marker of another transaction': { log: [abort(0n, A), data(1n, A), commit(2n, A), abort(3n, A)], aborted: [], seen: [1] },
  'not by a marker that is damaged, cut short or of an unknown form': {
    log: [
      data(0n, A),
      abort(1n, A, { records: [], count: 0 }),
      abort(2n, A, { records: [{ key: Buffer.alloc(3) }] }),
      abort(3n, A, { records: [{ key: null }] }),
      abort(4n, A, { count: 1, body: Buffer.from([0xff]) }),
      commit(5n, A),
    ],
    aborted: [],
    seen: [0],
  },
};

test('a marker with another checksum drops nothing', async () => {
  const broken = abort(1n, A);
  broken[17]! ^= 1;
  const decoded = await decode([data(0n, A), broken]);
  expect(offsets(decoded)).toEqual([0]);
});

test.each(Object.entries(ABORTED))('aborted records are left out: %s', async (_sentence, { log, aborted, seen, from = 0n }) => {
  const decoded = await decode(log, { from, aborted: aborted.map(([producerId, firstOffset]) => ({ producerId, firstOffset })) });
  expect(offsets(decoded)).toEqual(seen);
  expect(decoded.nextOffset).toBe(log.at(-1)!.readBigInt64BE(0) + 1n);
});

describe('damage', () => {
  const good = storedBatch({ firstOffset: 30n, lastOffsetDelta: 9, records: [{ value: 'good' }] });
  const flipped = (at: number) => {
    const batch = storedBatch({ records: [{ value: 'bad' }] });
    batch[at]! ^= 1;
    return batch;
  };
  const old = Buffer.alloc(40);
  old.writeBigInt64BE(40n, 0);
  old.writeInt32BE(28, 8);
  old[16] = 1;
  const shrunk = flipped(61);
  shrunk.writeInt32BE(-5, 8);
  const tiny = flipped(61);
  tiny.writeInt32BE(10, 8);

  const CASES: Record<string, [Buffer, RegExp]> = {
    'a record': [flipped(64), /checksum/],
    'the checksum': [flipped(17), /checksum/],
    'the attributes': [flipped(22), /checksum/],
    'a length below zero': [shrunk, /checksum/],
    'a length of less than a head': [tiny, /checksum/],
    'a format of before Kafka 0.11, which may be shorter than a head': [old, /record format 1, .*copy the topic with a newer client/],
  };

  test.each(Object.entries(CASES))('of %s is told with its offset', async (_sentence, [bytes, message]) => {
    const error: unknown = await decode([bytes], { from: 40n }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(CorruptBatch);
    expect(error).toMatchObject({ name: 'CorruptBatch', offset: 40n, message: expect.stringMatching(message) });
  });

  test.each(Object.entries(CASES))('of %s does not keep back what stands before it', async (_sentence, [bytes]) => {
    const decoded = await decode([good, bytes], { from: 30n });
    expect(values(decoded.records)).toEqual(['good']);
    expect(decoded.nextOffset).toBe(40n);
  });
});

describe('compressed with', () => {
  const NAMES = Object.entries(CODECS).filter(([name]) => name !== 'none');
  const text = 'order_created order_paid '.repeat(2_000);
  const behind = storedBatch({ firstOffset: 60n, records: [{ value: 'behind' }] });

  test.each(NAMES)('%s, a batch is read', async (_name, codec) => {
    const decoded = await decode([storedBatch({ attributes: codec, records: [{ value: text }, { key: 'k', value: 'w' }] }), behind]);
    expect(values(decoded.records)).toEqual([text, 'w', 'behind']);
    expect(decoded.bytes).toBeGreaterThan(text.length);
  });

  test.each(NAMES)('%s, a batch that is too large when decompressed is one record, and the others are read', async (_name, codec) => {
    const bomb = storedBatch({ attributes: codec, lastOffsetDelta: 9, maxTimestamp: NOW, records: [{ value: Buffer.alloc(300_000) }] });
    const { records, nextOffset } = await decode([bomb, behind], { max: 200_000 });
    expect(records[0]).toEqual({
      topic: 't',
      partition: 3,
      offset: '40',
      timestamp: String(NOW),
      key: null,
      value: null,
      headers: [],
      unreadable: { lastOffset: '49', reason: 'more than 200000 bytes when decompressed' },
    });
    expect(values(records.slice(1))).toEqual(['behind']);
    expect(nextOffset).toBe(61n);
  });

  test.each(NAMES)('%s, a batch that holds just as much as may be is read', async (_name, codec) => {
    const one = storedBatch({ attributes: codec, records: [{ value: Buffer.alloc(100_000) }] });
    const size = 100_000 + 11;
    expect((await decode([one], { max: size })).records[0]!.unreadable).toBeUndefined();
    expect((await decode([one], { max: size - 1 })).records[0]!.unreadable).toBeDefined();
  });

  test.each(NAMES)('%s, garbage is one record, and the others are read', async (_name, codec) => {
    for (const body of [Buffer.alloc(0), Buffer.from('garbage, which no codec has written'), Buffer.alloc(50, 255)]) {
      const garbage = storedBatch({ attributes: codec, lastOffsetDelta: 4, body, count: 5 });
      const { records, nextOffset } = await decode([garbage, behind], { from: 42n });
      expect(records[0]).toMatchObject({ offset: '42', unreadable: { lastOffset: '44', reason: expect.stringMatching(/./) } });
      expect(values(records.slice(1))).toEqual(['behind']);
      expect(nextOffset).toBe(61n);
    }
  });

  test.each(NAMES)('%s, a small batch holds no more memory than it needs', async (_name, codec) => {
    const {
      records: [record],
    } = await decode([storedBatch({ attributes: codec, records: [{ value: 'small' }] })]);
    expect(record!.value!.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
  });

  test('a codec that is not known, it is one record', async () => {
    const { records } = await decode([storedBatch({ attributes: 5, records: [{}], body: Buffer.from('x') }), behind]);
    expect(records[0]!.unreadable).toEqual({ lastOffset: '40', reason: 'compressed with codec 5, which is not known' });
  });

  test('gzip, many large batches are not all decompressed at once', async () => {
    const batches = Array.from({ length: 40 }, (_, at) =>
      storedBatch({ firstOffset: BigInt(at), attributes: CODECS.gzip, records: [{ value: Buffer.alloc(1_000_000) }] }),
    );
    const first = await decode(batches);
    expect(first.bytes).toBeLessThan(12_000_000);
    expect(first.nextOffset).toBe(BigInt(first.records.length));
    expect(offsets(await decode(batches.slice(first.records.length), { from: first.nextOffset }))[0]).toBe(first.records.length);
  });
});

describe('malformed records, as no broker takes them, are one record', () => {
  const BODIES: Record<string, Buffer> = {
    'that ends too early': Buffer.concat([varint(20), Buffer.alloc(5)]),
    'of a size below zero': Buffer.concat([varint(-5), Buffer.alloc(20)]),
    'of size 0': Buffer.alloc(20),
    'with a number that does not end': Buffer.alloc(30, 0xff),
    'with a value that is longer than it': Buffer.concat([varint(6), Buffer.from([0, 0, 0]), varint(-1), varint(50), Buffer.alloc(1)]),
    'with a key that is longer than it': Buffer.concat([varint(8), Buffer.from([0, 0, 0]), varint(2_000_000), Buffer.alloc(2)]),
  };

  test.each(Object.entries(BODIES))('%s', async (_sentence, body) => {
    const behind = storedBatch({ firstOffset: 60n, records: [{ value: 'behind' }] });
    const { records } = await decode([storedBatch({ body, count: 1, lastOffsetDelta: 0 }), behind]);
    expect(records[0]!.unreadable).toMatchObject({ lastOffset: '40', reason: expect.stringMatching(/fit/) });
    expect(values(records.slice(1))).toEqual(['behind']);
  });

  test('a count of headers that is not true comes to an end', async () => {
    const body = Buffer.concat([Buffer.from([0, 0, 0]), varint(-1), varint(-1), varint(2 ** 31)]);
    const {
      records: [record],
    } = await decode([storedBatch({ body: Buffer.concat([varint(body.length), body]), count: 1, lastOffsetDelta: 0 })]);
    expect(record!.headers).toEqual([]);
  });

  test.each([40n, 41n, 42n])('with all others of their batch, from the offset that is asked for on (%i)', async (from) => {
    const body = Buffer.concat([encodeRecord({ value: 'good' }, 0), encodeRecord({ value: 'good' }, 1), Buffer.alloc(20)]);
    const { records, nextOffset } = await decode([storedBatch({ body, count: 3, lastOffsetDelta: 2 })], { from });
    expect(records).toMatchObject([{ offset: String(from), unreadable: { lastOffset: '42' } }]);
    expect(nextOffset).toBe(43n);
  });
});
