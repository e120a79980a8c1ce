/** The closed list of what may be found about a step, as the reason of its conditions. */

/** Conditions of a step that say more than "it works" and "it does not". */
export type DetailType = 'TopicsReady' | 'SchemasReady' | 'WorkloadAvailable';

export interface ReasonMeaning {
  /** The condition that shows it; null: none but the summary (`Stalled`, `Reconciling`, `Ready`). */
  type: DetailType | null;
  /** `Unknown`: what would say it could not be asked. */
  status: 'False' | 'Unknown';
}

const TOPICS: ReasonMeaning = { type: 'TopicsReady', status: 'False' };
const SCHEMAS: ReasonMeaning = { type: 'SchemasReady', status: 'False' };
const WORKLOAD: ReasonMeaning = { type: 'WorkloadAvailable', status: 'False' };
const SUMMARY: ReasonMeaning = { type: null, status: 'False' };

export const FINDING_REASONS = {
  /** A topic that the step consumes, or writes to without managing it, does not exist. */
  TopicMissing: TOPICS,
  /** A topic has more partitions than the step asks for. */
  PartitionsCannotShrink: TOPICS,
  /** A topic that must keep every record is compacted. */
  TopicCompacted: TOPICS,
  /** No topic matches a glob, and no step emits to one that does. */
  NoMatchingTopic: TOPICS,
  /** Kafka rejects what the step asks for. */
  KafkaRejected: TOPICS,
  KafkaUnavailable: { type: 'TopicsReady', status: 'Unknown' },
  KafkaUnauthorized: { type: 'TopicsReady', status: 'Unknown' },
  /** A subject, or a version of it, does not exist, and nothing says what to register. */
  SchemaMissing: SCHEMAS,
  /** The registry, or a step that reads the topic, could not read with the schema. */
  Incompatible: SCHEMAS,
  /** Not an Avro schema, or one that nothing can be written or read with. */
  InvalidSchema: SCHEMAS,
  /** A ConfigMap that a schema is taken from, or its key, is missing. */
  ConfigMapMissing: SCHEMAS,
  RegistryUnavailable: { type: 'SchemasReady', status: 'Unknown' },
  RegistryUnauthorized: { type: 'SchemasReady', status: 'Unknown' },
  /** The broker dropped offsets of the group. */
  OffsetsExpired: SUMMARY,
  /** Offsets can be set only when the group has no members. */
  GroupInUse: SUMMARY,
  /** The step names a connection that the operator does not have. */
  ConnectionUnknown: SUMMARY,
  /** The workers could not be started. */
  ApplyFailed: WORKLOAD,
} as const satisfies Record<string, ReasonMeaning>;

export type FindingReason = keyof typeof FINDING_REASONS;

/** Something that keeps a step from being ready. The message says what failed, on what, and what to do. */
export interface Finding {
  reason: FindingReason;
  message: string;
}
