import type { SagaStep, TopicLimitSettings } from '@sagafleet/schemas';

export interface TopicFact {
  name: string;
  partitions: number;
}

/** What is found around a step: with manifest and values all that its objects are rendered from. */
export interface Facts {
  topics: readonly TopicFact[];
  /** What brokers say that topics take, by name, as provisioning reports it; of a topic that is missing nothing is known. */
  topicLimits?: Readonly<Record<string, TopicLimitSettings>>;
  /** All SagaSteps that share the step's Kafka, itself included; globs reach those of its namespace. */
  steps: readonly SagaStep[];
  hasKeda: boolean;
  hasStrimzi: boolean;
  /** Data of the ConfigMaps that steps refer to, by name. */
  configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
