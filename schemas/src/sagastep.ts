/** `SagaStep`, `sagafleet.dev/v1alpha1`, as a person writes it: what has a default is optional. */

export const SAGASTEP_API_VERSION = 'sagafleet.dev/v1alpha1';
export const SAGASTEP_KIND = 'SagaStep';

export type Format = 'avro' | 'json' | 'bytes';
export type SchemaVersion = 'latest' | number;

export interface SchemaBySubject {
  subject: string;
  version?: SchemaVersion;
}
export interface SchemaInline {
  avro: string;
}
export interface SchemaByConfigMap {
  configMapKeyRef: { name: string; key: string };
}
export interface SchemaRef extends Partial<SchemaBySubject>, Partial<SchemaInline>, Partial<SchemaByConfigMap> {}

export interface Consume {
  topic: string;
  format?: Format;
  schema?: SchemaRef;
}

/** What happens to fields of a request body that the schema does not have. */
export type UnknownFields = 'Reject' | 'Ignore';
export interface IngressHttp {
  path: string;
  key: string;
  schema?: SchemaRef;
  unknownFields?: UnknownFields;
  idempotencyKey?: string;
  window?: string;
}
export interface Ingress {
  http: IngressHttp;
}

export interface CelHandler {
  outcome: string;
}
export type HttpMethod = 'POST' | 'PUT' | 'PATCH' | 'GET' | 'DELETE';
export interface HttpHandler {
  url: string;
  method?: HttpMethod;
  headers?: Record<string, string>;
  timeout?: string;
  concurrency?: number;
  outcome?: string;
  retryOn?: number[];
}
export interface ModuleHandler {
  configMapKeyRef?: { name: string; key: string };
  path?: string;
  export?: string;
  timeout?: string;
}
export interface Handler {
  cel?: CelHandler;
  http?: HttpHandler;
  module?: ModuleHandler;
}

export interface Emit {
  topic: string;
  event?: string;
  key?: string;
  headers?: Record<string, string>;
  schema?: SchemaRef;
  format?: Format;
}
export interface Reject {
  http: number;
  message: string;
}
export interface Outcome {
  emit?: Emit[];
  reject?: Reject;
}

export type RetryMode = 'ParkKey' | 'InPlace' | 'None';
export interface Retry {
  mode?: RetryMode;
  maxAttempts?: number;
  backoff?: { initial?: string; factor?: number; max?: string; jitter?: number };
}
export type Guarantee = 'ExactlyOnce' | 'AtLeastOnce';
export interface Delivery {
  guarantee?: Guarantee;
  transaction?: { maxRecords?: number; linger?: string; timeout?: string };
  maxBatchBytes?: number;
}
export interface Scaling {
  min?: number;
  max?: number;
  lagThreshold?: number;
  activationLag?: number;
  cooldown?: string;
  pollingInterval?: string;
}
export interface Topics {
  manage?: boolean;
  partitions?: number;
  replicationFactor?: number;
  config?: Record<string, string>;
  fieldOrder?: 'Append' | 'Any';
}

/** Pod fields are passed through as Kubernetes defines them. */
export interface Template {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  resources?: Record<string, unknown>;
  env?: Record<string, unknown>[];
  envFrom?: Record<string, unknown>[];
  volumes?: Record<string, unknown>[];
  volumeMounts?: Record<string, unknown>[];
  nodeSelector?: Record<string, string>;
  tolerations?: Record<string, unknown>[];
  affinity?: Record<string, unknown>;
  topologySpreadConstraints?: Record<string, unknown>[];
  priorityClassName?: string;
  imagePullSecrets?: Record<string, unknown>[];
  serviceAccountName?: string;
  terminationGracePeriodSeconds?: number;
}

export interface SagaStepSpec {
  consumes?: Consume[];
  ingress?: Ingress;
  group?: string;
  startFrom?: 'earliest' | 'latest';
  handler?: Handler;
  outcomes: Record<string, Outcome>;
  retry?: Retry;
  deadLetter?: { topic?: string; stopAfter?: number };
  delivery?: Delivery;
  scaling?: Scaling;
  topics?: Topics;
  kafka?: string;
  registry?: string;
  template?: Template;
  deletionPolicy?: 'Retain' | 'Delete';
  suspend?: boolean;
}
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}
export interface SagaStep {
  apiVersion: typeof SAGASTEP_API_VERSION;
  kind: typeof SAGASTEP_KIND;
  metadata: ObjectMeta;
  spec: SagaStepSpec;
  status?: Record<string, unknown>;
}
