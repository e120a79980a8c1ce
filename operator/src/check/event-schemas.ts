/** Which Avro schema the events of a step have, as far as the manifests and looked-up subjects tell. */
import {
  type Emit,
  isTopicGlob,
  namespaceOf,
  type SagaStep,
  type SchemaRef,
  type SchemaVersion,
  STEP_DEFAULTS,
  topicGlobMatches,
} from '@sagafleet/schemas';

export interface SubjectVersion {
  subject: string;
  version: SchemaVersion;
}
/** Avro schemas as parsed JSON, by `subjectKey`; what a registry does not hold is missing. */
export type LookedUpSchemas = ReadonlyMap<string, unknown>;

export function subjectKey({ subject, version }: SubjectVersion): string {
  return `${subject} ${version}`;
}

/** A topic's value subject (Confluent's TopicNameStrategy). */
export function topicSubject(topic: string): SubjectVersion {
  return { subject: `${topic}-value`, version: STEP_DEFAULTS.schemaVersion };
}

/** The subjects to look up in a registry, so that as many events as possible have a known schema. */
export function subjectsOf(steps: readonly SagaStep[]): SubjectVersion[] {
  const refs = steps.flatMap(({ spec }) => [
    ...(spec.consumes ?? []).flatMap(({ topic, schema }) => schema ?? (isTopicGlob(topic) ? [] : topicSubject(topic))),
    ...emitsOf(spec).map(({ topic, schema }) => schema ?? topicSubject(topic)),
    ...(spec.ingress?.http.schema ? [spec.ingress.http.schema] : []),
  ]);
  const subjects = refs.flatMap((ref: SchemaRef) => subjectOf(ref) ?? []);
  return [...new Map(subjects.map((subject) => [subjectKey(subject), subject])).values()];
}

/** Null where the manifest holds the schema: a subject is then where it gets registered. */
export function subjectOf({ subject, version, avro, configMapKeyRef }: SchemaRef): SubjectVersion | null {
  return subject === undefined || avro !== undefined || configMapKeyRef
    ? null
    : { subject, version: version ?? STEP_DEFAULTS.schemaVersion };
}

function emitsOf(spec: SagaStep['spec']) {
  return Object.values(spec.outcomes)
    .flatMap(({ emit }) => emit ?? [])
    .filter(({ format }) => format === 'avro' || format === undefined);
}

/** One of the schemas that a step's events may have; `topic` null = the body of its HTTP request. */
export interface EventSchema {
  topic: string | null;
  schema: unknown;
}

/** What is known for one step; the output's is undefined where nothing is. */
export interface StepSchemas {
  inputs: readonly EventSchema[];
  outputOf(emit: Emit): unknown;
}
export const NOTHING_KNOWN: StepSchemas = { inputs: [], outputOf: () => undefined };

export class EventSchemas {
  readonly #steps: readonly SagaStep[];
  readonly #lookedUp: LookedUpSchemas;

  constructor(steps: readonly SagaStep[], lookedUp: LookedUpSchemas) {
    this.#steps = steps;
    this.#lookedUp = lookedUp;
  }

  ofStep(step: SagaStep): StepSchemas {
    const inputs = this.#inputsOf(step, new Set());
    return { inputs, outputOf: (emit) => this.#outputOf(emit, inputs) };
  }

  /** Its own schema, else the latest of its subject, else that of the input. */
  #outputOf({ topic, format, schema }: Emit, inputs: readonly EventSchema[]): unknown {
    if (format !== undefined && format !== 'avro') return undefined;
    if (schema) return this.#definition(schema);
    return this.#lookedUp.get(subjectKey(topicSubject(topic))) ?? (inputs.length === 1 ? inputs[0]?.schema : undefined);
  }

  /** `visited` ends the way round a loop of topics. */
  #inputsOf(step: SagaStep, visited: Set<string>): EventSchema[] {
    const { spec } = step;
    if (spec.ingress) {
      const schema = spec.ingress.http.schema && this.#definition(spec.ingress.http.schema);
      return schema === undefined ? [] : [{ topic: null, schema }];
    }
    return (spec.consumes ?? [])
      .filter(({ format }) => format === 'avro' || format === undefined)
      .flatMap((input) => {
        return this.#topicsOf(input.topic, namespaceOf(step)).flatMap((topic) => {
          const schemas = input.schema ? [this.#definition(input.schema)] : this.#ofTopic(topic, visited);
          return schemas.filter((schema) => schema !== undefined).map((schema) => ({ topic, schema }));
        });
      });
  }

  #topicsOf(name: string, namespace: string): string[] {
    if (!isTopicGlob(name)) return [name];
    const outputs = this.#steps
      .filter((step) => namespaceOf(step) === namespace)
      .flatMap(({ spec }) => emitsOf(spec).map(({ topic }) => topic));
    return [...new Set(outputs)].filter((topic) => topicGlobMatches(name, topic));
  }

  /** What the steps that emit to the topic write; else what the registry holds for it. */
  #ofTopic(topic: string, visited: Set<string>): unknown[] {
    if (visited.has(topic)) return [];
    const path = new Set([...visited, topic]);
    const registered = this.#lookedUp.get(subjectKey(topicSubject(topic)));
    const written = this.#steps.flatMap((step) =>
      emitsOf(step.spec)
        .filter((emit) => emit.topic === topic)
        .flatMap((emit) => {
          if (emit.schema) return [this.#definition(emit.schema)];
          return registered === undefined ? this.#inputsOf(step, path).map(({ schema }) => schema) : [registered];
        }),
    );
    const known = written.filter((schema) => schema !== undefined);
    return known.length > 0 || registered === undefined ? known : [registered];
  }

  #definition(ref: SchemaRef): unknown {
    if (ref.avro !== undefined) return parseJson(ref.avro);
    const subject = subjectOf(ref);
    return subject === null ? undefined : this.#lookedUp.get(subjectKey(subject));
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
