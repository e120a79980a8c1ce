import { describe, expect, test } from 'vitest';
import { FakeCoordinator } from '../../test/fake-coordinator.ts';
import { timeoutFor } from './purpose.ts';
import { type Holder, TransactionalProducers } from './transactional-producers.ts';

const TIMEOUT_MS = 15_000;
const AT_WORK_MS = timeoutFor('work', TIMEOUT_MS);

function producersOn(broker: FakeCoordinator): TransactionalProducers {
  return new TransactionalProducers(broker.connections, { group: 'group', outputs: ['out'], transactionTimeoutMs: TIMEOUT_MS });
}

function holderWith(parts: Partial<Holder> = {}): Holder {
  return { transactionalId: 'task', inputs: [{ topic: 'in', partitions: [0] }], throwIfOver: () => undefined, isBehind: () => false, toldPosition: () => null, ...parts };
}

describe('a task that is stopped gives up at once, where', () => {
  const isEnding = (broker: FakeCoordinator) => broker.state === 'Ongoing';
  test.each(Object.entries({
    'the coordinator does not end the last transaction': { state: 'PrepareCommit', isStopped: () => true, requests: [] },
    'it waits for the end of an ending': {
      state: 'CompleteCommit', isStopped: (broker) => broker.requests.includes('EndTxn'), requests: ['EndTxn'],
    },
    'it would begin an ending': { state: 'CompleteCommit', isStopped: (broker) => broker.requests.includes('DescribeProducers'), requests: ['DescribeProducers'] },
    'it would tell the group of an ending': { state: 'CompleteCommit', isStopped: isEnding, requests: ['AddPartitionsToTxn'] },
  } satisfies Record<string, { state: FakeCoordinator['state']; isStopped: (broker: FakeCoordinator) => boolean; requests: string[] }>))('%s', async (
    _, { state, isStopped, requests },
  ) => {
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
  test.each(Object.entries({
    'committed, if a member told one above the committed one': { told: 2n, then: 2n },
    'discarded, if no member told one': { told: null, then: 1n },
    'discarded, if a member told the committed one': { told: 1n, then: 1n },
  }))('%s', async (_, { told, then }) => {
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
