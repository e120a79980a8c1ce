import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { FakeBrokers } from '../../test/fake-brokers.ts';
import { LeaderView } from '../transactions/leader-view.ts';
import type { Ended } from '../transactions/settlements.ts';
import { NO_MEMBER } from '../wire/group.ts';
import { BatchProducer } from './batch-producer.ts';
import { RecordBatchBuilder } from './record-batch.ts';

const ID = 'sagafleet.g.0';
const COORDINATOR = 3;
const ERROR = { concurrent: 51, unauthorized: 53, notCoordinator: 16 };

const batch = (topic: string, partition: number) => ({
  topic,
  partition,
  records: RecordBatchBuilder.of([{ key: null, value: Buffer.from('x'), constantHeaders: [], headers: [] }]),
});

/** A transactional id that was taken over, on brokers of which 1 leads all partitions. */
async function open({ isActive = true } = {}) {
  const brokers = new FakeBrokers();
  brokers.createTopic('a', [1, 1, 1]);
  brokers.createTopic('b', [1, 1]);
  const views: number[] = [];
  const settling: { ended: Ended; settled: PromiseWithResolvers<void> }[] = [];
  const looks: number[] = [];
  const view = LeaderView.of({ topics: [] });
  const producer = new BatchProducer(brokers.connections, {
    lane: 'write-2',
    identity: { producerId: '7', producerEpoch: 4 },
    transactions: {
      transactionalId: ID,
      coordinator: COORDINATOR,
      beginWork: async () => ({ producerId: '7', producerEpoch: 5 }),
      settlements: {
        look: async (coordinator) => {
          await nextTurn();
          looks.push(coordinator);
          return view;
        },
        latestView: (coordinator) => {
          views.push(coordinator);
          return view;
        },
        settle: (ended) => {
          const settled = Promise.withResolvers<void>();
          settling.push({ ended, settled });
          return settled.promise;
        },
      },
    },
  });
  if (isActive) await producer.activate();
  return { brokers, producer, views, settling, looks, view, transaction: brokers.transaction(ID) };
}

describe('a transaction', () => {
  test('learns of each partition before it is written to, once', async () => {
    const { brokers, producer } = await open();
    await producer.send([batch('a', 0), batch('a', 2), batch('b', 0)]);
    await producer.send([batch('b', 0), batch('b', 1), batch('a', 2)]);
    await producer.send([batch('a', 0)]);
    expect(brokers.requests.map(({ api, partitions }) => [api, partitions])).toEqual([
      ['AddPartitionsToTxn', ['a/0', 'a/2', 'b/0']],
      ['Produce', ['a/0', 'a/2', 'b/0']],
      ['AddPartitionsToTxn', ['b/1']],
      ['Produce', ['b/0', 'b/1', 'a/2']],
      ['Produce', ['a/0']],
    ]);
  });

  test('is written with the id and the epoch of the one that works, all over its own lane', async () => {
    const { brokers, producer } = await open();
    await producer.send([batch('a', 0)]);
    await producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 0, offset: 1n }]);
    await producer.commit();
    expect(brokers.partition('a', 0).batches).toMatchObject([{ producerId: '7', epoch: 5, isTransactional: true }]);
    expect(
      brokers.requests.filter(({ api }) => api !== 'GroupCoordinator').map(({ lane, transactionalId }) => [lane, transactionalId]),
    ).toEqual(Array.from({ length: 5 }, () => ['write-2', ID]));
  });

  test('goes to its coordinator, the positions to that of the group, which is looked for once', async () => {
    const { brokers, producer, settling } = await open();
    for (let time = 0; time < 2; time++) {
      await producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 0, offset: 1n }]);
      await producer.commit();
      settling.at(-1)!.settled.resolve();
    }
    expect(brokers.requests.map(({ api, nodeId }) => [api, nodeId])).toEqual([
      ['AddOffsetsToTxn', COORDINATOR],
      ['GroupCoordinator', null],
      ['TxnOffsetCommit', 9],
      ['EndTxn', COORDINATOR],
      ['AddOffsetsToTxn', COORDINATOR],
      ['TxnOffsetCommit', 9],
      ['EndTxn', COORDINATOR],
    ]);
  });

  test('moves the positions when it commits, and no sooner', async () => {
    const { brokers, producer } = await open();
    await producer.sendOffsets('g', NO_MEMBER, [
      { topic: 'in', partition: 3, offset: 2n ** 40n, metadata: 'beside it' },
      { topic: 'other', partition: 3, offset: 8n },
      { topic: 'in', partition: 4, offset: 9n },
    ]);
    expect(brokers.committed.size).toBe(0);
    await producer.commit();
    expect(Object.fromEntries(brokers.committed)).toEqual({
      'g/in/3': { offset: String(2n ** 40n), metadata: 'beside it' },
      'g/other/3': { offset: '8', metadata: null },
      'g/in/4': { offset: '9', metadata: null },
    });
  });

  test('moves the positions as the member that is named, and may be tried again where its generation is refused', async () => {
    const { brokers, producer } = await open();
    brokers.member = { memberId: 'me', generation: 5 };
    const positions = [{ topic: 'in', partition: 0, offset: 1n }];
    await expect(producer.sendOffsets('g', { memberId: 'me', generation: 4 }, positions)).rejects.toMatchObject({
      type: 'ILLEGAL_GENERATION',
    });
    await expect(producer.sendOffsets('g', { memberId: 'other', generation: 5 }, positions)).rejects.toMatchObject({
      type: 'UNKNOWN_MEMBER_ID',
    });
    await producer.sendOffsets('g', { memberId: 'me', generation: 5 }, positions);
    await producer.commit();
    expect(brokers.committed.get('g/in/0')).toEqual({ offset: '1', metadata: null });
  });

  test('is committed, not aborted', async () => {
    const { producer, transaction } = await open();
    await producer.send([batch('a', 0)]);
    await producer.commit();
    expect(transaction.ended).toEqual([true]);
  });

  test('that follows is told of its partitions again', async () => {
    const { brokers, producer, settling } = await open();
    for (let time = 0; time < 2; time++) {
      await producer.send([batch('a', 0)]);
      await producer.commit();
      settling.at(-1)!.settled.resolve();
    }
    expect(brokers.apis()).toEqual(['AddPartitionsToTxn', 'Produce', 'EndTxn', 'AddPartitionsToTxn', 'Produce', 'EndTxn']);
  });

  test.each([['AddPartitionsToTxn'], ['AddOffsetsToTxn']])('asks again where the last one is still being ended (%s)', async (api) => {
    const { brokers, producer } = await open();
    brokers.refuseNext(api, ERROR.concurrent);
    await producer.send([batch('a', 0)]);
    await producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 0, offset: 1n }]);
    expect(brokers.apis().filter((each) => each === api)).toHaveLength(2);
  });

  test.each([['AddPartitionsToTxn'], ['AddOffsetsToTxn'], ['TxnOffsetCommit'], ['EndTxn']])(
    'fails where %s is refused, and asks nothing again',
    async (api) => {
      const { brokers, producer } = await open();
      brokers.refuseNext(api, ERROR.unauthorized);
      const work = async () => {
        await producer.send([batch('a', 0)]);
        await producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 0, offset: 1n }]);
        await producer.commit();
      };
      await expect(work()).rejects.toMatchObject({ type: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' });
      expect(brokers.apis().filter((each) => each === api)).toHaveLength(1);
      expect(brokers.apis().at(-1)).toBe(api);
    },
  );

  test('is refused with everything in it once the producer is closed', async () => {
    const { brokers, producer } = await open();
    await producer.send([batch('a', 0)]);
    const before = brokers.requests.length;
    await producer.close();
    await expect(producer.send([batch('a', 0)])).rejects.toThrow('closed');
    await expect(producer.send([batch('a', 1)])).rejects.toThrow('closed');
    await expect(producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 0, offset: 1n }])).rejects.toThrow('closed');
    await expect(producer.commit()).rejects.toThrow('closed');
    expect(brokers.requests).toHaveLength(before);
  });
});

describe('before the first transaction', () => {
  test('leaders are looked at, so that it is known whom its markers go to', async () => {
    const { looks } = await open();
    expect(looks).toEqual([COORDINATOR]);
  });

  test('nothing is written with the epoch that ends what is open', async () => {
    const { brokers, producer } = await open({ isActive: false });
    await expect(producer.send([batch('a', 0)])).rejects.toThrow('not activated');
    await expect(producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 0, offset: 1n }])).rejects.toThrow('not activated');
    expect(brokers.requests).toEqual([]);
  });

  test('nothing is in doubt', async () => {
    const { producer } = await open();
    await expect(producer.settled).resolves.toBeUndefined();
  });
});

describe('what a commit leaves to be settled', () => {
  test('are its outputs and positions, with the leaders as they were before it began', async () => {
    const { producer, settling, views, view } = await open();
    await producer.send([batch('a', 2), batch('b', 1)]);
    await producer.send([batch('a', 0)]);
    await producer.sendOffsets('g', NO_MEMBER, [
      { topic: 'in', partition: 3, offset: 7n },
      { topic: 'other', partition: 3, offset: 8n },
    ]);
    expect(views).toEqual([COORDINATOR]);
    await producer.commit();
    expect(settling.map(({ ended }) => ended)).toEqual([
      {
        transactionalId: ID,
        identity: { producerId: '7', producerEpoch: 5 },
        coordinator: COORDINATOR,
        before: view,
        outputs: [
          { topic: 'a', partitions: [2, 0] },
          { topic: 'b', partitions: [1] },
        ],
        positions: [
          { topic: 'in', partitions: [3] },
          { topic: 'other', partitions: [3] },
        ],
      },
    ]);
  });

  test('is nothing of the one before', async () => {
    const { producer, settling } = await open();
    await producer.send([batch('a', 2)]);
    await producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 3, offset: 7n }]);
    await producer.commit();
    settling[0]!.settled.resolve();
    await producer.send([batch('b', 0)]);
    await producer.commit();
    expect(settling[1]!.ended).toMatchObject({ outputs: [{ topic: 'b', partitions: [0] }], positions: [] });
  });

  test('may fail while nobody looks', async () => {
    const { producer, settling } = await open();
    await producer.send([batch('a', 0)]);
    await producer.commit();
    settling[0]!.settled.reject(new Error('markers are missing'));
    // An error that nobody handles fails the run of the tests, as it would end a worker
    await nextTurn();
    await expect(producer.settled).rejects.toThrow('missing');
  });

  test('is nothing where nothing was begun', async () => {
    const { producer, settling } = await open();
    await producer.commit();
    expect(settling).toEqual([]);
    await expect(producer.settled).resolves.toBeUndefined();
  });

  test('keeps the next transaction from beginning, with its outputs and with its positions', async () => {
    const { brokers, producer, settling } = await open();
    await producer.send([batch('a', 0)]);
    await producer.commit();
    const before = brokers.requests.length;
    const next = [producer.send([batch('a', 0)]), producer.sendOffsets('g', NO_MEMBER, [{ topic: 'in', partition: 0, offset: 1n }])];
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    expect(brokers.apis(before)).toEqual([]);
    settling[0]!.settled.resolve();
    await Promise.all(next);
    expect(brokers.apis(before).toSorted()).toEqual([
      'AddOffsetsToTxn',
      'AddPartitionsToTxn',
      'GroupCoordinator',
      'Produce',
      'TxnOffsetCommit',
    ]);
  });
});
