import { setImmediate as tick } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Connections } from '../connections/connections.ts';
import { LeaderView } from '../transactions/leader-view.ts';
import type { Ended } from '../transactions/settlements.ts';
import { NO_MEMBER } from '../wire/group.ts';
import { BatchesRefused, BatchProducer, ProduceError } from './batch-producer.ts';
import { RecordBatchBuilder } from './record-batch.ts';

const NOT_LEADER = 6;
const TOO_LARGE = 10;
const [A, B] = [1, 2];

/** Broker A, which does not lead partition 0 any more, and B, which is still being connected to. */
function openOn(connected: Promise<void>, answerOfB = 0) {
  const requests: number[] = [];
  const connections = {
    leaders: {
      ensure: async () => undefined,
      look: async () => undefined,
      leaderOf: (_topic: string, partition: number) => ({ partition, leader: partition === 0 ? A : B, leaderEpoch: 0 }),
    },
    send: async ({ nodeId }: { nodeId: number }, _request: object, signal?: AbortSignal) => {
      if (nodeId === B) await connected;
      signal?.throwIfAborted();
      requests.push(nodeId);
      return {
        batches: [{ topic: 't', partition: nodeId === A ? 0 : 1, errorCode: nodeId === A ? NOT_LEADER : answerOfB, baseOffset: 0n }],
      };
    },
  } as unknown as Connections;
  const producer = new BatchProducer(connections, { lane: 'write-0', identity: { producerId: '1', producerEpoch: 0 }, transactions: null });
  return { producer, requests };
}

const batchTo = (partition: number) => ({
  topic: 't',
  partition,
  records: RecordBatchBuilder.of([{ key: null, value: Buffer.from('x'), constantHeaders: [], headers: [] }]),
});
const batches = () => [0, 1].map(batchTo);

test('a send to several brokers fails only when nothing of it is under way any more', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { producer, requests } = openOn(promise);
  let isOver = false;
  const failure = expect(
    producer.send(batches()).finally(() => {
      isOver = true;
    }),
  ).rejects.toThrow('t/0');
  await tick();
  await tick();
  expect({ isOver, requests }).toEqual({ isOver: false, requests: [A] });
  resolve();
  await failure;
  expect(requests).toEqual([A, B]);
});

test('what one broker refuses does not hide what went wrong at another, after which the producer is to be closed', async () => {
  const { producer, requests } = openOn(Promise.resolve(), TOO_LARGE);
  await expect(producer.send([batchTo(1)])).rejects.toThrow(BatchesRefused);
  await expect(producer.send(batches())).rejects.toThrow(ProduceError);
  expect(requests.sort()).toEqual([A, B, B]);
});

test('a producer that was closed sends nothing, also where a connection comes only now', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { producer, requests } = openOn(promise);
  const failure = expect(producer.send(batches())).rejects.toThrow();
  await tick();
  const closing = producer.close();
  resolve();
  await failure;
  await closing;
  expect(requests).toEqual([A]);
  await expect(producer.send(batches())).rejects.toThrow('closed');
});

/** One broker that takes everything, and a transactional id at work. */
async function transactional() {
  const [asked, settling] = [[] as string[], [] as { ended: Ended; settled: PromiseWithResolvers<void> }[]];
  const connections = {
    leaders: { ensure: async () => undefined, look: async () => undefined, leaderOf: () => ({ leader: A, leaderEpoch: 0 }) },
    sendToAny: async () => ({ coordinator: { nodeId: A } }),
    send: async (_to: object, { request: { apiName } }: { request: { apiName: string } }) => {
      asked.push(apiName);
      return { batches: [] };
    },
  } as unknown as Connections;
  const view = LeaderView.of({ topics: [] });
  const producer = new BatchProducer(connections, {
    lane: 'write-0',
    identity: { producerId: '1', producerEpoch: 0 },
    transactions: {
      transactionalId: 'x',
      coordinator: A,
      beginWork: async () => ({ producerId: '1', producerEpoch: 1 }),
      settlements: {
        look: async () => view,
        latestView: () => view,
        settle: (ended) => {
          const settled = Promise.withResolvers<void>();
          settling.push({ ended, settled });
          return settled.promise;
        },
      },
    },
  });
  return { producer, asked, settling };
}

test('the next transaction begins when the markers of the last one are written', async () => {
  const { producer, asked, settling } = await transactional();
  await expect(producer.send([batchTo(0)])).rejects.toThrow('activated');
  await producer.activate();
  await producer.send([batchTo(0)]);
  await producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 3, offset: 7n }]);
  await producer.commit();
  expect(settling[0]!.ended).toMatchObject({
    transactionalId: 'x',
    identity: { producerId: '1', producerEpoch: 1 },
    outputs: [{ topic: 't', partitions: [0] }],
    positions: [{ topic: 'in', partitions: [3] }],
  });
  const before = asked.length;
  const next = producer.send([batchTo(0)]);
  await tick();
  expect(asked.slice(before)).toEqual([]);
  settling[0]!.settled.resolve();
  await next;
  expect(asked.slice(before)).toEqual(['AddPartitionsToTxn', 'Produce']);
});

test('what makes the last transaction doubtful fails the next before it writes', async () => {
  const { producer, asked, settling } = await transactional();
  await producer.activate();
  await producer.send([batchTo(0)]);
  await producer.commit();
  const before = asked.length;
  settling[0]!.settled.reject(new Error('markers are missing'));
  await expect(producer.send([batchTo(0)])).rejects.toThrow('missing');
  await expect(producer.settled).rejects.toThrow('missing');
  expect(asked.slice(before)).toEqual([]);
});
