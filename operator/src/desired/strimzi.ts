/** Topics and users as Strimzi's operators make them, in the one namespace that those watch. */
import { resumeGroupOf } from '@sagafleet/schemas';
import { contentHash } from '../content-hash.ts';
import type { Facts } from '../facts.ts';
import { DEAD_LETTER_HEADROOM_BYTES, type StepNeeds } from '../provision/needs.ts';
import { outputsOf, type ResolvedStep } from '../resolve.ts';
import type { OperatorValues } from '../values.ts';
import { hasOwnUser, userName } from './credentials.ts';
import { STEP_LABEL, type KubeObject } from './object.ts';

const API_VERSION = 'kafka.strimzi.io/v1';
const MAX_NAME = 253;
const HASH_LENGTH = 8;

type Strimzi = OperatorValues['strimzi'];

/** Kafka's default of `max.message.bytes`. */
const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588;

/**
 * Two steps that emit to one topic render the same object, so nothing in it tells of the step.
 * Where Strimzi does not manage topics: none.
 */
export function kafkaTopics(
  { resolved, needs, facts }: { resolved: ResolvedStep; needs: StepNeeds; facts: Facts },
  strimzi: Strimzi,
): KubeObject[] {
  if (resolved.topicManager !== 'strimzi' || !resolved.topics.manage) return [];
  return needs.topics.map(({ name, partitions, replicationFactor, config }) => ({
    apiVersion: API_VERSION,
    kind: 'KafkaTopic',
    metadata: { name: kafkaTopicName(name), namespace: strimzi.namespace, labels: strimziLabels(strimzi) },
    spec: {
      topicName: name,
      partitions,
      replicas: replicationFactor,
      config: name === needs.deadLetterTopic ? { ...config, ...deadLetterConfig(needs, facts) } : config,
    },
  }));
}

/** A dead letter fits whatever size its input took. */
function deadLetterConfig({ inputs }: StepNeeds, { topicLimits }: Facts): Record<string, string> {
  const limits = inputs.map((input) => topicLimits?.[input]?.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES);
  return { 'max.message.bytes': String(Math.max(...limits) + DEAD_LETTER_HEADROOM_BYTES) };
}

/** A name of a topic as Kubernetes takes names; the hash keeps apart what then looks alike. */
export function kafkaTopicName(topic: string): string {
  const legal = topic
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replaceAll(/(?<=\.)-+|-+(?=\.)|^[.-]+|[.-]+$|\.(?=\.)/g, '');
  if (legal === topic) return topic;
  const head = legal.slice(0, MAX_NAME - HASH_LENGTH - 1).replace(/[.-]+$/, '');
  return `${head}${head === '' ? 't' : ''}-${contentHash(topic, HASH_LENGTH)}`;
}

/** One for the workers, one that may only look for the autoscaler. */
export function kafkaUsers(resolved: ResolvedStep, strimzi: Strimzi): KubeObject[] {
  if (!hasOwnUser(resolved)) return [];
  return [
    user(resolved, strimzi, { suffix: '', acls: workerAcls(resolved) }),
    user(resolved, strimzi, { suffix: '-scaler', acls: scalerAcls(resolved) }),
  ];
}

interface Acl {
  resource: { type: 'topic' | 'group' | 'transactionalId'; name: string; patternType: 'literal' | 'prefix' };
  operations: string[];
}

function user(resolved: ResolvedStep, strimzi: Strimzi, { suffix, acls }: { suffix: string; acls: Acl[] }): KubeObject {
  return {
    apiVersion: API_VERSION,
    kind: 'KafkaUser',
    metadata: {
      name: userName(resolved, suffix),
      namespace: strimzi.namespace,
      labels: { ...strimziLabels(strimzi), [STEP_LABEL]: resolved.name, 'sagafleet.dev/namespace': resolved.namespace },
    },
    spec: { authentication: { type: 'scram-sha-512' }, authorization: { type: 'simple', acls } },
  };
}

/** What each call of a worker needs (Kafka, "Authorization and ACLs"), and nothing else. */
function workerAcls(resolved: ResolvedStep): Acl[] {
  const { group, inputs, inboxTopic, deadLetterTopic, step } = resolved;
  const operations = new Map<string, Set<string>>();
  const grant = (topic: string, operation: string) =>
    operations.set(topic, (operations.get(topic) ?? new Set(['Describe'])).add(operation));
  for (const { topic } of inputs) grant(topic, 'Read');
  for (const topic of [...outputsOf(step), deadLetterTopic, ...(inboxTopic === null ? [] : [inboxTopic])]) grant(topic, 'Write');
  // DescribeProducers: whether a transaction is still open there
  for (const topic of [...outputsOf(step), deadLetterTopic]) grant(topic, 'Read');
  const topics = [...operations].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...topics.map(([name, granted]): Acl => ({
      resource: { type: 'topic', name, patternType: 'literal' },
      operations: [...granted].sort(),
    })),
    { resource: { type: 'group', name: group, patternType: 'literal' }, operations: ['Read'] },
    { resource: { type: 'group', name: resumeGroupOf(group), patternType: 'literal' }, operations: ['Describe'] },
    { resource: { type: 'transactionalId', name: `sagafleet.${group}.`, patternType: 'prefix' }, operations: ['Describe', 'Write'] },
  ];
}

function scalerAcls({ group, inputs }: ResolvedStep): Acl[] {
  return [
    ...inputs.map(({ topic }): Acl => ({ resource: { type: 'topic', name: topic, patternType: 'literal' }, operations: ['Describe'] })),
    { resource: { type: 'group', name: group, patternType: 'literal' }, operations: ['Describe'] },
  ];
}

function strimziLabels({ clusterName }: Strimzi): Record<string, string> {
  return { 'app.kubernetes.io/managed-by': 'sagafleet', 'strimzi.io/cluster': clusterName };
}
