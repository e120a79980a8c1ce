import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import type { Internals, Override } from './override.ts';
import { retryTiming } from './retry-timing.ts';

interface EosManager { initProducerId(): Promise<void> }
type CreateEosManager = (options: object) => EosManager;

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

/** How long InitProducerId takes when the coordinator still finishes a transaction and refuses twice. */
async function timeInitProducerId(internals: Internals): Promise<number> {
  const Cluster = internals.load('cluster/index') as { prototype: object };
  let refusals = 2;
  const broker = {
    initProducerId: async () => {
      if (refusals-- > 0) throw Object.assign(new Error('busy'), { type: 'CONCURRENT_TRANSACTIONS' });
      return { producerId: 1, producerEpoch: 0 };
    },
  };
  const cluster = Object.assign(Object.create(Cluster.prototype) as object, {
    refreshMetadataIfNecessary: async () => {}, findGroupCoordinator: async () => broker,
  });
  const createEosManager = internals.load('producer/eosManager/index') as CreateEosManager;
  const logger = { debug: () => {} };
  const manager = createEosManager({ logger, cluster, transactional: true, transactionalId: 'id' });
  const start = Date.now();
  const elapsedMs = manager.initProducerId().then(() => Date.now() - start);
  await vi.runAllTimersAsync();
  return elapsedMs;
}

function copyOf(...overrides: Override[]): Internals {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  return copy.internals;
}

test('the first retries of InitProducerId come within milliseconds', async () => {
  expect(await timeInitProducerId(copyOf(retryTiming))).toBeLessThan(30);
});

test('kafkajs as published waits longer, whatever it is told', async () => {
  expect(await timeInitProducerId(copyOf())).toBeGreaterThan(100);
});
