import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { BatchProducer } from './batch-producer.ts';
import { RecordBatchBuilder } from './record-batch.ts';

const NOT_LEADER = 6;

/** A cluster of broker A, which does not lead partition 0 any more, and of B, which is still being connected to. */
function openOn(connected: Promise<void>) {
  const requests: string[] = [];
  const broker = (nodeId: string) => ({ connectionPool: { send: async () => {
    requests.push(nodeId);
    return { batches: [{ topic: 't', partition: 0, errorCode: nodeId === 'A' ? NOT_LEADER : 0, baseOffset: 0n }] };
  } } });
  const cluster = {
    addMultipleTargetTopics: async () => {},
    findLeaderForPartitions: (_topic: string, [partition]: number[]) => ({ [partition === 0 ? 'A' : 'B']: [partition] }),
    findBroker: async ({ nodeId }: { nodeId: string }) => {
      if (nodeId === 'B') await connected;
      return broker(nodeId);
    },
    disconnect: async () => {},
  };
  const Producer = BatchProducer as unknown as new (cluster: object, options: object, fenced: object) => BatchProducer;
  const producer = new Producer(cluster, { transactionalId: null }, { identity: { producerId: '1', producerEpoch: 0 }, coordinator: null });
  return { producer, requests };
}

const batches = () => [0, 1].map((partition) => ({
  topic: 't', partition, records: RecordBatchBuilder.of([{ key: null, value: Buffer.from('x'), constantHeaders: [], headers: [] }]),
}));

test('a send to several brokers fails only when nothing of it is under way any more', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { producer, requests } = openOn(promise);
  let isOver = false;
  const failure = expect(producer.send(batches()).finally(() => { isOver = true; })).rejects.toThrow('t/0');
  await tick();
  await tick();
  expect({ isOver, requests }).toEqual({ isOver: false, requests: ['A'] });
  resolve();
  await failure;
  expect(requests).toEqual(['A', 'B']);
});

test('a producer that was closed sends nothing, also where a connection comes only now', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { producer, requests } = openOn(promise);
  const failure = expect(producer.send(batches())).rejects.toThrow();
  await tick();
  await producer.close();
  resolve();
  await failure;
  expect(requests).toEqual(['A']);
  await expect(producer.send(batches())).rejects.toThrow('closed');
});
