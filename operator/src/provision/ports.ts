/** What provisioning needs of Kafka and of the registry; packages `kafka` and `registry` have it. */

export interface TopicDescription {
  name: string;
  partitions: number;
  replicationFactor: number;
}
export interface NewTopic extends TopicDescription {
  config: Record<string, string>;
}
export interface PartitionOffsets {
  partition: number;
  earliest: bigint;
  latest: bigint;
}
export interface TopicPartitionOffset {
  topic: string;
  partition: number;
  offset: bigint;
}
/** `isForgotten`: the group had an offset there, and the broker dropped it. */
export interface CommittedOffset {
  topic: string;
  partition: number;
  offset: bigint | null;
  isForgotten: boolean;
}

export interface TopicAdmin {
  /** All topics but Kafka's own, or those of `names` that exist. */
  describeTopics(names?: readonly string[]): Promise<TopicDescription[]>;
  /** Settings of the topics' own, and the effective `max.message.bytes` and `compression.type`. */
  topicConfigs(names: readonly string[]): Promise<Map<string, Record<string, string>>>;
  /** A topic that exists stays as it is. */
  createTopics(topics: readonly NewTopic[]): Promise<void>;
  growPartitions(name: string, partitions: number): Promise<void>;
  /** Settings that are not named keep their values. */
  alterTopicConfig(name: string, changes: Record<string, string>): Promise<void>;
  /** Null where brokers know no such setting. */
  brokerSetting(name: string): Promise<string | null>;
  offsets(topic: string): Promise<PartitionOffsets[]>;
  committedOffsets(group: string, topics: readonly string[]): Promise<CommittedOffset[]>;
  /** Refused while the group has members. */
  commitOffsets(group: string, offsets: readonly TopicPartitionOffset[]): Promise<void>;
}

export interface SchemaReference {
  name: string;
  subject: string;
  version: number;
}
/** `dependencies`: texts of what it refers to. */
export interface RegistrySchema {
  id: number;
  schema: string;
  references: SchemaReference[];
  dependencies: readonly string[];
}
export type CompatibilityLevel =
  'NONE' | 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE';

export interface SchemaRegistry {
  latest(subject: string): Promise<RegistrySchema & { version: number }>;
  version(subject: string, version: number): Promise<RegistrySchema & { version: number }>;
  /** Null where the subject has none of its own. */
  compatibilityLevel(subject?: string): Promise<CompatibilityLevel | null>;
  setCompatibilityLevel(subject: string, level: CompatibilityLevel): Promise<void>;
  checkCompatibility(subject: string, schema: string, references?: SchemaReference[]): Promise<{ compatible: boolean; messages: string[] }>;
  register(subject: string, schema: string, references?: SchemaReference[]): Promise<{ id: number; version: number }>;
}
