/** Names that follow from a step, its group and a namespace. */
import type { SagaStep } from './sagastep.ts';

/** Longest topic name that Kafka takes. */
export const MAX_TOPIC_NAME = 249;

/** Namespace of a step that names none, as with kubectl. */
export const DEFAULT_NAMESPACE = 'default';

type NamedStep = Pick<SagaStep, 'metadata' | 'spec'>;

export function namespaceOf({ metadata }: Pick<SagaStep, 'metadata'>): string {
  return metadata.namespace ?? DEFAULT_NAMESPACE;
}

/**
 * The group whose offsets say from where on tasks go on that their breaker stopped: nobody can commit for a group that has
 * members, and it needs no topic.
 */
export function resumeGroupOf(group: string): string {
  return `${group}.resume`;
}

/** The step's consumer group. */
export function groupOf(step: NamedStep): string {
  return step.spec.group ?? `${namespaceOf(step)}.${step.metadata.name}`;
}

export function deadLetterTopicOf(step: NamedStep): string {
  return step.spec.deadLetter?.topic ?? `${groupOf(step)}.dlq`;
}

/** The topic between an ingress and its step; null for a step without ingress. */
export function inboxTopicOf(step: NamedStep): string | null {
  return step.spec.ingress ? `${groupOf(step)}.inbox` : null;
}

/** The topics that belong to one step alone: no glob of another step reaches them. */
export function internalTopicsOf(step: NamedStep): string[] {
  const group = groupOf(step);
  return [deadLetterTopicOf(step), `${group}.inbox`, `${group}.state`, `${group}.replay`];
}

/** Is this `consumes[].topic` a glob rather than a name? */
export function isTopicGlob(topic: string): boolean {
  return topic.includes('*');
}

/** Does the glob (`*` = any text, all else literal) match the whole name? */
export function topicGlobMatches(glob: string, topic: string): boolean {
  const pattern = glob
    .split('*')
    .map((part) => part.replaceAll('.', '\\.'))
    .join('.*');
  return new RegExp(`^${pattern}$`).test(topic);
}

/** What the broker compares: it refuses a topic whose name differs from another's in `.` against `_` only. */
export function topicCollisionKey(topic: string): string {
  return topic.replaceAll('.', '_');
}
