import { onTestFinished } from 'vitest';
import { PartitionReader, type ReadBatch } from '../src/read/partition-reader.ts';
import { FakeCluster } from './fake-cluster.ts';
import { storedBatch } from './stored-batch.ts';
import { startVirtualTime } from './virtual-time.ts';

export const LONG_POLL_MS = 500;

/** A reader of a fake cluster, with all that it tells, in virtual time. */
export function openReader({ cluster = new FakeCluster(), partitionBytes = 1_000, onBatch = (_: ReadBatch) => {} } = {}) {
  const time = startVirtualTime();
  const batches: ReadBatch[] = [];
  const told: string[] = [];
  const reader = new PartitionReader({
    connections: cluster,
    maxBatchBytes: 100_000,
    partitionBytes: () => partitionBytes,
    events: {
      onBatch: (batch) => {
        batches.push(batch);
        onBatch(batch);
      },
      onOutOfRange: (topic, partition) => told.push(`out of range: ${topic}/${partition}`),
      onRecreated: (topic, partition) => told.push(`recreated: ${topic}/${partition}`),
      onCorrupt: (topic, partition, { offset }) => told.push(`corrupt: ${topic}/${partition} at ${offset}`),
      onTrouble: ({ message }) => told.push(`trouble: ${message}`),
    },
  });
  onTestFinished(() => reader.close());
  const start = (topic: string, partition: number, offset = 0n) => {
    reader.seek(topic, partition, offset);
    reader.resume(topic, partition);
  };
  const read = (topic = 't', partition = 0) =>
    batches
      .filter((batch) => batch.topic === topic && batch.partition === partition)
      .flatMap(({ records }) => records.map(({ offset }) => Number(offset)));
  return { ...time, cluster, reader, batches, told, start, read };
}

/** Record batches of one record each. */
export const log = (first: number, last: number, fields: object = {}) =>
  Array.from({ length: last - first + 1 }, (_, at) =>
    storedBatch({ firstOffset: BigInt(first + at), records: [{ value: 'v'.repeat(50) }], ...fields }),
  );
export const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);
export const longFetches = ({ requests }: FakeCluster) => requests.filter(({ maxWaitMs }) => maxWaitMs === LONG_POLL_MS);
