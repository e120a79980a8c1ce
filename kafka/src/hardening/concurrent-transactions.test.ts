import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { concurrentTransactions } from './concurrent-transactions.ts';
import type { Override } from './override.ts';

interface Broker { addOffsetsToTxn(request: object): Promise<unknown>; addPartitionsToTxn(request: object): Promise<unknown> }

/** A broker whose coordinator refuses with the errors of `refusals` before it accepts. */
function brokerThatRefuses(refusals: string[], ...overrides: Override[]): Broker {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  const Class = copy.internals.load('broker') as new (options: object) => Broker;
  const connectionPool = {
    isConnected: () => true,
    isAuthenticated: () => true,
    send: async () => {
      const type = refusals.shift();
      if (type) throw Object.assign(new Error(type), { type });
      return 'accepted';
    },
  };
  const versions = { 24: { minVersion: 0, maxVersion: 1 }, 25: { minVersion: 0, maxVersion: 1 } };
  const logger = { namespace: () => logger, debug: () => {} };
  const broker = new Class({ connectionPool, logger, versions });
  return Object.assign(broker, { lookupRequest: () => () => ({}) });
}

const CALLS = ['addPartitionsToTxn', 'addOffsetsToTxn'] as const;
const BUSY = 'CONCURRENT_TRANSACTIONS';

test.each(CALLS)('kafkajs as published gives up on %s', async (call) => {
  await expect(brokerThatRefuses([BUSY])[call]({})).rejects.toThrow(BUSY);
});

test.each(CALLS)('%s is sent again while the last transaction is being finished', async (call) => {
  await expect(brokerThatRefuses([BUSY, BUSY, BUSY], concurrentTransactions)[call]({})).resolves.toBe('accepted');
});

test.each(CALLS)('%s fails at once on any other error', async (call) => {
  const broker = brokerThatRefuses(['INVALID_PRODUCER_EPOCH'], concurrentTransactions);
  await expect(broker[call]({})).rejects.toThrow('INVALID_PRODUCER_EPOCH');
});
