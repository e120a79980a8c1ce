import type { Override, Prototype } from './override.ts';

interface ConsumerGroup {
  groupId: string;
  memberId: string | null;
  coordinator: { leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown> };
  leave(): Promise<void>;
}

interface Runner {
  running: boolean;
  consumerGroup: ConsumerGroup;
  fetchManager: { stop(): Promise<void> };
  waitForConsumer(): Promise<void>;
  stop(): Promise<void>;
}

/** Forgets its id before it is sent: whoever still sends heartbeats under it would be told to join anew. */
async function leave(this: ConsumerGroup): Promise<void> {
  const { groupId, memberId, coordinator } = this;
  this.memberId = null;
  if (memberId) await coordinator.leaveGroup({ groupId, memberId });
}

/**
 * A consumer that stops waits for the answer to its fetch before it leaves the group, so that the others
 * take over later by as much as a fetch may wait. It leaves once more when a join was under way meanwhile.
 */
async function stop(this: Runner): Promise<void> {
  if (!this.running) return;
  this.running = false;
  const { consumerGroup, fetchManager } = this;
  // Told at once: a fetch of a runner that does not run is empty without a request, and is followed by the next without end
  const fetchesOver = fetchManager.stop().catch(() => undefined);
  await consumerGroup.leave().catch(() => undefined);
  await fetchesOver;
  await this.waitForConsumer();
  if (consumerGroup.memberId) await consumerGroup.leave().catch(() => undefined);
}

export const leaveFirst: Override = {
  name: 'leave-first',
  install: (internals) => {
    (internals.load('consumer/consumerGroup') as Prototype<ConsumerGroup>).prototype.leave = leave;
    (internals.load('consumer/runner') as Prototype<Runner>).prototype.stop = stop;
  },
  isActive: (internals) => (internals.load('consumer/runner') as Prototype<Runner>).prototype.stop === stop,
};
