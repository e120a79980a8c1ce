import type { Override, Prototype } from './override.ts';

interface ConsumerGroup {
  cluster: object;
  memberId: string | null;
}
interface Membership {
  joinAndSync(this: ConsumerGroup): Promise<void>;
  leave(this: ConsumerGroup): Promise<void>;
}
type ConsumerGroupClass = Prototype<Membership>;

/** By the cluster of the consumer, which outlives its crashes. */
const memberIds = new WeakMap<object, string>();
const repaired = new WeakSet<object>();

function joinAgain(stock: Membership['joinAndSync']): Membership['joinAndSync'] {
  async function joinAndSync(this: ConsumerGroup): Promise<void> {
    this.memberId ??= memberIds.get(this.cluster) ?? null;
    await stock.call(this);
    if (this.memberId) memberIds.set(this.cluster, this.memberId);
  }
  repaired.add(joinAndSync);
  return joinAndSync;
}

function leaveForGood(stock: Membership['leave']): Membership['leave'] {
  async function leave(this: ConsumerGroup): Promise<void> {
    await stock.call(this);
    memberIds.delete(this.cluster);
  }
  repaired.add(leave);
  return leave;
}

/**
 * A consumer that crashed and restarts, as it does whenever its coordinator was away, joins as somebody
 * new. The member that it was cannot leave meanwhile, so the group waits for it, up to the rebalance
 * and then the session time-out. A coordinator that no longer knows the old id says so, and kafkajs
 * then asks for a new one.
 */
export const memberId: Override = {
  name: 'member-id',
  install: (internals) => {
    const { prototype } = internals.load('consumer/consumerGroup') as ConsumerGroupClass;
    prototype.joinAndSync = joinAgain(prototype.joinAndSync);
    prototype.leave = leaveForGood(prototype.leave);
  },
  isActive: (internals) => {
    const { prototype } = internals.load('consumer/consumerGroup') as ConsumerGroupClass;
    return repaired.has(prototype.joinAndSync) && repaired.has(prototype.leave);
  },
};
