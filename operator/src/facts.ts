import type { SagaStep } from '@sagafleet/schemas';

/** `maxMessageBytes` undefined: Kafka's default. */
export interface TopicFact { name: string; partitions: number; maxMessageBytes?: number }

/** What is found around a step: with manifest and values all that its objects are rendered from. */
export interface Facts {
  topics: readonly TopicFact[];
  /** The SagaSteps of the namespace, the step itself included. */
  steps: readonly SagaStep[];
  hasKeda: boolean;
  hasStrimzi: boolean;
  /** Data of the ConfigMaps that steps refer to, by name. */
  configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
