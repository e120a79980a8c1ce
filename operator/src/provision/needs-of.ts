import type { SchemaSource } from '@sagafleet/schemas';
import { subjectOf, type ResolvedEmit, type ResolvedStep } from '../resolve.ts';
import type { SchemaNeed, StepNeeds, TopicNeed } from './needs.ts';

/** What has to be there outside of Kubernetes for a step. Pure. */
export function needsOf(resolved: ResolvedStep): StepNeeds {
  const { name, group, step, inputs, deadLetterTopic } = resolved;
  return {
    step: name,
    group,
    startFrom: step.spec.startFrom ?? 'earliest',
    inputs: inputs.map(({ topic }) => topic),
    topics: topicNeeds(resolved),
    deadLetterTopic,
    schemas: schemaNeeds(resolved),
  };
}

function topicNeeds({ emits, inputs, inboxTopic, deadLetterTopic, topics, topicManager }: ResolvedStep): TopicNeed[] {
  const isManaged = topics.manage && topicManager === 'admin';
  const { partitions, replicationFactor, config } = topics;
  const own = [...new Set(Object.values(emits).flat().map(({ topic }) => topic))].sort();
  // A dead letter keeps its partition number
  const widest = Math.max(...inputs.map((input) => input.partitions));
  return [
    ...(inboxTopic ? [inboxTopic, ...own] : own).map((topic) => ({ name: topic, partitions, replicationFactor, config, isManaged })),
    { name: deadLetterTopic, partitions: widest, replicationFactor, config: withoutCompaction(config), isManaged },
  ];
}

/** Two dead letters of one key must both stay. */
function withoutCompaction(config: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !/compact|cleanable/.test(key) && key !== 'cleanup.policy'));
}

function schemaNeeds(resolved: ResolvedStep): SchemaNeed[] {
  const { ingressSchema, emits, step } = resolved;
  const fieldOrder = step.spec.topics?.fieldOrder ?? 'Append';
  const needs = [
    ...(ingressSchema ? [needOf(ingressSchema, [], fieldOrder)] : []),
    ...Object.values(emits).flat().map((emit) => needOf(emit.source, fallbacksOf(emit, resolved), fieldOrder)),
  ];
  return [...new Map(needs.map((need) => [need.subject, need])).values()];
}

function needOf(source: SchemaSource, fallbacks: readonly string[], fieldOrder: SchemaNeed['fieldOrder']): SchemaNeed {
  return { subject: source.subject, definition: source.kind === 'inline' ? source.avro : null, fallbacks, fieldOrder };
}

/** An emit that names no schema writes with that of the input, until its subject has one of its own. */
function fallbacksOf(emit: ResolvedEmit, { inputs, ingressSchema }: ResolvedStep): string[] {
  if (emit.hasOwnSchema) return [];
  if (ingressSchema) return [ingressSchema.subject];
  return inputs.map(({ topic, schema }) => schema?.subject ?? subjectOf(topic));
}
