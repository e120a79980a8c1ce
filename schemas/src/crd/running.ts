/** How a step is run: retries, transactions, scaling, topics, pods. */
import { Type } from 'typebox';
import { STEP_DEFAULTS } from '../defaults.ts';
import { duration, oneOf, podObject, podObjects, text, textMap, withRules } from './fields.ts';

const defaults = STEP_DEFAULTS;

export const retry = Type.Object(
  {
    mode: Type.Optional(
      oneOf(['ParkKey', 'InPlace', 'None'], {
        description: 'ParkKey: the failing key waits, others flow. InPlace: the partition waits. None: a dead letter at once.',
        default: defaults.retry.mode,
      }),
    ),
    maxAttempts: Type.Optional(
      Type.Integer({
        description: 'Attempts in all, then a dead letter.',
        minimum: 1,
        maximum: 1000,
        default: defaults.retry.maxAttempts,
      }),
    ),
    backoff: Type.Optional(
      Type.Object(
        {
          initial: Type.Optional(duration('Wait before the second attempt.', { max: '24h', default: defaults.retry.backoff.initial })),
          factor: Type.Optional(
            Type.Number({
              description: 'Each wait is this many times the one before.',
              minimum: 1,
              maximum: 100,
              default: defaults.retry.backoff.factor,
            }),
          ),
          max: Type.Optional(duration('Longest wait.', { max: '24h', default: defaults.retry.backoff.max })),
          jitter: Type.Optional(
            Type.Number({
              description: 'Random share by which a wait is shorter or longer, 0.2 = 20 %.',
              minimum: 0,
              maximum: 1,
              default: defaults.retry.backoff.jitter,
            }),
          ),
        },
        { description: 'Waits between attempts.', default: {} },
      ),
    ),
  },
  { description: 'What happens after a transient failure.', default: {} },
);

export const delivery = Type.Object(
  {
    guarantee: Type.Optional(
      oneOf(['ExactlyOnce', 'AtLeastOnce'], {
        description: 'ExactlyOnce: outputs and offset in one Kafka transaction.',
        default: defaults.delivery.guarantee,
      }),
    ),
    transaction: Type.Optional(
      Type.Object(
        {
          maxRecords: Type.Optional(
            Type.Integer({
              description: 'Most records of one transaction.',
              minimum: 1,
              maximum: 100_000,
              default: defaults.delivery.transaction.maxRecords,
            }),
          ),
          linger: Type.Optional(
            duration('How long a transaction waits for more records.', {
              max: '60s',
              zero: true,
              default: defaults.delivery.transaction.linger,
            }),
          ),
          timeout: Type.Optional(
            duration('After this time the broker ends a transaction; 15m is the most that brokers take by default.', {
              max: '15m',
              default: defaults.delivery.transaction.timeout,
            }),
          ),
        },
        { description: 'Bounds of one transaction.', default: {} },
      ),
    ),
    maxBatchBytes: Type.Optional(
      Type.Integer({
        description:
          'Maximum size of the records of one input batch after decompression. Defaults to 67108864, in bytes. A larger batch becomes one dead letter that names its offsets and holds none of its records.',
        minimum: 1_048_576,
        maximum: 1_073_741_824,
        default: defaults.delivery.maxBatchBytes,
      }),
    ),
  },
  { description: 'How records are written.', default: {} },
);

export const scaling = Type.Object(
  {
    min: Type.Optional(
      Type.Integer({
        description: 'Fewest workers; 0 lets an idle step sleep.',
        minimum: 0,
        maximum: 1000,
        default: defaults.scaling.min,
      }),
    ),
    max: Type.Optional(
      Type.Integer({
        description: 'Most workers, never more than partitions.',
        minimum: 1,
        maximum: 1000,
        default: defaults.scaling.max,
      }),
    ),
    lagThreshold: Type.Optional(
      Type.Integer({
        description: 'Waiting records for which one worker is meant.',
        minimum: 1,
        maximum: 1_000_000_000,
        default: defaults.scaling.lagThreshold,
      }),
    ),
    activationLag: Type.Optional(
      Type.Integer({
        description: 'A sleeping step wakes above this many waiting records.',
        minimum: 0,
        maximum: 1_000_000_000,
        default: defaults.scaling.activationLag,
      }),
    ),
    cooldown: Type.Optional(duration('Idle time before the step sleeps.', { max: '24h', zero: true, default: defaults.scaling.cooldown })),
    pollingInterval: Type.Optional(duration('How often the lag is read.', { max: '1h', default: defaults.scaling.pollingInterval })),
  },
  {
    description: 'Autoscaling by lag. min = max: a fixed number of workers.',
    default: {},
    ...withRules({
      rule: '!has(self.min) || !has(self.max) || self.min <= self.max',
      message: 'min is above max: lower min or raise max',
      fieldPath: '.min',
    }),
  },
);

export const topics = Type.Object(
  {
    manage: Type.Optional(Type.Boolean({ description: 'Make and change the topics. Default: as the operator is set.' })),
    partitions: Type.Optional(
      Type.Integer({
        description: 'Partitions of each topic. Default: as the operator is set.',
        minimum: 1,
        maximum: 10_000,
      }),
    ),
    replicationFactor: Type.Optional(
      Type.Integer({
        description: 'Copies of each partition. Default: as the operator is set.',
        minimum: 1,
        maximum: 100,
      }),
    ),
    config: Type.Optional(textMap('Topic configuration, such as retention.ms: "604800000".', { entries: 64, maxLength: 1024 })),
    fieldOrder: Type.Optional(
      oneOf(['Append', 'Any'], {
        description: 'Append: new fields of a schema stand at the end, so that consumers that look at no schema id keep working.',
        default: defaults.topics.fieldOrder,
      }),
    ),
  },
  { description: 'The topics that the step emits to, and its own.', default: {} },
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
    resources: Type.Optional(podObject('Requests and limits of the worker container.')),
    env: Type.Optional(podObjects('Further environment variables.')),
    envFrom: Type.Optional(podObjects('Further sources of environment variables.')),
    volumes: Type.Optional(podObjects('Further volumes.')),
    volumeMounts: Type.Optional(podObjects('Further volume mounts.')),
    nodeSelector: Type.Optional(textMap('Labels that a node must have.', { entries: 64, maxLength: 63 })),
    tolerations: Type.Optional(podObjects('Taints that the pods tolerate.')),
    affinity: Type.Optional(podObject('Scheduling constraints.')),
    topologySpreadConstraints: Type.Optional(podObjects('How pods spread. Default: as the operator is set.')),
    priorityClassName: Type.Optional(text('Priority class.', { maxLength: 253 })),
    imagePullSecrets: Type.Optional(podObjects('Secrets to pull the image with.')),
    serviceAccountName: Type.Optional(text("Service account. Default: one of the step's own.", { maxLength: 253 })),
    terminationGracePeriodSeconds: Type.Optional(
      Type.Integer({
        description: 'Time to end in, above the longest transaction.',
        minimum: 0,
        maximum: 86_400,
      }),
    ),
  },
  { description: 'Parts of the pods, as Kubernetes defines them.' },
);
