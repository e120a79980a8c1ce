import {
  deadLetterTopicOf,
  groupOf,
  internalTopicsOf,
  isTopicGlob,
  namespaceOf,
  type SagaStep,
  topicCollisionKey,
  topicGlobMatches,
} from '@sagafleet/schemas';
import { checkStep } from './check-step.ts';
import { withDefaults } from './defaults.ts';
import { EventSchemas, type LookedUpSchemas } from './event-schemas.ts';
import { type MisfitFacts, misfitFindings } from './misfits.ts';
import { formatPath, type Path, type Problem, problemsOf } from './problem.ts';
import { structureFindings } from './structure.ts';

/** What is known beside the manifests. */
export interface CheckFacts {
  /** Topics that exist; leave out where that is not known. */
  topics?: readonly string[];
  /** Of the subjects that `subjectsOf` names. */
  schemas?: LookedUpSchemas;
  /** Of those schemas, by `subjectKey`, what keeps them from being read or written with. */
  misfits?: MisfitFacts['misfits'];
}

/** A manifest of right shape: as given, and with defaults. */
interface Candidate {
  given: unknown;
  step: SagaStep;
}

/** Each manifest by itself, with what the others tell of its events; and all together. */
export function checkSteps(manifests: readonly unknown[], facts: CheckFacts = {}): Problem[] {
  const candidates = wellShaped(manifests);
  const schemas = new EventSchemas(
    candidates.map(({ step }) => step),
    facts.schemas ?? new Map(),
  );
  const known = new Map(candidates.map(({ given, step }) => [given, step]));
  return [
    ...manifests.flatMap((manifest) => {
      const step = known.get(manifest);
      return checkStep(manifest, step && schemas.ofStep(step));
    }),
    ...candidates.flatMap(({ given, step }) =>
      problemsOf(given, misfitFindings(step, { schemas: facts.schemas ?? new Map(), misfits: facts.misfits ?? new Map() })),
    ),
    ...sameNames(candidates),
    ...sameGroups(candidates),
    ...emptyGlobs(candidates, facts.topics),
    ...collidingTopics(candidates, facts.topics ?? []),
    ...topicConflicts(candidates),
    ...emittedDeadLetters(candidates),
  ];
}

/** The manifests that are SagaSteps in shape, with defaults filled in; the others have problems. */
export function wellShapedSteps(manifests: readonly unknown[]): SagaStep[] {
  return wellShaped(manifests).map(({ step }) => step);
}

function wellShaped(manifests: readonly unknown[]): Candidate[] {
  return manifests.flatMap((given) => {
    const completed = withDefaults(given);
    return structureFindings(completed).length === 0 ? [{ given, step: completed as SagaStep }] : [];
  });
}

const fullNameOf = (step: SagaStep): string => `${namespaceOf(step)}/${step.metadata.name}`;

function sameNames(candidates: readonly Candidate[]): Problem[] {
  return repeated(candidates, ({ step }) => fullNameOf(step)).map(([first, again]) => ({
    severity: 'error',
    object: again.given,
    path: ['metadata', 'name'],
    message: `step "${again.step.metadata.name}" is declared twice: rename one of them`,
    other: first.given,
  }));
}

function sameGroups(candidates: readonly Candidate[]): Problem[] {
  const byName = [...new Map(candidates.map((candidate) => [fullNameOf(candidate.step), candidate])).values()];
  return repeated(byName, ({ step }) => `${step.spec.kafka} ${groupOf(step)}`).map(([first, again]) => ({
    severity: 'error',
    object: again.given,
    path: groupPath(again.step),
    message: `group "${groupOf(again.step)}" is also that of step "${first.step.metadata.name}": records would go to either, choose another group`,
    other: first.given,
  }));
}

function groupPath({ spec }: SagaStep): Path {
  return spec.group === undefined ? ['metadata', 'name'] : ['spec', 'group'];
}

/** Each element whose key an earlier one has, after that one. */
function repeated<Element>(elements: readonly Element[], keyOf: (element: Element) => string): [first: Element, again: Element][] {
  const firsts = new Map<string, Element>();
  return elements.flatMap((element): [Element, Element][] => {
    const first = firsts.get(keyOf(element));
    if (first !== undefined) return [[first, element]];
    firsts.set(keyOf(element), element);
    return [];
  });
}

function outputsOf({ spec }: SagaStep): string[] {
  return Object.values(spec.outcomes).flatMap(({ emit = [] }) => emit.map(({ topic }) => topic));
}

/** Without the existing topics an empty glob is only a warning: one of them may match. */
function emptyGlobs(candidates: readonly Candidate[], existing: readonly string[] | undefined): Problem[] {
  const internal = new Set(candidates.flatMap(({ step }) => internalTopicsOf(step)));
  return candidates.flatMap(({ given, step }) => {
    const neighbours = candidates.filter((candidate) => namespaceOf(candidate.step) === namespaceOf(step));
    const outputs = [...new Set(neighbours.flatMap((neighbour) => outputsOf(neighbour.step)))].sort();
    const topics = [...outputs, ...(existing ?? [])].filter((topic) => !internal.has(topic));
    return (step.spec.consumes ?? []).flatMap(({ topic }, index): Problem[] => {
      if (!isTopicGlob(topic) || topics.some((name) => topicGlobMatches(topic, name))) return [];
      const emitted = outputs.length === 0 ? 'they emit none' : `they emit ${outputs.join(', ')}`;
      return [
        {
          severity: existing === undefined ? 'warning' : 'error',
          object: given,
          path: ['spec', 'consumes', index, 'topic'],
          message:
            existing === undefined
              ? `"${topic}" matches no topic of these steps, ${emitted}: correct it, unless other topics exist that it matches`
              : `"${topic}" matches no topic, neither of these steps nor an existing one: correct it (${emitted})`,
        },
      ];
    });
  });
}

/** One topic cannot be set for both: events may be compacted, dead letters never. */
function emittedDeadLetters(candidates: readonly Candidate[]): Problem[] {
  return candidates.flatMap(({ given, step }) => {
    const topic = deadLetterTopicOf(step);
    const emitter = candidates.find((other) => other.step.spec.kafka === step.spec.kafka && outputsOf(other.step).includes(topic));
    if (!emitter) return [];
    return [
      {
        severity: 'error',
        object: given,
        path: step.spec.deadLetter?.topic === undefined ? groupPath(step) : ['spec', 'deadLetter', 'topic'],
        message: `"${topic}" is to hold the dead letters of this step and is emitted by step "${emitter.step.metadata.name}": choose another topic for one of them`,
        ...(emitter.given === given ? {} : { other: emitter.given }),
      },
    ];
  });
}

interface TopicUse {
  topic: string;
  given: unknown;
  path: Path;
  kafka: string;
}

function collidingTopics(candidates: readonly Candidate[], existing: readonly string[]): Problem[] {
  const firsts = new Map<string, { topic: string; given?: unknown }>();
  const uses = candidates.flatMap(topicUses);
  for (const kafka of new Set(uses.map((use) => use.kafka))) {
    for (const topic of existing) firsts.set(`${kafka} ${topicCollisionKey(topic)}`, { topic });
  }
  return uses.flatMap(({ topic, given, path, kafka }): Problem[] => {
    const key = `${kafka} ${topicCollisionKey(topic)}`;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, { topic, given });
    if (first === undefined || first.topic === topic) return [];
    return [
      {
        severity: 'error',
        object: given,
        path,
        message: `topic "${topic}" collides with "${first.topic}": a broker takes one of two names that differ in . and _ alone, rename one`,
        ...(first.given === undefined || first.given === given ? {} : { other: first.given }),
      },
    ];
  });
}

/** Each topic of a step once, where it stands first; derived ones at what they are derived from. */
function topicUses({ given, step }: Candidate): TopicUse[] {
  const { consumes = [], outcomes, deadLetter, kafka = '' } = step.spec;
  const places: [topic: string, path: Path][] = [
    ...consumes
      .map(({ topic }, index): [string, Path] => [topic, ['spec', 'consumes', index, 'topic']])
      .filter(([topic]) => !isTopicGlob(topic)),
    ...Object.entries(outcomes).flatMap(([name, { emit = [] }]) =>
      emit.map(({ topic }, index): [string, Path] => [topic, ['spec', 'outcomes', name, 'emit', index, 'topic']]),
    ),
    ...internalTopicsOf(step).map((topic): [string, Path] => [
      topic,
      topic === deadLetter?.topic ? ['spec', 'deadLetter', 'topic'] : groupPath(step),
    ]),
  ];
  const firstPlaces = new Map([...places].reverse());
  return [...firstPlaces].reverse().map(([topic, path]) => ({ topic, path, given, kafka }));
}

/** Two steps that emit to one topic and set it differently. */
function topicConflicts(candidates: readonly Candidate[]): Problem[] {
  const settings = candidates
    .filter(({ step }) => step.spec.topics?.manage !== false)
    .flatMap((candidate) => [...new Set(outputsOf(candidate.step))].map((topic) => ({ topic, ...candidate })));
  const pairs = repeated(settings, ({ topic, step }) => `${step.spec.kafka} ${topic}`);
  return pairs.flatMap(([first, again]) =>
    differences(first.step, again.step).map((path): Problem => ({
      severity: 'error',
      object: again.given,
      path: ['spec', 'topics', ...path],
      message: `${formatPath(path)} of topic "${again.topic}" is set differently by step "${first.step.metadata.name}": set both alike`,
      other: first.given,
    })),
  );
}

function differences({ spec: { topics: first = {} } }: SagaStep, { spec: { topics: again = {} } }: SagaStep): Path[] {
  const fields = (['partitions', 'replicationFactor', 'fieldOrder'] as const)
    .filter((field) => first[field] !== undefined && again[field] !== undefined && first[field] !== again[field])
    .map((field): Path => [field]);
  const settings = Object.entries(again.config ?? {})
    .filter(([name, value]) => first.config?.[name] !== undefined && first.config[name] !== value)
    .map(([name]): Path => ['config', name]);
  return [...fields, ...settings];
}
