import type { SchemaSource, SchemaVersion, TopicLimitSettings } from '@sagafleet/schemas';
import type { Finding } from '../reasons.ts';

/** What a step needs outside of Kubernetes before its first worker starts. */

export interface TopicNeed {
  name: string;
  partitions: number;
  /** The step itself asks for this number, so that a topic with more is a mistake. */
  arePartitionsSet: boolean;
  replicationFactor: number;
  config: Record<string, string>;
  /** False: the topic is somebody else's, it must exist. */
  isManaged: boolean;
}

export interface SchemaNeed {
  subject: string;
  version: SchemaVersion;
  /** Avro schema to register, where the step gives one in full. */
  definition: string | null;
  /** Schemas of which the first that is found is registered here as well while the subject is missing. */
  fallbacks: readonly SchemaSource[];
  /** Steps that read the topic with a schema of their own, which a new version must not shut out. */
  readers: readonly { step: string; source: SchemaSource }[];
  /** `Append`: a new field must stand at the end, for readers that look at no schema id. */
  fieldOrder: 'Append' | 'Any';
}

export interface StepNeeds {
  step: string;
  group: string;
  startFrom: 'earliest' | 'latest';
  inputs: readonly string[];
  topics: readonly TopicNeed[];
  deadLetterTopic: string;
  schemas: readonly SchemaNeed[];
  /** It may have no workers for any length of time. */
  maySleep: boolean;
}

/** What was done for a step, what has to wait, and what cannot be done. */
export interface ProvisionReport {
  done: string[];
  /** Will be tried again by the caller: something it depends on is not there yet. */
  pending: Finding[];
  problems: Finding[];
}

export interface StepReport extends ProvisionReport {
  /** What the step's topics take now, for its `Facts`. */
  topicLimits: Record<string, TopicLimitSettings>;
  /** Nothing that has to be done now. */
  warnings: string[];
}

/** Room for the headers that a dead letter gets on top of the record. */
export const DEAD_LETTER_HEADROOM_BYTES = 64 * 1024;
