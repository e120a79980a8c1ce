import { type ProtocolRequest } from '../kafkajs/private-shape.ts';
import { flexibleRequest } from './request.ts';

export interface BrokerAddress {
  nodeId: number;
  host: string;
  port: number;
}

/** `leader` null: none is elected. Each change of the leader raises `leaderEpoch`. */
export interface PartitionLeader {
  partition: number;
  leader: number | null;
  leaderEpoch: number;
}

export interface TopicMetadata {
  errorCode: number;
  name: string;
  id: string;
  partitions: PartitionLeader[];
}

export interface ClusterMetadata {
  brokers: BrokerAddress[];
  topics: TopicMetadata[];
}

export const METADATA = { apiKey: 3, apiVersion: 12, apiName: 'Metadata' };
const NO_LEADER = -1;

/** Metadata, version 12 (Kafka protocol guide): with topic ids (KIP-516) and leader epochs (KIP-320). No topic is created. */
export function metadataRequest(topics: readonly string[]): ProtocolRequest<ClusterMetadata> {
  return flexibleRequest(
    METADATA,
    (to) => {
      to.structs(topics, (name) => to.uuid(null).string(name))
        .bool(false)
        .bool(false);
    },
    (from) => {
      const brokers = from.structs(() => {
        const broker = { nodeId: from.int32(), host: from.string()!, port: from.int32() };
        from.string(); // rack
        return broker;
      });
      from.string(); // cluster id
      from.int32(); // controller
      const topicsFound = from.structs(() => {
        const topic = { errorCode: from.int16(), name: from.string()!, id: from.uuid() };
        from.int8(); // is internal
        const partitions = from.structs((): PartitionLeader => {
          from.int16(); // the leader says it as well
          const [partition, leader, leaderEpoch] = [from.int32(), from.int32(), from.int32()];
          for (let list = 0; list < 3; list++) from.array(() => from.int32()); // replicas, in sync, offline
          return { partition, leader: leader === NO_LEADER ? null : leader, leaderEpoch };
        });
        from.int32(); // authorized operations
        return { ...topic, partitions };
      });
      return { brokers, topics: topicsFound };
    },
  );
}
