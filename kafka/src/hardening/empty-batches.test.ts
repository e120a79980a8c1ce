import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { emptyBatches } from './empty-batches.ts';
import type { Internals, Override } from './override.ts';

interface Fetched { offset: string }
type EncodeBatch = (batch: object) => Promise<{ buffer: Buffer }>;
type DecodeMessages = (decoder: object) => Promise<Fetched[]>;
type DecoderClass = new (buffer: Buffer) => object;
type BatchClass = new (topic: string, offset: string, data: object) => { messages: unknown[]; lastOffset(): string };

/** What a fetch from offset 40 gets: a batch of the offsets 40 to 49 that compaction emptied. */
async function fetchEmptied(internals: Internals) {
  const { RecordBatch } = internals.load('protocol/recordBatch/v0/index') as { RecordBatch: EncodeBatch };
  const Decoder = internals.load('protocol/decoder') as DecoderClass;
  const decode = internals.load('protocol/requests/fetch/v4/decodeMessages') as DecodeMessages;
  const Batch = internals.load('consumer/batch') as BatchClass;

  const { buffer } = await RecordBatch({ firstOffset: 40, lastOffsetDelta: 9, producerId: 7, records: [] });
  const size = Buffer.alloc(4);
  size.writeInt32BE(buffer.length);
  const messages = await decode(new Decoder(Buffer.concat([size, buffer])));
  return new Batch('topic', '40', { partition: 0, highWatermark: '1000', messages });
}

function copyOf(...overrides: Override[]): Internals {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  return copy.internals;
}

test('kafkajs as published does not see where an emptied batch ends', async () => {
  const batch = await fetchEmptied(copyOf());
  expect(batch.lastOffset()).not.toBe('49');
});

test('the position moves past an emptied batch, and nothing is shown', async () => {
  const batch = await fetchEmptied(copyOf(emptyBatches));
  expect(batch.lastOffset()).toBe('49');
  expect(batch.messages).toEqual([]);
});
