import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { BatchProducer, Connections, crc32c, type PartitionBatch, RecordBatchBuilder } from '@sagafleet/kafka';
import type { StepFixture } from './step-fixture.ts';

type BatchWriter = Parameters<RecordBatchBuilder['seal']>[0];
export interface CompressedRecord {
  key: string | null;
  value: Buffer;
}

/** Appends the records to partition 0 of the input as one batch, with zstd; a topic with another `compression.type` stores it with that. */
export async function sendCompressed(step: StepFixture, records: readonly CompressedRecord[]): Promise<void> {
  const batch = RecordBatchBuilder.of(
    records.map(({ key, value }) => ({ key: key === null ? null : Buffer.from(key), value, constantHeaders: [], headers: [] })),
  );
  batch.compress();
  await append(step, batch);
}

/** Appends one batch of records of zeros, each with a value of that many bytes, which are never in memory. Returns the size of the batch. */
export async function sendBomb(step: StepFixture, valueBytes: readonly number[]): Promise<number> {
  const records = await compressedZeros(valueBytes);
  const batch = {
    count: valueBytes.length,
    bytes: records.length,
    seal: (writer: BatchWriter, now: number) => {
      // Its head is that of as many other records
      const others = RecordBatchBuilder.of(valueBytes.map(() => ({ key: null, value: null, constantHeaders: [], headers: [] })));
      return withRecords(others.seal(writer, now), records);
    },
    release: () => undefined,
  };
  await append(step, batch as unknown as RecordBatchBuilder);
  return records.length;
}

/** Kafka protocol guide, "Record Batch". */
function withRecords(batch: Buffer, records: Buffer): Buffer {
  const [headBytes, attributesAt, zstd] = [61, 21, 4];
  const changed = Buffer.concat([batch.subarray(0, headBytes), records]);
  changed.writeInt32BE(changed.length - 12, 8);
  changed.writeInt16BE(zstd, attributesAt);
  changed.writeUInt32BE(crc32c(changed, attributesAt), 17);
  return changed;
}

async function compressedZeros(valueBytes: readonly number[]): Promise<Buffer> {
  const compressor = createZstdCompress();
  const compressed = buffer(compressor);
  await pipeline(zeros(valueBytes), compressor);
  return compressed;
}

/** Kafka protocol guide, "Record". */
function* zeros(valueBytes: readonly number[]): Generator<Buffer> {
  const chunk = Buffer.alloc(4 * 1024 * 1024);
  for (const [offsetDelta, bytes] of valueBytes.entries()) {
    const head = Buffer.concat([Buffer.from([0, 0]), varint(offsetDelta), varint(-1), varint(bytes)]);
    yield Buffer.concat([varint(head.length + bytes + 1), head]);
    for (let left = bytes; left > 0; left -= chunk.length) yield chunk.subarray(0, left);
    yield varint(0); // no headers
  }
}

function varint(value: number): Buffer {
  let zigzag = BigInt.asUintN(32, BigInt((value << 1) ^ (value >> 31)));
  const bytes: number[] = [];
  for (; zigzag >= 0x80n; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(zigzag)]);
}

async function append(step: StepFixture, records: RecordBatchBuilder): Promise<void> {
  const connections = new Connections(step.kafka);
  const producer = await BatchProducer.openIdempotent(connections);
  try {
    await producer.send([{ topic: step.names.input, partition: 0, records } satisfies PartitionBatch]);
  } finally {
    await producer.close();
    await connections.close();
  }
}
