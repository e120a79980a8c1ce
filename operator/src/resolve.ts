/** A SagaStep with everything filled in that its objects, topics and schemas are derived from. Pure. */
import {
  deadLetterTopicOf,
  groupOf,
  inboxTopicOf,
  internalTopicsOf,
  isTopicGlob,
  namespaceOf,
  topicGlobMatches,
  type Emit,
  type Format,
  type SagaStep,
  type SchemaRef,
  type SchemaSource,
  type TopicLimitSettings,
} from '@sagafleet/schemas';
import { withDefaults } from './check/defaults.ts';
import { OperatorError } from './errors.ts';
import type { Facts } from './facts.ts';
import type { KafkaConnectionValues, OperatorValues, RegistryConnectionValues, TopicManager } from './values.ts';

export interface ResolvedInput {
  topic: string;
  format: Format;
  schema: SchemaSource | null;
  partitions: number;
}
export interface ResolvedEmit extends Emit {
  format: Format;
  source: SchemaSource;
  hasOwnSchema: boolean;
}

/** `spec` carries the CRD's defaults, globs are names, schemas of ConfigMaps their text. */
export interface ResolvedStep {
  step: SagaStep;
  name: string;
  namespace: string;
  group: string;
  /** Sorted by topic; the inbox of a step with ingress. */
  inputs: ResolvedInput[];
  emits: Record<string, ResolvedEmit[]>;
  ingressSchema: SchemaSource | null;
  inboxTopic: string | null;
  deadLetterTopic: string;
  topics: { manage: boolean; partitions: number; replicationFactor: number; config: Record<string, string> };
  /** Of topics that the step writes to, as far as they are known. */
  topicLimits: Record<string, TopicLimitSettings>;
  kafka: KafkaConnectionValues;
  registry: RegistryConnectionValues;
  topicManager: TopicManager;
}

/** @throws {OperatorError} */
export function resolveStep(manifest: SagaStep, values: OperatorValues, facts: Facts): ResolvedStep {
  const step = withDefaults(manifest);
  const { spec } = step;
  const inboxTopic = inboxTopicOf(step);
  const topics = { ...values.topics, ...given(spec.topics), config: { ...values.topics.config, ...spec.topics?.config } };
  const sourceOf = (ref: SchemaRef, topic: string) => schemaSource(ref, topic, { step, facts });
  const inbox =
    spec.ingress && inboxTopic
      ? { topic: inboxTopic, source: spec.ingress.http.schema ? sourceOf(spec.ingress.http.schema, inboxTopic) : latestOf(inboxTopic) }
      : null;
  return {
    step,
    name: step.metadata.name,
    namespace: namespaceOf(step),
    group: groupOf(step),
    inputs: inbox ? [{ topic: inbox.topic, format: 'avro', schema: null, partitions: topics.partitions }] : inputsOf(step, values, facts),
    emits: Object.fromEntries(
      Object.entries(spec.outcomes).map(([name, { emit = [] }]) => [
        name,
        emit.map((each) => ({
          ...each,
          format: each.format ?? 'avro',
          source: each.schema ? sourceOf(each.schema, each.topic) : latestOf(each.topic),
          hasOwnSchema: each.schema !== undefined,
        })),
      ]),
    ),
    ingressSchema: inbox?.source ?? null,
    inboxTopic,
    deadLetterTopic: deadLetterTopicOf(step),
    topics,
    topicLimits: knownLimits([...outputsOf(step), deadLetterTopicOf(step)], facts),
    kafka: connection(values.kafka, spec.kafka ?? 'default', 'kafka', step),
    registry: connection(values.registry, spec.registry ?? 'default', 'registry', step),
    topicManager: values.topicManager ?? (facts.hasStrimzi ? 'strimzi' : 'admin'),
  };
}

/** Subject of a topic's values (Confluent's TopicNameStrategy). */
export function subjectOf(topic: string): string {
  return `${topic}-value`;
}

/** Topics that a step emits to, sorted. */
export function outputsOf({ spec }: SagaStep): string[] {
  return [...new Set(Object.values(spec.outcomes).flatMap(({ emit = [] }) => emit.map(({ topic }) => topic)))].sort();
}

function inputsOf(step: SagaStep, values: OperatorValues, facts: Facts): ResolvedInput[] {
  const inputs = (step.spec.consumes ?? []).flatMap(({ topic, format, schema }) =>
    (isTopicGlob(topic) ? topicsMatching(topic, step, facts) : [topic]).map((name) => ({
      topic: name,
      format: format ?? 'avro',
      schema: schema ? schemaSource(schema, name, { step, facts }) : null,
      partitions: partitionsOf(name, values, facts),
    })),
  );
  // A topic that is named and matched by a glob is read once, as it is named
  const named = new Set((step.spec.consumes ?? []).map(({ topic }) => topic));
  const byTopic = new Map(inputs.filter(({ topic }) => !named.has(topic)).map((input) => [input.topic, input]));
  for (const input of inputs) if (named.has(input.topic)) byTopic.set(input.topic, input);
  return [...byTopic.values()].sort((a, b) => (a.topic < b.topic ? -1 : 1));
}

function topicsMatching(glob: string, step: SagaStep, { topics, steps }: Facts): string[] {
  const internal = new Set([step, ...steps].flatMap(internalTopicsOf));
  const own = new Set(outputsOf(step));
  const neighbours = steps.filter((other) => namespaceOf(other) === namespaceOf(step));
  const known = [...neighbours.flatMap(outputsOf), ...topics.map(({ name }) => name)];
  const matching = known.filter((topic) => topicGlobMatches(glob, topic) && !internal.has(topic) && !own.has(topic));
  if (matching.length === 0) {
    throw new OperatorError(
      'glob-matches-nothing',
      `step ${step.metadata.name} consumes ${glob}, which matches no topic and no output of the steps in its namespace: create the topic, or apply the step that emits it first`,
    );
  }
  return [...new Set(matching)];
}

/** As the topic is, else as the step that emits it will have it made. */
function partitionsOf(topic: string, values: OperatorValues, { topics, steps }: Facts): number {
  const maker = steps.find((step) => outputsOf(step).includes(topic));
  return topics.find(({ name }) => name === topic)?.partitions ?? maker?.spec.topics?.partitions ?? values.topics.partitions;
}

function knownLimits(topics: readonly string[], { topicLimits = {} }: Facts): ResolvedStep['topicLimits'] {
  return Object.fromEntries(topics.flatMap((topic) => (Object.hasOwn(topicLimits, topic) ? [[topic, topicLimits[topic]!]] : [])));
}

function latestOf(topic: string): SchemaSource {
  return { kind: 'subject', subject: subjectOf(topic), version: 'latest' };
}

/** A schema given in full is registered under the subject that stands beside it, else under that of the topic. */
function schemaSource(
  { subject, version, avro, configMapKeyRef }: SchemaRef,
  topic: string,
  { step, facts }: { step: SagaStep; facts: Facts },
): SchemaSource {
  if (avro !== undefined) return { kind: 'inline', subject: subject ?? subjectOf(topic), avro };
  if (!configMapKeyRef) return { kind: 'subject', subject: subject ?? subjectOf(topic), version: version ?? 'latest' };
  const { name, key } = configMapKeyRef;
  const text = facts.configMaps?.[name]?.[key];
  if (text === undefined) {
    throw new OperatorError(
      'config-map-missing',
      `step ${step.metadata.name} takes a schema from key ${key} of ConfigMap ${name}, which is not there: create it`,
    );
  }
  return { kind: 'inline', subject: subject ?? subjectOf(topic), avro: text };
}

function connection<T>(connections: Record<string, T>, name: string, kind: 'kafka' | 'registry', step: SagaStep): T {
  const found = Object.hasOwn(connections, name) ? connections[name] : undefined;
  if (found) return found;
  throw new OperatorError(
    'connection-unknown',
    `step ${step.metadata.name} names the ${kind} connection ${name}, the operator has ${Object.keys(connections).sort().join(', ') || 'none'}`,
  );
}

/** The fields that are set; an explicit undefined would hide the default. */
function given(topics: SagaStep['spec']['topics']): Partial<ResolvedStep['topics']> {
  const { manage, partitions, replicationFactor } = topics ?? {};
  return Object.fromEntries(Object.entries({ manage, partitions, replicationFactor }).filter(([, value]) => value !== undefined));
}
