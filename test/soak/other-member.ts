import { AssignerProtocol } from '@sagafleet/kafka';
import type { Assigner, Consumer, Kafka } from 'kafkajs';

/** As in worker/src/kafka/assigner.ts; the leader, which joined first, is the worker. */
const ASSIGNER = { name: 'sagafleet-tasks', version: 1 };
const HEARTBEAT_MS = 250;

/**
 * A member of the worker's group that takes its share of the tasks and works none of them: a whole worker would take a
 * second to start, and so a thousand rebalances half an hour.
 */
export class OtherMember {
  readonly #consumer: Consumer;

  private constructor(consumer: Consumer) {
    this.#consumer = consumer;
  }

  /** Resolves when it has its share. */
  static async join(kafka: Kafka, { group, topic }: { group: string; topic: string }): Promise<OtherMember> {
    const consumer = kafka.consumer({
      groupId: group,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: HEARTBEAT_MS,
      allowAutoTopicCreation: false,
      partitionAssigners: [taskAssigner],
    });
    const joined = Promise.withResolvers<void>();
    consumer.on(consumer.events.GROUP_JOIN, () => joined.resolve());
    consumer.on(consumer.events.CRASH, ({ payload }) => joined.reject(payload.error));
    await consumer.connect();
    await consumer.subscribe({ topics: [topic] });
    await consumer.run({ autoCommit: false, eachBatch: async () => {} });
    await joined.promise;
    return new OtherMember(consumer);
  }

  async leave(): Promise<void> {
    await this.#consumer.disconnect();
  }
}

function taskAssigner(): Assigner {
  return {
    ...ASSIGNER,
    protocol: ({ topics }) => ({
      name: ASSIGNER.name,
      metadata: AssignerProtocol.MemberMetadata.encode({ version: ASSIGNER.version, topics, userData: Buffer.alloc(0) }),
    }),
    assign: async () => {
      throw new Error('the worker is not the leader of its group');
    },
  };
}
