import { describe, expect, test } from 'vitest';
import type { Connections } from '../connections/connections.ts';
import { type ProtocolRequest } from '../kafkajs/private-shape.ts';
import { BatchProducer, type PartitionBatch } from './batch-producer.ts';
import { perRequest } from './produce-request.ts';
import { RecordBatchBuilder } from './record-batch.ts';

const MIB = 1024 * 1024;
const sized = (...mebibytes: number[]) => mebibytes.map((each, partition) => ({ partition, records: { bytes: each * MIB } }));
const shown = (requests: { partition: number }[][]) => requests.map((each) => each.map(({ partition }) => partition));

describe('batches for one broker are cut to requests', () => {
  const CASES: Record<string, { mebibytes: number[]; requests: number[][] }> = {
    'nothing is sent where there is nothing': { mebibytes: [], requests: [] },
    'what fits into one request is one': { mebibytes: [1, 3, 4], requests: [[0, 1, 2]] },
    'what does not is several, in order': { mebibytes: [3, 3, 3, 3, 3], requests: [[0, 1], [2, 3], [4]] },
    'a batch above the limit goes alone': { mebibytes: [1, 20, 1, 1], requests: [[0], [1], [2, 3]] },
  };
  test.each(Object.entries(CASES))('%s', (_, { mebibytes, requests }) => {
    expect(shown(perRequest(sized(...mebibytes)))).toEqual(requests);
  });
});

test('a send to hundreds of partitions of one broker is no request above 8 MiB, and all are answered', async () => {
  const sent: number[] = [];
  const connections = {
    leaders: { look: async () => {}, ensure: async () => {}, leaderOf: () => ({ leader: 1 }) },
    sendToAny: async () => ({ producerId: '1', producerEpoch: 0 }),
    send: async (_: unknown, { request }: ProtocolRequest<unknown>) => {
      const { parts } = (await request.encode()) as unknown as { parts: Buffer[] };
      sent.push(parts.reduce((sum, part) => sum + part.length, 0));
      const partitions = parts.filter((part) => part.length > 1_000).length;
      return { batches: Array.from({ length: partitions }, () => ({ topic: 't', partition: 0, errorCode: 0, baseOffset: 0n })) };
    },
  };
  const producer = await BatchProducer.openIdempotent(connections as unknown as Connections);
  const value = Buffer.alloc(100_000);
  const batches: PartitionBatch[] = Array.from({ length: 300 }, (_, partition) => ({
    topic: 't',
    partition,
    records: RecordBatchBuilder.of([{ key: null, value, constantHeaders: [], headers: [] }]),
  }));
  expect(await producer.send(batches)).toHaveLength(300);
  expect(sent).toHaveLength(4);
  expect(Math.max(...sent)).toBeLessThan(8.1 * MIB);
});
