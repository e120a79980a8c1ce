/**
 * The parts of kafkajs 2.2.4 behind its public interface that a group member needs: the cluster
 * handed to a partition assigner and the brokers behind it. The version is pinned.
 */
import type { AnsweredPartition } from '@sagafleet/kafka';
import { ISOLATION, openCluster } from '@sagafleet/kafka';
import type { Kafka } from 'kafkajs';

export interface GroupTopicOffsets { topic: string; partitions: { partition: number; offset: string; metadata?: string }[] }
interface CommittedTopicOffsets { topic: string; partitions: AnsweredPartition[] }

export interface Broker {
  nodeId: number;
  isConnected(): boolean;
  joinGroup(request: object): Promise<object>;
  syncGroup(request: { generationId: number; memberId: string }): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<void>;
  offsetFetch(request: { groupId: string; topics: object[] }): Promise<{ responses: CommittedTopicOffsets[] }>;
  offsetCommit(request: {
    groupId: string; groupGenerationId: number; memberId: string; topics: GroupTopicOffsets[]; retentionTime: number;
  }): Promise<void>;
}

export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number }[];
  findGroupCoordinator(request: { groupId: string }): Promise<Broker>;
  fetchTopicsOffset(topics: {
    topic: string; partitions: { partition: number }[]; fromBeginning: boolean;
  }[]): Promise<GroupTopicOffsets[]>;
}

/** A cluster of its own: its requests never queue behind a long fetch on the same connection. */
export function createCluster(kafka: Kafka): Cluster {
  return openCluster(kafka, ISOLATION.readCommitted) as unknown as Cluster;
}
