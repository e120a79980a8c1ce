import { describe, expect, test } from 'vitest';
import { FakeCoordinator } from '../../test/fake-coordinator.ts';
import { errorOf } from '../wire/request.ts';
import { OpenTransactions } from './open-transactions.ts';
import { type Ended, Settlements } from './settlements.ts';

const COORDINATOR = 1;
const ERROR = { notAuthorizedForTopic: 29, notCoordinator: 16, loading: 14, notAvailable: 15, authorization: 53 };

interface Round {
  broker: FakeCoordinator;
  end(id: string, partition?: number): Promise<void>;
}

/** Transactions of the ids that end are complete, as far as `broker` says nothing else. */
async function roundOn(broker: FakeCoordinator): Promise<Round> {
  broker.state = 'CompleteCommit';
  const settlements = new Settlements(
    broker.connections,
    { group: 'group', topics: ['out'] },
    new OpenTransactions(broker.connections, ['out']),
  );
  await settlements.look(COORDINATOR);
  const identity = { producerId: String(broker.producerId), producerEpoch: broker.epoch };
  const ended = (transactionalId: string, partition: number): Ended => ({
    transactionalId,
    identity,
    coordinator: COORDINATOR,
    before: settlements.latestView(COORDINATOR),
    outputs: [{ topic: 'out', partitions: [0] }],
    positions: [{ topic: 'in', partitions: [partition] }],
  });
  return { broker, end: (id, partition = 0) => settlements.settle(ended(id, partition)) };
}

describe('of transactions that end at the same time', () => {
  test('one whose id has an error takes none of the others with it', async () => {
    const { broker, end } = await roundOn(new FakeCoordinator());
    broker.idErrors.set('refused', ERROR.authorization);
    const [refused, settled] = await Promise.allSettled([end('refused'), end('settled')]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { type: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED' } });
    expect(settled.status).toBe('fulfilled');
  });

  test('one whose position has an error takes none of the others with it', async () => {
    const { broker, end } = await roundOn(new FakeCoordinator());
    broker.positionErrors.set(1, ERROR.notAuthorizedForTopic);
    const [refused, settled] = await Promise.allSettled([end('refused', 1), end('settled')]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { type: 'TOPIC_AUTHORIZATION_FAILED' } });
    expect(settled.status).toBe('fulfilled');
  });
});

test.each([ERROR.notCoordinator, ERROR.loading, ERROR.notAvailable])(
  'a group whose coordinator moves (error %d) is waited for',
  async (code) => {
    const { broker, end } = await roundOn(new FakeCoordinator());
    await end('before');
    let refusals = 2;
    broker.beforeRequest = (api) => {
      if (api === 'OffsetFetch' && refusals-- > 0) throw errorOf(code);
    };
    const looksForCoordinator = () => broker.requests.filter((api) => api === 'GroupCoordinator').length;
    const before = looksForCoordinator();
    await end('after');
    expect(looksForCoordinator() - before).toBe(2);
  },
);
