import type { Override, Prototype } from './override.ts';

interface ConsumerGroup {
  memberId: string | null;
  cluster: { refreshMetadataIfNecessary(): Promise<void>; brokerPool: { metadata: object | null } };
  checkForStaleAssignment(): void;
  joinAndSync(): Promise<void>;
  fetch(nodeId: string): Promise<unknown[]>;
}

const lastMetadata = new WeakMap<ConsumerGroup, object | null>();
/** kafkajs sends heartbeats between two fetches, and leaves the group behind one: shorter ones are most of what an idle worker does. */
const FETCH_MS = 250;

/**
 * Records are fetched by a reader of our own (ADR 9). kafkajs' loop of fetches goes on, since it sends the heartbeats and
 * joins again; a fetch only looks for partitions that were added. It also joins where a join failed that followed on the coordinator's
 * "unknown member": kafkajs has no member id then, sends no heartbeat without one, and would never learn of it.
 */
async function fetch(this: ConsumerGroup): Promise<never[]> {
  // What metadata cannot be had now is asked for with the next; a coordinator that is away shows by its heartbeats
  await this.cluster.refreshMetadataIfNecessary().catch(() => undefined);
  if (this.memberId === null || hasMorePartitions(this)) await this.joinAndSync();
  await new Promise((resolve) => {
    setTimeout(resolve, FETCH_MS);
  });
  return [];
}

function hasMorePartitions(group: ConsumerGroup): boolean {
  if (lastMetadata.get(group) === group.cluster.brokerPool.metadata) return false;
  lastMetadata.set(group, group.cluster.brokerPool.metadata);
  try {
    group.checkForStaleAssignment();
    return false;
  } catch (error) {
    return (error as Error).name === 'KafkaJSStaleTopicMetadataAssignment';
  }
}

export const membershipOnly: Override = {
  name: 'membership-only',
  install: (internals) => {
    (internals.load('consumer/consumerGroup') as Prototype<ConsumerGroup>).prototype.fetch = fetch;
  },
  isActive: (internals) => (internals.load('consumer/consumerGroup') as Prototype<ConsumerGroup>).prototype.fetch === fetch,
};
