import { describe, expect, test } from 'vitest';
import { FakeCoordinator } from '../../test/fake-coordinator.ts';
import { errorOf } from '../wire/request.ts';
import { timeoutFor } from './purpose.ts';
import { type Fenced, TransactionalId } from './transactional-id.ts';

const NOT_COORDINATOR = 16;
const TIMEOUT_MS = 15_000;
const WORK_MS = timeoutFor('work', TIMEOUT_MS);

function idOn(broker: FakeCoordinator, { throwIfOver = () => undefined as void, transactionTimeoutMs = TIMEOUT_MS } = {}): TransactionalId {
  return new TransactionalId(broker.connections, { transactionalId: 'task', transactionTimeoutMs, throwIfOver, lane: 'write' });
}

/** Runs `change` between the look at the state and the first request to fence. */
function beforeFencing(broker: FakeCoordinator, change: () => void): void {
  broker.beforeRequest = (api) => {
    if (api !== 'InitProducerId') return;
    broker.beforeRequest = () => undefined;
    change();
  };
}

/** The process is killed when it has fenced once. */
function killedAfterFencing(broker: FakeCoordinator): { throwIfOver(): void } {
  return {
    throwIfOver: () => {
      if (broker.requests.includes('InitProducerId')) throw new Error('killed');
    },
  };
}

describe('a transaction that was open when its state was read', () => {
  test('is committed where its holder has committed it meanwhile', async () => {
    const broker = new FakeCoordinator();
    broker.write({ timeoutMs: WORK_MS, state: 'Ongoing' });
    beforeFencing(broker, () => {
      broker.state = 'CompleteCommit';
    });
    expect((await idOn(broker).takeOver()).ending).toBe('commit');
    expect((await idOn(broker).takeOver()).ending, 'and for the next taker').toBe('commit');
  });

  test('is not known where the time-out has aborted it meanwhile, also for the next taker', async () => {
    const broker = new FakeCoordinator();
    broker.write({ timeoutMs: WORK_MS, state: 'Ongoing' });
    beforeFencing(broker, () => broker.timeOut());
    await idOn(broker, killedAfterFencing(broker))
      .takeOver()
      .catch(() => undefined);
    expect((await idOn(broker).takeOver()).ending).toBe('unknown');
  });
});

test('a worker of the version before was at work, whatever its time-out is', async () => {
  const broker = new FakeCoordinator();
  broker.write({ timeoutMs: 15_001, state: 'Ongoing' });
  expect((await idOn(broker).takeOver()).ending).toBe('abort');
  expect(broker.requests).not.toContain('EndTxn');
});

test.each([5, 15_000])('a broker that allows %d ms only, or a second, takes the ending over', async (transactionTimeoutMs) => {
  const broker = new FakeCoordinator();
  broker.longestTimeoutMs = Math.max(transactionTimeoutMs, 1_000);
  broker.write({ timeoutMs: transactionTimeoutMs, state: 'CompleteCommit' });
  const id = idOn(broker, { transactionTimeoutMs });
  expect((await id.takeOver()).ending).toBe('commit');
  const taken = await id.takeOver();
  expect(taken.ending).toBe('commit');
  await id.beginWork(taken);
  expect(broker.timeoutMs).toBe(transactionTimeoutMs);
});

test('of two takers that decide at once, both end as was stored last', async () => {
  const broker = new FakeCoordinator();
  broker.write({ timeoutMs: WORK_MS, state: 'Empty' });
  const [first, second] = [idOn(broker), idOn(broker)];
  const taken = await first.takeOver();
  expect(taken.ending).toBe('unknown');
  // Between the request of the first to decide and its look at what is stored
  let hasDecided = false;
  let other: Promise<{ ending: string }> | null = null;
  broker.beforeRequest = (api) => {
    if (api === 'DescribeTransactions' && hasDecided) other ??= second.decide(taken, 'abort');
    hasDecided ||= api === 'InitProducerId';
  };
  expect((await first.decide(taken, 'commit')).ending).toBe('abort');
  expect((await other!).ending).toBe('abort');
});

test('a taker that decides otherwise than another has ended does not know', async () => {
  const broker = new FakeCoordinator();
  broker.write({ timeoutMs: WORK_MS, state: 'Empty' });
  const id = idOn(broker);
  const taken = await id.takeOver();
  broker.beforeRequest = (api) => {
    if (api === 'DescribeTransactions') broker.state = 'CompleteCommit';
  };
  expect((await id.decide(taken, 'abort')).ending).toBe('unknown');
});

const AT_THE_COORDINATOR_FOUND: Record<string, (id: TransactionalId, taken: Fenced) => Promise<unknown>> = {
  'begins to work': (id, taken) => id.beginWork(taken),
  decides: (id, taken) => id.decide(taken, 'abort'),
  'waits for an ending': (id, taken) => id.completed(taken.coordinator),
};

test.each(Object.entries(AT_THE_COORDINATOR_FOUND))(
  'a taker that %s does not wait for a coordinator that is none any more',
  async (_, step) => {
    const broker = new FakeCoordinator();
    broker.write({ timeoutMs: WORK_MS, state: 'Empty' });
    const id = idOn(broker);
    const taken = await id.takeOver();
    const asked = broker.requests.length;
    broker.beforeRequest = () => {
      throw errorOf(NOT_COORDINATOR);
    };
    await expect(step(id, taken)).rejects.toMatchObject({ type: 'NOT_COORDINATOR_FOR_GROUP' });
    expect(broker.requests.length - asked).toBeLessThanOrEqual(1);
  },
);

test('a taker that was fenced while it decided does not end anything', async () => {
  const broker = new FakeCoordinator();
  broker.write({ timeoutMs: WORK_MS, state: 'Empty' });
  const id = idOn(broker);
  const taken = await id.takeOver();
  broker.beforeRequest = (api) => {
    if (api === 'DescribeTransactions') broker.epoch++;
  };
  await expect(id.decide(taken, 'commit')).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' });
});
