import { parseSchema, RegistryError } from '@sagafleet/registry';
import { deadLetterTopicOf, isTopicGlob, type SagaStep, type SchemaRef, topicGlobMatches } from '@sagafleet/schemas';
import { withDefaults } from './defaults.ts';
import { NOTHING_KNOWN, type StepSchemas } from './event-schemas.ts';
import { expressionFindings } from './expressions.ts';
import { podFieldFindings } from './pod-fields.ts';
import { type Finding, type Path, type Problem, problemsOf } from './problem.ts';
import { ruleFindings } from './rules.ts';
import { structureFindings } from './structure.ts';

/**
 * A manifest by itself: the CRD's schema with unknown fields refused, its CEL rules, the expressions.
 * Fields are checked where the schema of the event is known.
 */
export function checkStep(manifest: unknown, schemas: StepSchemas = NOTHING_KNOWN): Problem[] {
  const completed = withDefaults(manifest);
  const misshaped = structureFindings(completed);
  if (misshaped.length > 0) return problemsOf(manifest, misshaped);
  const step = completed as SagaStep;
  return problemsOf(manifest, [
    ...ruleFindings(step),
    ...podFieldFindings(step),
    ...loopFindings(step),
    ...schemaFindings(step),
    ...expressionFindings(step, schemas),
  ]);
}

/** What the CRD's rules cannot see: globs and the derived dead-letter topic. */
function loopFindings(step: SagaStep): Finding[] {
  const outputs = Object.values(step.spec.outcomes).flatMap(({ emit = [] }) => emit.map(({ topic }) => topic));
  return (step.spec.consumes ?? []).flatMap(({ topic }, index): Finding[] => {
    const path = ['spec', 'consumes', index, 'topic'];
    if (step.spec.deadLetter?.topic === undefined && topic === deadLetterTopicOf(step)) {
      return [{ path, message: 'the step would consume its own dead letters: consume another topic, or set deadLetter.topic' }];
    }
    const output = isTopicGlob(topic) ? outputs.find((name) => topicGlobMatches(topic, name)) : undefined;
    if (output === undefined) return [];
    return [{ path, message: `the step would consume what it emits, ${topic} matches ${output}: narrow the glob, or name the topics` }];
  });
}

function schemaFindings({ spec: { consumes = [], ingress, outcomes } }: SagaStep): Finding[] {
  return [
    ...consumes.flatMap(({ schema }, index) => inlineFinding(schema, ['consumes', index])),
    ...inlineFinding(ingress?.http.schema, ['ingress', 'http']),
    ...Object.entries(outcomes).flatMap(([name, { emit = [] }]) =>
      emit.flatMap(({ schema }, index) => inlineFinding(schema, ['outcomes', name, 'emit', index])),
    ),
  ];
}

function inlineFinding(ref: SchemaRef | undefined, parent: Path): Finding[] {
  if (ref?.avro === undefined) return [];
  try {
    parseSchema({ schema: ref.avro, dependencies: [] });
    return [];
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return [{ path: ['spec', ...parent, 'schema', 'avro'], message: error.message }];
  }
}
