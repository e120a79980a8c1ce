import { describe, expect, test } from 'vitest';
import { FakeCoordinator } from '../../test/fake-coordinator.ts';
import { timeoutFor } from './purpose.ts';
import { type Holder, TransactionalProducers } from './transactional-producers.ts';

const TIMEOUT_MS = 15_000;
const AT_WORK_MS = timeoutFor('work', TIMEOUT_MS);

function producersOn(broker: FakeCoordinator, now?: () => number): TransactionalProducers {
  return new TransactionalProducers(broker.connections, {
    group: 'group',
    outputs: ['out'],
    transactionTimeoutMs: TIMEOUT_MS,
    ...(now && { now }),
  });
}

function holderWith(parts: Partial<Holder> = {}): Holder {
  return {
    transactionalId: 'task',
    inputs: [{ topic: 'in', partitions: [0] }],
    throwIfOver: () => undefined,
    isBehind: () => false,
    toldPosition: () => null,
    ...parts,
  };
}

describe('a task that is stopped gives up at once, where', () => {
  const isEnding = (broker: FakeCoordinator) => broker.state === 'Ongoing';
  test.each(
    Object.entries({
      'the coordinator does not end the last transaction': { state: 'PrepareCommit', isStopped: () => true, requests: [] },
      'it waits for the end of an ending': {
        state: 'CompleteCommit',
        isStopped: (broker) => broker.requests.includes('EndTxn'),
        requests: ['EndTxn'],
      },
      'it would begin an ending': {
        state: 'CompleteCommit',
        isStopped: (broker) => broker.requests.includes('DescribeProducers'),
        requests: ['DescribeProducers'],
      },
      'it would tell the group of an ending': { state: 'CompleteCommit', isStopped: isEnding, requests: ['AddPartitionsToTxn'] },
    } satisfies Record<string, { state: FakeCoordinator['state']; isStopped: (broker: FakeCoordinator) => boolean; requests: string[] }>),
  )('%s', async (_, { state, isStopped, requests }) => {
    const broker = new FakeCoordinator();
    broker.write({ timeoutMs: AT_WORK_MS, state });
    broker.position.pending = 2n;
    const throwIfOver = () => {
      if (isStopped(broker)) throw new Error('stopped');
    };
    await expect(producersOn(broker).open(holderWith({ throwIfOver }))).rejects.toThrow('stopped');
    expect(broker.requests.slice(broker.requests.length - requests.length)).toEqual(requests);
    expect(broker.requests.includes('InitProducerId')).toBe(requests.length > 0);
  });
});

describe('where it is not known how a transaction ended, a position that it holds open is', () => {
  test.each(
    Object.entries({
      'committed, if a member told one above the committed one': { told: 2n, then: 2n },
      'discarded, if no member told one': { told: null, then: 1n },
      'discarded, if a member told the committed one': { told: 1n, then: 1n },
    }),
  )('%s', async (_, { told, then }) => {
    const broker = new FakeCoordinator();
    // As after a client without marks, which fenced
    Object.assign(broker, { state: 'Empty', timeoutMs: AT_WORK_MS, position: { committed: 1n, pending: 2n } });
    await producersOn(broker).open(holderWith({ toldPosition: () => told }));
    expect(broker.position).toEqual({ committed: then, pending: null });
  });
});

describe('a task without transactions', () => {
  test('ends what one with transactions left open', async () => {
    const broker = new FakeCoordinator();
    broker.write({ timeoutMs: AT_WORK_MS, state: 'CompleteCommit' });
    broker.position.pending = 2n;
    await producersOn(broker).endLeftOpen(holderWith());
    expect(broker).toMatchObject({ open: [], position: { committed: 2n, pending: null } });
  });

  test('makes no transactional id where there was none', async () => {
    const broker = new FakeCoordinator();
    await producersOn(broker).endLeftOpen(holderWith());
    expect(broker.state).toBeNull();
  });

  test('needs no right to one', async () => {
    const broker = new FakeCoordinator();
    broker.idErrors.set('task', 53); // TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    await producersOn(broker).endLeftOpen(holderWith());
    expect(broker.requests).not.toContain('InitProducerId');
  });
});

describe('a transaction that cannot be ended', () => {
  const endings = ({ requests }: FakeCoordinator) => requests.filter((api) => ['InitProducerId', 'EndTxn'].includes(api)).length;

  function hanging() {
    const broker = new FakeCoordinator();
    const clock = { ms: 0 };
    broker.write({ timeoutMs: AT_WORK_MS, state: 'CompleteCommit' });
    broker.leavesMarkersOut = true;
    return { broker, clock, producers: producersOn(broker, () => clock.ms) };
  }

  test('is only looked at by who asks again, so that no epochs are used up', async () => {
    const { broker, producers } = hanging();
    await expect(producers.open(holderWith())).rejects.toThrow('holds a transaction open');
    const before = endings(broker);
    for (let retry = 0; retry < 3; retry++) await expect(producers.open(holderWith())).rejects.toThrow('holds a transaction open');
    expect(endings(broker)).toBe(before);
  });

  test('is tried again after minutes, since it may have been the fault of a broker that was away', async () => {
    const { broker, clock, producers } = hanging();
    await expect(producers.open(holderWith())).rejects.toThrow('holds a transaction open');
    broker.leavesMarkersOut = false;
    clock.ms += 300_000;
    await producers.open(holderWith());
    expect(broker.open).toEqual([]);
  });

  test('is over once an administrator has ended it', async () => {
    const { broker, producers } = hanging();
    await expect(producers.open(holderWith())).rejects.toThrow('holds a transaction open');
    broker.open = [];
    await producers.open(holderWith());
  });

  test('does not stand for a later one, of an owner that is to be fenced', async () => {
    const { broker, producers } = hanging();
    await expect(producers.open(holderWith())).rejects.toThrow('holds a transaction open');
    broker.write({ timeoutMs: AT_WORK_MS, state: 'Ongoing' });
    broker.open[0]!.since = 8n;
    broker.leavesMarkersOut = false;
    await producers.open(holderWith());
    expect(broker.open).toEqual([]);
  });

  test('is not forgotten where the coordinator has given another producer id', async () => {
    const { broker, clock, producers } = hanging();
    broker.beforeRequest = (api) => {
      if (api !== 'InitProducerId') return;
      broker.beforeRequest = () => undefined;
      broker.forget();
    };
    for (let retry = 0; retry < 3; retry++) {
      await expect(producers.open(holderWith())).rejects.toThrow(/of producer 7\b/);
      clock.ms += 300_000;
    }
  });
});
