import type { SaslMechanism } from '@sagafleet/schemas';

/** A Secret in the namespace of the step, by reference. */
export interface SecretKeys {
  name: string;
  usernameKey: string;
  passwordKey: string;
}

export interface KafkaConnectionValues {
  brokers: string[];
  tls: boolean;
  /** `secretRef` null: Strimzi makes a user for each step. */
  sasl: { mechanism: SaslMechanism; secretRef: SecretKeys | null } | null;
}
export interface RegistryConnectionValues {
  url: string;
  secretRef: SecretKeys | null;
}

export type TopicManager = 'strimzi' | 'admin' | 'none';

/** What the operator is installed with. */
export interface OperatorValues {
  image: { worker: string; pullPolicy: 'IfNotPresent' | 'Always' | 'Never' };
  logLevel: string;
  /** Connections by the names that steps use. */
  kafka: Record<string, KafkaConnectionValues>;
  registry: Record<string, RegistryConnectionValues>;
  /** Null: Strimzi where its CRDs are there, else Kafka's admin API. */
  topicManager: TopicManager | null;
  strimzi: { clusterName: string; namespace: string };
  topics: { manage: boolean; partitions: number; replicationFactor: number; config: Record<string, string> };
  resources: Record<string, unknown>;
}

export const DEFAULT_VALUES: OperatorValues = {
  image: { worker: 'ghcr.io/sagafleet/worker:0.1.0', pullPolicy: 'IfNotPresent' },
  logLevel: 'info',
  kafka: { default: { brokers: ['kafka-kafka-bootstrap.kafka:9092'], tls: false, sasl: null } },
  registry: { default: { url: 'http://schema-registry.kafka:8081', secretRef: null } },
  topicManager: null,
  strimzi: { clusterName: 'kafka', namespace: 'kafka' },
  topics: { manage: true, partitions: 3, replicationFactor: 1, config: {} },
  resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
};
