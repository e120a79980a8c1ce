/**
 * The parts of kafkajs 2.2.4 behind its public interface that a group member needs: the cluster
 * handed to a partition assigner and the brokers behind it. The version is pinned.
 */
export interface Broker {
  joinGroup(request: object): Promise<object>;
  syncGroup(request: { generationId: number; memberId: string }): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: object): Promise<void>;
}

export interface Cluster {
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number }[];
  findGroupCoordinator(request: { groupId: string }): Promise<Broker>;
  brokerPool: { findConnectedBroker(): Promise<unknown> };
}
