import { isTopicGlob, topicGlobMatches, type SagaStep, type SchemaSource } from '@sagafleet/schemas';
import { subjectOf, type ResolvedEmit, type ResolvedStep } from '../resolve.ts';
import type { SchemaNeed, StepNeeds, TopicNeed } from './needs.ts';

/** What has to be there outside of Kubernetes for a step; `steps` are all that share its Kafka. Pure. */
export function needsOf(resolved: ResolvedStep, steps: readonly SagaStep[]): StepNeeds {
  const { name, group, step, inputs, deadLetterTopic } = resolved;
  return {
    step: name,
    group,
    startFrom: step.spec.startFrom ?? 'earliest',
    inputs: inputs.map(({ topic }) => topic),
    topics: topicNeeds(resolved),
    deadLetterTopic,
    schemas: schemaNeeds(resolved, steps),
    maySleep: step.spec.scaling?.min === 0 || step.spec.suspend === true,
  };
}

function topicNeeds({ step, emits, inputs, inboxTopic, deadLetterTopic, topics, topicManager }: ResolvedStep): TopicNeed[] {
  const isManaged = topics.manage && topicManager === 'admin';
  const { partitions, replicationFactor, config } = topics;
  const arePartitionsSet = step.spec.topics?.partitions !== undefined;
  const own = [
    ...new Set(
      Object.values(emits)
        .flat()
        .map(({ topic }) => topic),
    ),
  ].sort();
  // A dead letter keeps its partition number
  const widest = Math.max(...inputs.map((input) => input.partitions));
  return [
    ...(inboxTopic ? [{ name: inboxTopic, partitions, arePartitionsSet, replicationFactor, config: uncompacted(config), isManaged }] : []),
    ...own.map((topic) => ({ name: topic, partitions, arePartitionsSet, replicationFactor, config, isManaged })),
    {
      name: deadLetterTopic,
      partitions: widest,
      arePartitionsSet: false,
      replicationFactor,
      config: asSent(uncompacted(config)),
      isManaged,
    },
  ];
}

/** Every record of a key must stay, and one without a key must be taken. */
function uncompacted(config: Record<string, string>): Record<string, string> {
  const others = Object.entries(config).filter(([key]) => !/compact|cleanable/.test(key));
  return { ...Object.fromEntries(others), 'cleanup.policy': 'delete' };
}

/** Workers compress what would not fit otherwise; a topic that stores it with another codec, or with none, could refuse it even so. */
function asSent(config: Record<string, string>): Record<string, string> {
  return { ...config, 'compression.type': 'producer' };
}

function schemaNeeds(resolved: ResolvedStep, steps: readonly SagaStep[]): SchemaNeed[] {
  const { ingressSchema, inputs, emits, step } = resolved;
  const fieldOrder = step.spec.topics?.fieldOrder ?? 'Append';
  const needs = [
    ...inputs.flatMap(({ schema }) => (schema && isOfSubject(schema, step) ? [needOf(schema, fieldOrder)] : [])),
    ...(ingressSchema ? [needOf(ingressSchema, fieldOrder)] : []),
    ...Object.values(emits)
      .flat()
      .filter(({ format }) => format === 'avro')
      .map((emit) => ({
        ...needOf(emit.source, fieldOrder),
        fallbacks: fallbacksOf(emit, resolved),
        readers: readersOf(emit.topic, steps),
      })),
  ];
  const isDefinition = ({ definition }: SchemaNeed): number => Number(definition !== null);
  // One need a subject and version: that of an emit knows more than that of an input, a definition most
  const lastKnowsMost = needs.toSorted((a, b) => isDefinition(a) - isDefinition(b));
  const unique = new Map(lastKnowsMost.map((need) => [`${need.subject} ${need.version}`, need]));
  // Definitions first: the others may fall back on them
  return [...unique.values()].toSorted((a, b) => isDefinition(b) - isDefinition(a));
}

/** A schema given in full to read with is registered only where a subject stands beside it. */
function isOfSubject(schema: SchemaSource, { spec }: SagaStep): boolean {
  return schema.kind === 'subject' || (spec.consumes ?? []).some((input) => input.schema?.subject === schema.subject);
}

function needOf(source: SchemaSource, fieldOrder: SchemaNeed['fieldOrder']): SchemaNeed {
  const { subject } = source;
  return source.kind === 'inline'
    ? { subject, version: 'latest', definition: source.avro, fallbacks: [], readers: [], fieldOrder }
    : { subject, version: source.version, definition: null, fallbacks: [], readers: [], fieldOrder };
}

/** An emit that names no schema writes with that of the input, until its subject has one of its own. */
function fallbacksOf(emit: ResolvedEmit, { inputs, ingressSchema }: ResolvedStep): SchemaSource[] {
  if (emit.hasOwnSchema) return [];
  if (ingressSchema) return [ingressSchema];
  return inputs.map(({ topic, schema }) => schema ?? { kind: 'subject', subject: subjectOf(topic), version: 'latest' });
}

function readersOf(topic: string, steps: readonly SagaStep[]): SchemaNeed['readers'] {
  return steps.flatMap(({ metadata, spec }) =>
    (spec.consumes ?? []).flatMap((input) => {
      const isRead = isTopicGlob(input.topic) ? topicGlobMatches(input.topic, topic) : input.topic === topic;
      const { subject, version = 'latest', avro } = input.schema ?? {};
      if (!isRead || (avro === undefined && subject === undefined)) return [];
      const source: SchemaSource =
        avro === undefined
          ? { kind: 'subject', subject: subject!, version }
          : { kind: 'inline', subject: subject ?? subjectOf(topic), avro };
      return [{ step: metadata.name, source }];
    }),
  );
}
