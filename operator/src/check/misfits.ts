/** Registered schemas that decode what was written with them, and that nothing can be read or written with. */
import { isTopicGlob, type SagaStep, type SchemaRef } from '@sagafleet/schemas';
import { subjectKey, subjectOf, topicSubject, type LookedUpSchemas, type SubjectVersion } from './event-schemas.ts';
import type { Finding, Path } from './problem.ts';

export interface MisfitFacts {
  schemas: LookedUpSchemas;
  /** By `subjectKey`, what is wrong with the schema. */
  misfits: ReadonlyMap<string, string>;
}

export function misfitFindings({ spec: { consumes = [], ingress, outcomes } }: SagaStep, facts: MisfitFacts): Finding[] {
  const named = (ref: SchemaRef | undefined, parent: Path): Finding[] => {
    const subject = ref && subjectOf(ref);
    return subject ? refused(subject, ['spec', ...parent, 'schema', 'subject'], facts) : [];
  };
  const emits = Object.entries(outcomes).flatMap(([name, { emit = [] }]) =>
    emit.map((each, index): [typeof each, Path] => [each, ['outcomes', name, 'emit', index]]),
  );
  return [
    ...consumes.flatMap(({ schema }, index) => named(schema, ['consumes', index])),
    ...named(ingress?.http.schema, ['ingress', 'http']),
    ...emits.flatMap(([{ topic, schema }, parent]) => {
      if (schema) return named(schema, parent);
      const place = ['spec', ...parent, 'topic'];
      return facts.schemas.has(subjectKey(topicSubject(topic)))
        ? refused(topicSubject(topic), place, facts)
        : fallbackFindings({ topic, place, inputs: consumes.filter((input) => !input.schema && !isTopicGlob(input.topic)) }, facts);
    }),
  ];
}

function refused(subject: SubjectVersion, path: Path, { misfits }: MisfitFacts): Finding[] {
  const misfit = misfits.get(subjectKey(subject));
  if (misfit === undefined) return [];
  return [
    {
      path,
      message: `nothing can be read or written with subject "${subject.subject}", ${misfit}: register a version without that default`,
    },
  ];
}

interface Fallback {
  topic: string;
  place: Path;
  inputs: readonly { topic: string }[];
}

/** The first input's schema that is registered becomes that of the output. */
function fallbackFindings({ topic, place, inputs }: Fallback, { schemas, misfits }: MisfitFacts): Finding[] {
  const source = inputs.map((input) => topicSubject(input.topic)).find((subject) => schemas.has(subjectKey(subject)));
  const misfit = source && misfits.get(subjectKey(source));
  if (misfit === undefined) return [];
  return [
    {
      severity: 'warning',
      path: place,
      message: `"${topicSubject(topic).subject}" will be made from subject "${source!.subject}", and leaves out a default: ${misfit}`,
    },
  ];
}
