import type { SagaStep } from '@sagafleet/schemas';

/** `maxMessageBytes` undefined: Kafka's default. */
export interface TopicFact { name: string; partitions: number; maxMessageBytes?: number }

/** What is found around a step: with manifest and values all that its objects are rendered from. */
export interface Facts {
  topics: readonly TopicFact[];
  /** All SagaSteps that share the step's Kafka, itself included; globs reach those of its namespace. */
  steps: readonly SagaStep[];
  hasKeda: boolean;
  hasStrimzi: boolean;
  /** Data of the ConfigMaps that steps refer to, by name. */
  configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
