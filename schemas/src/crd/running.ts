/** How a step is run: retries, transactions, scaling, topics, pods. */
import { Type } from 'typebox';
import { STEP_DEFAULTS } from '../defaults.ts';
import { duration, oneOf, podObject, podObjects, text, textMap, withRules } from './fields.ts';

const defaults = STEP_DEFAULTS;

export const retry = Type.Object(
  {
    mode: Type.Optional(
      oneOf(['ParkKey', 'InPlace', 'None'], {
        description: `How transient failures are retried. ParkKey: the failing key waits, and other keys continue. InPlace: the partition waits. None: the record becomes a dead letter at once. Defaults to ${defaults.retry.mode}.`,
        default: defaults.retry.mode,
      }),
    ),
    maxAttempts: Type.Optional(
      Type.Integer({
        description: `Maximum number of attempts before the record becomes a dead letter. Defaults to ${defaults.retry.maxAttempts}.`,
        minimum: 1,
        maximum: 1000,
        default: defaults.retry.maxAttempts,
      }),
    ),
    backoff: Type.Optional(
      Type.Object(
        {
          initial: Type.Optional(
            duration(`Delay before the second attempt. Defaults to ${defaults.retry.backoff.initial}. At most 24h.`, {
              max: '24h',
              default: defaults.retry.backoff.initial,
            }),
          ),
          factor: Type.Optional(
            Type.Number({
              description: `Factor by which each delay grows. Defaults to ${defaults.retry.backoff.factor}.`,
              minimum: 1,
              maximum: 100,
              default: defaults.retry.backoff.factor,
            }),
          ),
          max: Type.Optional(
            duration(`Maximum delay. Defaults to ${defaults.retry.backoff.max}. At most 24h.`, {
              max: '24h',
              default: defaults.retry.backoff.max,
            }),
          ),
          jitter: Type.Optional(
            Type.Number({
              description: `Jitter as a fraction of the delay, from 0 to 1. Defaults to ${defaults.retry.backoff.jitter}.`,
              minimum: 0,
              maximum: 1,
              default: defaults.retry.backoff.jitter,
            }),
          ),
        },
        { description: 'Exponential backoff between attempts.', default: {} },
      ),
    ),
  },
  { description: 'Retries of transient failures.', default: {} },
);

export const delivery = Type.Object(
  {
    guarantee: Type.Optional(
      oneOf(['ExactlyOnce', 'AtLeastOnce'], {
        description: `Delivery guarantee. ExactlyOnce writes outputs and offsets in one Kafka transaction. AtLeastOnce may duplicate outputs. Defaults to ${defaults.delivery.guarantee}.`,
        default: defaults.delivery.guarantee,
      }),
    ),
    transaction: Type.Optional(
      Type.Object(
        {
          maxRecords: Type.Optional(
            Type.Integer({
              description: `Maximum number of records of one transaction. Defaults to ${defaults.delivery.transaction.maxRecords}.`,
              minimum: 1,
              maximum: 100_000,
              default: defaults.delivery.transaction.maxRecords,
            }),
          ),
          linger: Type.Optional(
            duration(`How long a transaction waits for more records. Defaults to ${defaults.delivery.transaction.linger}. At most 60s.`, {
              max: '60s',
              zero: true,
              default: defaults.delivery.transaction.linger,
            }),
          ),
          timeout: Type.Optional(
            duration(
              `Timeout after which the broker aborts a transaction. Defaults to ${defaults.delivery.transaction.timeout}. At most 15m, the default maximum of brokers.`,
              {
                max: '15m',
                default: defaults.delivery.transaction.timeout,
              },
            ),
          ),
        },
        { description: 'Limits of one transaction.', default: {} },
      ),
    ),
    maxBatchBytes: Type.Optional(
      Type.Integer({
        description:
          'Maximum size of one consumed record batch after decompression, in bytes. Defaults to 67108864. A larger batch becomes one dead letter that names its offsets and contains none of its records.',
        minimum: 1_048_576,
        maximum: 1_073_741_824,
        default: defaults.delivery.maxBatchBytes,
      }),
    ),
  },
  { description: 'How outputs and offsets are written.', default: {} },
);

export const scaling = Type.Object(
  {
    min: Type.Optional(
      Type.Integer({
        description: `Minimum number of workers. Defaults to ${defaults.scaling.min}. Set to 0 to scale to zero. A step with an ingress needs at least 1.`,
        minimum: 0,
        maximum: 1000,
        default: defaults.scaling.min,
      }),
    ),
    max: Type.Optional(
      Type.Integer({
        description: `Maximum number of workers. Defaults to ${defaults.scaling.max}. Never more than the partitions of the inputs.`,
        minimum: 1,
        maximum: 1000,
        default: defaults.scaling.max,
      }),
    ),
    lagThreshold: Type.Optional(
      Type.Integer({
        description: `Target lag per worker. Defaults to ${defaults.scaling.lagThreshold}.`,
        minimum: 1,
        maximum: 1_000_000_000,
        default: defaults.scaling.lagThreshold,
      }),
    ),
    activationLag: Type.Optional(
      Type.Integer({
        description: `Lag above which a step at zero is activated. Defaults to ${defaults.scaling.activationLag}.`,
        minimum: 0,
        maximum: 1_000_000_000,
        default: defaults.scaling.activationLag,
      }),
    ),
    cooldown: Type.Optional(
      duration(`How long a step is idle before it scales to zero. Defaults to ${defaults.scaling.cooldown}. At most 24h.`, {
        max: '24h',
        zero: true,
        default: defaults.scaling.cooldown,
      }),
    ),
    pollingInterval: Type.Optional(
      duration(`Interval between lag checks. Defaults to ${defaults.scaling.pollingInterval}. At most 1h.`, {
        max: '1h',
        default: defaults.scaling.pollingInterval,
      }),
    ),
  },
  {
    description: 'Autoscaling by consumer lag. Set min and max to the same value for a fixed number of workers.',
    default: {},
    ...withRules({
      rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
      message: 'min must not exceed max',
      fieldPath: '.min',
    }),
  },
);

export const topics = Type.Object(
  {
    manage: Type.Optional(
      Type.Boolean({ description: "Whether the operator creates and configures the topics. Defaults to the operator's setting." }),
    ),
    partitions: Type.Optional(
      Type.Integer({
        description: "Partition count of each topic. Defaults to the operator's setting.",
        minimum: 1,
        maximum: 10_000,
      }),
    ),
    replicationFactor: Type.Optional(
      Type.Integer({
        description: "Replication factor of each topic. Defaults to the operator's setting.",
        minimum: 1,
        maximum: 100,
      }),
    ),
    config: Type.Optional(
      textMap('Topic configuration, such as retention.ms: "604800000". At most 64 entries.', { entries: 64, maxLength: 1024 }),
    ),
    fieldOrder: Type.Optional(
      oneOf(['Append', 'Any'], {
        description: `Order of fields in new schema versions. Append: new fields must be the last fields, so that consumers that ignore schema ids keep working. Any: no restriction. Defaults to ${defaults.topics.fieldOrder}.`,
        default: defaults.topics.fieldOrder,
      }),
    ),
  },
  { description: 'Topics that the step emits to, and its inbox and dead-letter topics.', default: {} },
);

export const template = Type.Object(
  {
    metadata: Type.Optional(
      Type.Object(
        {
          labels: Type.Optional(textMap('Labels of the pods.', { entries: 64, maxLength: 63 })),
          annotations: Type.Optional(textMap('Annotations of the pods.', { entries: 64, maxLength: 65_536 })),
        },
        { description: 'Metadata of the pods.' },
      ),
    ),
    resources: Type.Optional(podObject('Compute resources of the worker container.')),
    env: Type.Optional(podObjects('Additional environment variables of the worker container.')),
    envFrom: Type.Optional(podObjects('Additional sources of environment variables of the worker container.')),
    volumes: Type.Optional(podObjects('Additional volumes of the pods.')),
    volumeMounts: Type.Optional(podObjects('Additional volume mounts of the worker container.')),
    nodeSelector: Type.Optional(textMap('Labels that a node must have to run the pods.', { entries: 64, maxLength: 63 })),
    tolerations: Type.Optional(podObjects('Tolerations of the pods.')),
    affinity: Type.Optional(podObject('Affinity of the pods.')),
    topologySpreadConstraints: Type.Optional(podObjects("Topology spread constraints of the pods. Defaults to the operator's setting.")),
    priorityClassName: Type.Optional(text('Priority class of the pods.', { maxLength: 253 })),
    imagePullSecrets: Type.Optional(podObjects('Secrets for pulling the worker image.')),
    serviceAccountName: Type.Optional(
      text('Service account of the pods. Defaults to one that the operator creates for the step.', { maxLength: 253 }),
    ),
    terminationGracePeriodSeconds: Type.Optional(
      Type.Integer({
        description: 'Termination grace period of the pods, in seconds. Must exceed the transaction timeout.',
        minimum: 0,
        maximum: 86_400,
      }),
    ),
  },
  { description: 'Pod settings, as defined by Kubernetes.' },
);
