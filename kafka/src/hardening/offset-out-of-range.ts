import type { Override, Prototype } from './override.ts';

interface OutOfRange { topic: string; partition: number }
type Handler = (at: OutOfRange) => void;

interface ConsumerGroup {
  cluster: object;
  preferredReadReplicasPerTopicPartition: Record<string, Record<number, unknown>>;
}
interface Recovery { recoverFromOffsetOutOfRange(this: ConsumerGroup, error: OutOfRange): Promise<void> }
type ConsumerGroupClass = Prototype<Recovery>;

const handlers = new WeakMap<object, Handler>();

/** Tells `handler` when the broker has no record at a position, for the consumer that uses `cluster`. */
export function onOffsetOutOfRange(cluster: object, handler: Handler): void {
  handlers.set(cluster, handler);
}

const stock = new WeakMap<object, Recovery['recoverFromOffsetOutOfRange']>();

function recoverBy(original: Recovery['recoverFromOffsetOutOfRange']): Recovery['recoverFromOffsetOutOfRange'] {
  async function recover(this: ConsumerGroup, error: OutOfRange): Promise<void> {
    const handler = handlers.get(this.cluster);
    if (!handler) return original.call(this, error);
    delete this.preferredReadReplicasPerTopicPartition[error.topic]?.[error.partition];
    handler({ topic: error.topic, partition: error.partition });
  }
  stock.set(recover, original);
  return recover;
}

/**
 * Where a position is out of range kafkajs commits the default offset to the group, outside of any
 * transaction and past whatever the group had committed, and goes on there without a word. Consumers
 * that registered a handler decide themselves and nothing is committed for them.
 */
export const offsetOutOfRange: Override = {
  name: 'offset-out-of-range',
  install: (internals) => {
    const { prototype } = internals.load('consumer/consumerGroup') as ConsumerGroupClass;
    prototype.recoverFromOffsetOutOfRange = recoverBy(prototype.recoverFromOffsetOutOfRange);
  },
  isActive: (internals) => {
    const { prototype } = internals.load('consumer/consumerGroup') as ConsumerGroupClass;
    return stock.has(prototype.recoverFromOffsetOutOfRange);
  },
};
