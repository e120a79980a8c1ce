/**
 * What a worker is told: one JSON file (rendered into the step's ConfigMap) and a few environment
 * variables (rendered into its Deployment). The operator writes both, the worker's `config.ts`
 * reads both, and a contract test holds them together.
 */
import type { Format, Guarantee, RetryMode, SchemaVersion, UnknownFields } from './sagastep.ts';

/** Version of this contract; a worker refuses a file with a version it does not know. */
export const WORKER_SETTINGS_VERSION = 1;

/** Key of the settings file in the ConfigMap, and its name below the mount. */
export const SETTINGS_FILE = 'step.json';
/** Where the ConfigMap is mounted in a pod. */
export const SETTINGS_MOUNT = '/etc/sagafleet';

/**
 * Environment variables of a worker. None ends in what Kubernetes appends for a Service
 * (`_PORT`, `_HOST`, `_SERVICE_*`), so that no Service's name can look like a setting.
 */
export const WORKER_ENV = {
  /** Path of the settings file. */
  settings: 'SAGAFLEET_SETTINGS',
  /** Name of this worker among its group's members: the pod's name. */
  clientId: 'SAGAFLEET_CLIENT_ID',
  /** `host:port` of liveness, readiness, start-up and metrics. */
  healthListen: 'SAGAFLEET_LISTEN_HEALTH',
  /** `host:port` of the HTTP ingress. */
  ingressListen: 'SAGAFLEET_LISTEN_INGRESS',
  logLevel: 'SAGAFLEET_LOG_LEVEL',
  kafkaUsername: 'SAGAFLEET_KAFKA_USERNAME',
  kafkaPassword: 'SAGAFLEET_KAFKA_PASSWORD',
  registryUsername: 'SAGAFLEET_REGISTRY_USERNAME',
  registryPassword: 'SAGAFLEET_REGISTRY_PASSWORD',
} as const;

export const HEALTH_CONTAINER_PORT = 9090;
export const INGRESS_CONTAINER_PORT = 8080;

/** A schema that the registry holds, or one given in full, which is registered under its subject. */
export type SchemaSource = { kind: 'subject'; subject: string; version: SchemaVersion } | { kind: 'inline'; subject: string; avro: string };

/** One topic that the step reads. `schema` null = read with the writer's schema. */
export interface InputSettings {
  topic: string;
  format: Format;
  schema: SchemaSource | null;
}

/** One record that an outcome emits; CEL texts, null = the default of sagastep.md. */
export interface EmitSettings {
  topic: string;
  format: Format;
  event: string | null;
  key: string | null;
  headers: Record<string, string>;
  schema: SchemaSource;
}

export interface OutcomeSettings {
  emit: EmitSettings[];
  reject: { http: number; message: string } | null;
}

export type HandlerSettings =
  | { kind: 'none' }
  | { kind: 'cel'; outcome: string }
  | {
      kind: 'http';
      url: string;
      method: string;
      headers: Record<string, string>;
      timeoutMs: number;
      concurrency: number;
      outcome: string | null;
      retryOn: number[];
    }
  | { kind: 'module'; path: string; export: string; timeoutMs: number };

/** `key` is CEL over `event` and `headers`; the inbox topic is the step's only input. */
export interface IngressSettings {
  path: string;
  key: string;
  schema: SchemaSource;
  inboxTopic: string;
  maxBodyBytes: number;
  unknownFields: UnknownFields;
  idempotencyKey: string | null;
  windowMs: number | null;
}

export interface RetrySettings {
  mode: RetryMode;
  maxAttempts: number;
  initialMs: number;
  factor: number;
  maxMs: number;
  jitter: number;
}

/** `maxBatchBytes`: of the records of one input batch, decompressed. */
export interface DeliverySettings {
  guarantee: Guarantee;
  maxRecords: number;
  lingerMs: number;
  timeoutMs: number;
  maxBatchBytes: number;
}

/** What a topic takes, as its broker said when the step was applied: `max.message.bytes` and `compression.type`. */
export interface TopicLimitSettings {
  maxMessageBytes: number;
  compressionType: string;
}

export type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

/** Credentials come by environment, never in the file. */
export interface KafkaSettings {
  brokers: string[];
  tls: boolean;
  sasl: SaslMechanism | null;
  sessionTimeoutMs: number;
}
export interface RegistrySettings {
  url: string;
}

export interface WorkerSettings {
  version: typeof WORKER_SETTINGS_VERSION;
  step: { name: string; namespace: string };
  group: string;
  startFrom: 'earliest' | 'latest';
  /** Sorted by topic; names only, globs are expanded before. With ingress: the inbox topic. */
  inputs: InputSettings[];
  ingress: IngressSettings | null;
  handler: HandlerSettings;
  outcomes: Record<string, OutcomeSettings>;
  retry: RetrySettings;
  deadLetterTopic: string;
  /** Dead letters in a row after which a task stops; 0: never. */
  stopAfter: number;
  /** By topic that the step writes to; what is missing, the worker finds out by sending. Optional: workers of before it refuse a file that has it. */
  topicLimits?: Record<string, TopicLimitSettings>;
  delivery: DeliverySettings;
  kafka: KafkaSettings;
  registry: RegistrySettings;
}
