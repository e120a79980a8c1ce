import { describe, expect, test } from 'vitest';
import { ListedBatch } from '../../test/support/listed-batch.ts';
import { RefusedBatch, type InputRecord } from '../driver.ts';
import { SizeLimits } from './size-limits.ts';

const MIB = 1024 * 1024;
const TEN_MINUTES_MS = 600_000;

function batchOf(bytes: number, { count = 1, ratio = 1 } = {}): ListedBatch {
  const batch = new ListedBatch(ratio);
  for (let left = count; left > 0; left--) {
    batch.add({ topic: 'a', partition: 0, key: null, value: Buffer.alloc(bytes / count), constantHeaders: [], headers: [] }, Infinity);
  }
  return batch;
}

const told = (maxMessageBytes: number, compressionType = 'producer') => ({ a: { maxMessageBytes, compressionType } });

describe('what a topic takes', () => {
  test('is 900 kB in a batch, and anything in a record, where nothing is known', () => {
    const limits = new SizeLimits();
    expect([limits.bytesFor('a'), limits.plainBytesFor('a'), limits.fit('a', batchOf(2 * MIB))]).toEqual([900_000, 32 * MIB, true]);
  });

  test('is what provisioning was told', () => {
    expect(new SizeLimits(told(50_000)).bytesFor('a')).toBe(50_000);
    expect(new SizeLimits(told(16 * MIB)).bytesFor('a')).toBe(900_000);
    expect(new SizeLimits(told(50_000)).bytesFor('constructor')).toBe(900_000);
  });

  const FITS: Record<string, { compressionType: string; bytes: number; ratio: number; isCompressed: boolean; fits: boolean }> = {
    'a record up to the limit is sent plain': { compressionType: 'producer', bytes: 50_000, ratio: 0.5, isCompressed: false, fits: true },
    'one above it is compressed': { compressionType: 'producer', bytes: 50_001, ratio: 0.5, isCompressed: true, fits: true },
    'one that is too large even so is not sent': {
      compressionType: 'producer',
      bytes: 100_002,
      ratio: 0.5,
      isCompressed: true,
      fits: false,
    },
    'one that nothing makes smaller is not sent': { compressionType: 'zstd', bytes: 50_001, ratio: 1, isCompressed: false, fits: false },
    'the plain size counts where the topic stores batches plain': {
      compressionType: 'uncompressed',
      bytes: 50_001,
      ratio: 0.01,
      isCompressed: false,
      fits: false,
    },
    'a topic with a codec that only the broker has may take it': {
      compressionType: 'lz4',
      bytes: 50_001,
      ratio: 0.5,
      isCompressed: true,
      fits: true,
    },
  };
  test.each(Object.entries(FITS))('%s', (_, { compressionType, bytes, ratio, isCompressed, fits }) => {
    const records = batchOf(bytes, { ratio });
    expect(new SizeLimits(told(50_000, compressionType)).fit('a', records)).toBe(fits);
    expect(records.isCompressed).toBe(isCompressed);
  });

  test('a topic with gzip is sent gzip, which it stores as it comes', () => {
    const codecs: string[] = [];
    for (const compressionType of ['producer', 'gzip', 'zstd', 'snappy']) {
      const records = batchOf(60_000);
      records.compress = (codec?: string) => {
        codecs.push(codec!);
      };
      new SizeLimits(told(50_000, compressionType)).fit('a', records);
    }
    expect(codecs).toEqual(['zstd', 'gzip', 'zstd', 'zstd']);
  });

  test('a record of 32 MiB is compressed in any case', () => {
    const records = batchOf(32 * MIB + 1, { ratio: 0.5 });
    expect(new SizeLimits().fit('a', records)).toBe(true);
    expect(records.isCompressed).toBe(true);
  });

  test('is less where it refused a batch, and for ten minutes', () => {
    let now = 0;
    const limits = new SizeLimits({}, () => now);
    limits.learn('a', batchOf(100_000, { count: 10 }));
    expect(limits.bytesFor('a')).toBe(50_000);
    limits.learn('a', batchOf(60_000));
    expect(limits.bytesFor('a')).toBe(50_000);
    expect([limits.fit('a', batchOf(59_999)), limits.fit('a', batchOf(60_000))]).toEqual([true, false]);
    now = TEN_MINUTES_MS - 1;
    limits.written([]);
    expect(limits.fit('a', batchOf(60_000))).toBe(false);
    now = TEN_MINUTES_MS;
    limits.written([]);
    expect([limits.bytesFor('a'), limits.fit('a', batchOf(60_000))]).toEqual([900_000, true]);
  });

  test('what was told is tried with a larger record every ten minutes, and never with larger batches', () => {
    let now = 0;
    const limits = new SizeLimits(told(50_000), () => now);
    for (let round = 1; round <= 3; round++) {
      expect(limits.fit('a', batchOf(60_000))).toBe(false);
      now = round * TEN_MINUTES_MS;
      limits.written([]);
      expect([limits.bytesFor('a'), limits.fit('a', batchOf(60_000))]).toEqual([50_000, true]);
      limits.learn('a', batchOf(60_000));
      expect([limits.bytesFor('a'), limits.fit('a', batchOf(50_001)), limits.fit('a', batchOf(50_000))]).toEqual([50_000, false, true]);
    }
  });

  test('is not less for a compressed batch that was too large: the topic may store it plain', () => {
    const limits = new SizeLimits();
    const records = batchOf(60_000, { ratio: 0.01 });
    records.compress();
    limits.learn('a', records);
    expect([limits.bytesFor('a'), limits.fit('a', batchOf(60_000))]).toEqual([900_000, true]);
  });
});

describe('what was refused of a record', () => {
  const input: InputRecord = { topic: 'in', partition: 0, offset: '7', timestamp: '0', key: null, value: null, headers: [] };
  const refusal = new RefusedBatch('output-refused', { topic: 'a', partition: 0, records: batchOf(10) });

  test('is forgotten once its position is written, or its task is lost', () => {
    const refused = () => {
      const limits = new SizeLimits();
      limits.refuse(input, refusal, false);
      expect(limits.refusalOf(input)).toBe(refusal);
      return limits;
    };
    const [written, lost] = [refused(), refused()];
    written.written([{ topic: 'in', partition: 0, offset: 7n }]);
    written.written([{ topic: 'in', partition: 1, offset: 8n }]);
    expect(written.refusalOf(input)).toBe(refusal);
    written.written([{ topic: 'in', partition: 0, offset: 8n }]);
    expect(written.refusalOf(input)).toBeUndefined();
    lost.forgetTask(1);
    expect(lost.refusalOf(input)).toBe(refusal);
    lost.forgetTask(0);
    expect(lost.refusalOf(input)).toBeUndefined();
  });

  test('stays known while its dead letter becomes smaller', () => {
    const limits = new SizeLimits();
    limits.refuse(input, refusal, false);
    const tooLarge = new RefusedBatch('output-too-large', { topic: 'dlq', partition: 0, records: batchOf(300) });
    const forms = [];
    for (let tries = 0; tries < 3; tries++) {
      limits.refuse(input, tooLarge, true);
      forms.push(limits.letterShapeOf(input).form);
    }
    expect(forms).toEqual(['bare', 'stub', 'place']);
    expect(limits.refusalOf(input)).toBe(refusal);
    expect(limits.letterShapeOf(input).reason).toContain('topic dlq takes no record of 300 bytes');
    expect(() => limits.refuse(input, tooLarge, true)).toThrow('a dead letter that only names its record was rejected');
    limits.written([{ topic: 'in', partition: 0, offset: 8n }]);
    expect(limits.letterShapeOf(input).form).toBe('full');
  });
});
