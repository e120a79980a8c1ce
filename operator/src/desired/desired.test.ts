import type { SagaStep, SagaStepSpec, WorkerSettings } from '@sagafleet/schemas';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../facts.ts';
import { DEFAULT_VALUES, type OperatorValues } from '../values.ts';
import { desiredOf } from './desired.ts';
import type { KubeObject } from './object.ts';
import { kafkaTopicName } from './strimzi.ts';

const SASL: OperatorValues = {
  ...DEFAULT_VALUES,
  kafka: { default: { brokers: ['kafka:9093'], tls: true, sasl: { mechanism: 'scram-sha-512', secretRef: null } } },
};

function step(name: string, spec: Partial<SagaStepSpec> = {}): SagaStep {
  return {
    apiVersion: 'sagafleet.dev/v1alpha1',
    kind: 'SagaStep',
    metadata: { name, namespace: 'shop', uid: 'uid-1' },
    spec: { consumes: [{ topic: 'order_created' }], outcomes: { paid: { emit: [{ topic: 'order_paid' }] } }, ...spec },
  };
}

const INGRESS: Partial<SagaStepSpec> = { consumes: undefined as never, ingress: { http: { path: '/orders', key: 'event.orderId' } } };

function objectsOf(manifest: SagaStep, facts: Partial<Facts> = {}, values: OperatorValues = DEFAULT_VALUES): KubeObject[] {
  return desiredOf(manifest, values, { topics: [], steps: [manifest], hasKeda: false, hasStrimzi: false, ...facts }).objects;
}

const ofKind = (objects: KubeObject[], kind: string) => objects.find((object) => object.kind === kind);
const kindsOf = (objects: KubeObject[]) => objects.map(({ kind }) => kind);

function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce((part, key) => (part as Record<string | number, unknown> | undefined)?.[key], value);
}

describe('the objects of a step', () => {
  const CASES: Record<string, { objects: KubeObject[]; kinds: string[] }> = {
    plain: {
      objects: objectsOf(step('payment')),
      kinds: ['ServiceAccount', 'ConfigMap', 'NetworkPolicy', 'Deployment', 'PodDisruptionBudget'],
    },
    'with ingress': {
      objects: objectsOf(step('order', INGRESS)),
      kinds: ['ServiceAccount', 'ConfigMap', 'NetworkPolicy', 'Service', 'Deployment', 'PodDisruptionBudget'],
    },
    'with one worker at most': {
      objects: objectsOf(step('payment', { scaling: { max: 1 } })),
      kinds: ['ServiceAccount', 'ConfigMap', 'NetworkPolicy', 'Deployment'],
    },
    'with an account of its own': {
      objects: objectsOf(step('payment', { template: { serviceAccountName: 'team' } })),
      kinds: ['ConfigMap', 'NetworkPolicy', 'Deployment', 'PodDisruptionBudget'],
    },
    'with KEDA and credentials': {
      objects: objectsOf(step('payment'), { hasKeda: true }, { ...SASL, topicManager: 'admin' }),
      kinds: ['ServiceAccount', 'ConfigMap', 'NetworkPolicy', 'Deployment', 'PodDisruptionBudget', 'TriggerAuthentication', 'ScaledObject'],
    },
    'with Strimzi': {
      objects: objectsOf(step('payment'), { hasStrimzi: true }, SASL),
      kinds: [
        'KafkaTopic',
        'KafkaTopic',
        'KafkaUser',
        'KafkaUser',
        'ServiceAccount',
        'ConfigMap',
        'NetworkPolicy',
        'Deployment',
        'PodDisruptionBudget',
      ],
    },
    "with Strimzi, topics being somebody else's": {
      objects: objectsOf(step('payment', { topics: { manage: false } }), { hasStrimzi: true }),
      kinds: ['ServiceAccount', 'ConfigMap', 'NetworkPolicy', 'Deployment', 'PodDisruptionBudget'],
    },
  };
  test.each(Object.entries(CASES))('%s', (_name, { objects, kinds }) => expect(kindsOf(objects)).toEqual(kinds));

  test('carry name, owner and labels where they stand in its namespace', () => {
    const inNamespace = objectsOf(step('payment'), { hasKeda: true, hasStrimzi: true }, SASL).filter(
      ({ metadata }) => metadata.namespace === 'shop',
    );
    expect(inNamespace).toHaveLength(7);
    for (const { metadata } of inNamespace) {
      expect(metadata).toMatchObject({
        name: 'sagastep-payment',
        labels: { 'sagafleet.dev/step': 'payment' },
        ownerReferences: [{ kind: 'SagaStep', name: 'payment', uid: 'uid-1', controller: true }],
      });
    }
  });
});

describe('replicas', () => {
  const topics = (partitions: number) => [{ name: 'order_created', partitions }];
  const CASES: Record<
    string,
    { spec: Partial<SagaStepSpec>; facts?: Partial<Facts>; replicas?: number; scaled?: [min: number, max: number] }
  > = {
    "are the autoscaler's where there is one": { spec: {}, facts: { hasKeda: true }, scaled: [1, 3] },
    'are fixed without KEDA': { spec: { scaling: { min: 2 } }, replicas: 2 },
    'are one without KEDA though the step may sleep': { spec: { scaling: { min: 0 } }, replicas: 1 },
    'are fixed where min is max': { spec: { scaling: { min: 3, max: 3 } }, facts: { hasKeda: true }, replicas: 3 },
    'are none of a suspended step, and no autoscaler changes that': { spec: { suspend: true }, facts: { hasKeda: true }, replicas: 0 },
    'are never more than partitions': {
      spec: { scaling: { min: 0, max: 50 } },
      facts: { hasKeda: true, topics: topics(12) },
      scaled: [0, 12],
    },
    'are fixed where one partition leaves no choice': {
      spec: { scaling: { min: 2 } },
      facts: { hasKeda: true, topics: topics(1) },
      replicas: 1,
    },
  };
  test.each(Object.entries(CASES))('%s', (_name, { spec, facts, replicas, scaled }) => {
    const objects = objectsOf(step('payment', spec), facts);
    expect(at(ofKind(objects, 'Deployment'), 'spec', 'replicas')).toBe(replicas);
    const autoscaler = ofKind(objects, 'ScaledObject');
    expect(autoscaler && ['minReplicaCount', 'maxReplicaCount'].map((field) => at(autoscaler, 'spec', field))).toEqual(scaled);
  });

  test('follow the lag of each input by a trigger of its own', () => {
    const manifest = step('payment', {
      consumes: [{ topic: 'b' }, { topic: 'a' }],
      startFrom: 'latest',
      scaling: { min: 0, cooldown: '90s' },
    });
    const autoscaler = ofKind(objectsOf(manifest, { hasKeda: true, topics: [{ name: 'a', partitions: 12 }] }, SASL), 'ScaledObject');
    expect(at(autoscaler, 'spec')).toMatchObject({
      cooldownPeriod: 90,
      pollingInterval: 10,
      fallback: { behavior: 'currentReplicasIfHigher', replicas: 1 },
      advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleUp: { policies: [{ type: 'Pods', value: 6, periodSeconds: 60 }] } } } },
    });
    expect(at(autoscaler, 'spec', 'triggers')).toEqual(
      ['a', 'b'].map((topic) => ({
        type: 'kafka',
        metadata: {
          topic,
          consumerGroup: 'shop.payment',
          bootstrapServers: 'kafka:9093',
          lagThreshold: '100',
          activationLagThreshold: '0',
          offsetResetPolicy: 'latest',
          allowIdleConsumers: 'false',
          limitToPartitionsWithLag: 'true',
          version: '2.1.0',
          tls: 'enable',
          sasl: 'scram_sha512',
        },
        authenticationRef: { name: 'sagastep-payment' },
      })),
    );
  });
});

describe('a pod', () => {
  const inPod = (spec: Partial<SagaStepSpec>, ...path: string[]) =>
    at(ofKind(objectsOf(step('payment', spec)), 'Deployment'), 'spec', 'template', ...path);
  const inContainer = (spec: Partial<SagaStepSpec>, field: string) => at(inPod(spec, 'spec', 'containers'), 0, field);

  test('is admitted under Pod Security "restricted", and gets neither token nor Services\' variables', () => {
    expect(inPod({}, 'spec')).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(inContainer({}, 'securityContext')).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  test('has credentials by reference alone', () => {
    const text = JSON.stringify(objectsOf(step('payment'), { hasStrimzi: true }, SASL));
    expect(text).toContain(
      '{"name":"SAGAFLEET_KAFKA_PASSWORD","valueFrom":{"secretKeyRef":{"name":"sagastep-payment-kafka","key":"password"}}}',
    );
  });

  test('ends later than its longest transaction', () => {
    expect(inPod({}, 'spec', 'terminationGracePeriodSeconds')).toBe(30);
    expect(inPod({ delivery: { transaction: { timeout: '2m' } } }, 'spec', 'terminationGracePeriodSeconds')).toBe(135);
  });

  test("takes the template's fields, and a variable of the same name once", () => {
    const template = {
      env: [{ name: 'SAGAFLEET_LOG_LEVEL', value: 'debug' }],
      nodeSelector: { disk: 'ssd' },
      resources: { limits: { cpu: '1' } },
      metadata: { labels: { team: 'a', 'sagafleet.dev/step': 'other' } },
    };
    expect(inPod({ template }, 'metadata', 'labels')).toMatchObject({ team: 'a', 'sagafleet.dev/step': 'payment' });
    expect(inPod({ template }, 'spec', 'nodeSelector')).toEqual({ disk: 'ssd' });
    expect(inContainer({ template }, 'resources')).toEqual({ limits: { cpu: '1' } });
    const env = inContainer({ template }, 'env') as { name: string }[];
    expect(env.filter(({ name }) => name === 'SAGAFLEET_LOG_LEVEL')).toEqual([{ name: 'SAGAFLEET_LOG_LEVEL', value: 'debug' }]);
  });

  test('is replaced when what it reads changes, and only then', () => {
    const hashOf = (spec: Partial<SagaStepSpec>) => inPod(spec, 'metadata', 'annotations', 'sagafleet.dev/settings-hash');
    expect(hashOf({ retry: { maxAttempts: 9 } })).not.toBe(hashOf({}));
    expect(hashOf({ scaling: { max: 9 }, retry: { maxAttempts: 5 } })).toBe(hashOf({}));
  });
});

test("the network is open for name look-ups, brokers, registry, the handler's service, probes and ingress", () => {
  const http = { url: 'https://payments.{event.region}.svc:8443/charge' };
  const policy = ofKind(objectsOf(step('order', { ...INGRESS, handler: { http } })), 'NetworkPolicy');
  const portsOf = (direction: string) =>
    (at(policy, 'spec', direction) as { ports: { port: number }[] }[]).map(({ ports }) => ports.map(({ port }) => port));
  expect(portsOf('egress')).toEqual([
    [53, 53],
    [8081, 8443, 9092],
  ]);
  expect(portsOf('ingress')).toEqual([[9090, 8080]]);
});

interface Acl {
  resource: { type: string; name: string; patternType: string };
  operations: string[];
}

describe('with Strimzi', () => {
  const strimzi = (spec: Partial<SagaStepSpec>, facts: Partial<Facts> = {}) =>
    objectsOf(step('payment', spec), { hasStrimzi: true, ...facts }, SASL);

  test('topics have names of Kubernetes, different ones for different topics', () => {
    const topics = ['order.paid', 'order_paid', 'order-paid', 'Order_Paid', '_x_', '..a', 'a'.repeat(249), `${'a'.repeat(248)}_`];
    const names = topics.map(kafkaTopicName);
    expect(new Set(names).size).toBe(topics.length);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    expect(names[0]).toBe('order.paid');
  });

  test('a dead letter fits whatever size its input took, and is never compacted away', () => {
    const topics = [{ name: 'order_created', partitions: 6 }];
    const topicLimits = { order_created: { maxMessageBytes: 16_777_216, compressionType: 'producer' } };
    const deadLetters = strimzi(
      { topics: { config: { 'cleanup.policy': 'compact', 'segment.ms': '1000' } } },
      { topics, topicLimits },
    ).find((object) => at(object, 'spec', 'topicName') === 'shop.payment.dlq');
    expect(at(deadLetters, 'spec')).toMatchObject({
      partitions: 6,
      config: { 'cleanup.policy': 'delete', 'max.message.bytes': '16842752' },
    });
  });

  test('two steps that emit to one topic render it alike', () => {
    const topicOf = (name: string) =>
      objectsOf(step(name), { hasStrimzi: true }, SASL).find((object) => at(object, 'spec', 'topicName') === 'order_paid');
    expect(topicOf('payment')).toEqual(topicOf('invoice'));
  });

  test('workers may do what they must, the autoscaler may look', () => {
    const users = strimzi({}).filter(({ kind }) => kind === 'KafkaUser');
    const [worker, scaler] = users.map((user) =>
      (at(user, 'spec', 'authorization', 'acls') as Acl[]).map(
        ({ resource: { type, name, patternType }, operations }) => `${type} ${name} ${patternType}: ${operations.join()}`,
      ),
    );
    expect(worker).toEqual([
      'topic order_created literal: Describe,Read',
      'topic order_paid literal: Describe,Read,Write',
      'topic shop.payment.dlq literal: Describe,Read,Write',
      'group shop.payment literal: Read',
      'group shop.payment.resume literal: Describe',
      'transactionalId sagafleet.shop.payment. prefix: Describe,Write',
    ]);
    expect(scaler).toEqual(['topic order_created literal: Describe', 'group shop.payment literal: Describe']);
  });
});

test('workers are told what the topics take that they write to, and nothing while nothing is known', () => {
  const settingsOf = (facts: Partial<Facts>) =>
    JSON.parse(at(ofKind(objectsOf(step('payment'), facts), 'ConfigMap'), 'data', 'step.json') as string) as WorkerSettings;
  const limit = { maxMessageBytes: 1_048_588, compressionType: 'producer' };
  expect(
    settingsOf({ topicLimits: { order_created: limit, order_paid: limit, 'shop.payment.dlq': limit, other: limit } }).topicLimits,
  ).toEqual({ order_paid: limit, 'shop.payment.dlq': limit });
  expect(settingsOf({})).not.toHaveProperty('topicLimits');
});

describe('a glob', () => {
  const notification = step('notification', { consumes: [{ topic: 'order_*' }], outcomes: { done: { emit: [] } } });
  const inputsOf = (facts: Partial<Facts>) =>
    desiredOf(notification, DEFAULT_VALUES, { topics: [], steps: [], hasKeda: false, hasStrimzi: false, ...facts }).needs.inputs;

  test('stands for outputs of the namespace and existing topics, sorted, without internal ones', () => {
    const elsewhere = {
      ...step('other', { outcomes: { done: { emit: [{ topic: 'order_elsewhere' }] } } }),
      metadata: { name: 'other', namespace: 'else' },
    };
    const internal = step('audit', { group: 'order_audit' });
    const topics = ['order_created', 'order_audit.dlq', 'order_audit.state', 'orders'].map((name) => ({ name, partitions: 1 }));
    expect(inputsOf({ steps: [step('payment'), internal, elsewhere], topics })).toEqual(['order_created', 'order_paid']);
  });

  test('that matches nothing is an error that names it', () => {
    expect(() => inputsOf({})).toThrow(/step notification consumes order_\*, which matches no topic/);
  });
});

test('a connection that the operator does not have is an error that names those it has', () => {
  expect(() => objectsOf(step('payment', { kafka: 'prod' }))).toThrow(/names the kafka connection prod, the operator has default/);
});

test('a schema of a ConfigMap is read from there', () => {
  const spec = { outcomes: { paid: { emit: [{ topic: 'order_paid', schema: { configMapKeyRef: { name: 'avro', key: 'paid' } } }] } } };
  const facts: Facts = { topics: [], steps: [], hasKeda: false, hasStrimzi: false };
  expect(
    desiredOf(step('payment', spec), DEFAULT_VALUES, { ...facts, configMaps: { avro: { paid: '"string"' } } }).needs.schemas,
  ).toMatchObject([{ subject: 'order_paid-value', definition: '"string"' }]);
  expect(() => desiredOf(step('payment', spec), DEFAULT_VALUES, facts)).toThrow(/key paid of ConfigMap avro, which is not there/);
});
