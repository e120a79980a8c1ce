import type { Override, Prototype } from './override.ts';

/**
 * InitProducerId and TxnOffsetCommit take their retries from `cluster.retry`, which kafkajs reads and
 * never sets: whatever a client asks for, they wait 300 ms before the first retry, also where the
 * coordinator needs a few milliseconds to finish the transaction before. About 0.4 s in all; who
 * must outlast a failover retries around it.
 */
export const TRANSACTION_RETRY = { initialRetryTime: 8, multiplier: 1.5, retries: 8 };

type ClusterClass = Prototype<{ retry?: unknown }>;

export const retryTiming: Override = {
  name: 'retry-timing',
  install: (internals) => {
    (internals.load('cluster') as ClusterClass).prototype.retry = TRANSACTION_RETRY;
  },
  isActive: (internals) => (internals.load('cluster') as ClusterClass).prototype.retry === TRANSACTION_RETRY,
};
