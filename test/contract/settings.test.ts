/** What the operator means is what a worker reads, for any step; and rendering is a function. */
import { checkStep, DEFAULT_VALUES, desiredOf, render, type Facts, type KubeObject, type OperatorValues } from '@sagafleet/operator';
import { SETTINGS_FILE, WORKER_ENV, type SagaStep } from '@sagafleet/schemas';
import { readConfig } from '@sagafleet/worker';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { anyStep, CONFIG_MAP, CONFIG_MAP_KEY } from './any-step.ts';

const RUNS = { numRuns: 100 };
vi.setConfig({ testTimeout: 60_000 });

const VALUES: OperatorValues = {
  ...DEFAULT_VALUES,
  kafka: { default: { brokers: ['a:9092', 'b:9092'], tls: true, sasl: { mechanism: 'scram-sha-512', secretRef: null } } },
};

const facts = (step: SagaStep, changes: Partial<Facts> = {}): Facts => ({
  topics: [],
  steps: [step],
  hasKeda: true,
  hasStrimzi: true,
  configMaps: { [CONFIG_MAP]: { [CONFIG_MAP_KEY]: '"string"' } },
  ...changes,
});

interface Variable {
  name: string;
  value?: string;
  valueFrom?: { fieldRef?: object; secretKeyRef?: { key: string } };
}
interface Rendered extends KubeObject {
  spec: {
    template: {
      spec: {
        containers: [{ env: Variable[]; volumeMounts: { name: string; mountPath: string }[] }];
        volumes: { name: string; configMap?: { name: string } }[];
      };
    };
  };
}

/** As a kubelet would: variables from their sources, files of ConfigMaps below their mounts. */
function startedFrom(objects: KubeObject[]) {
  const {
    containers: [container],
    volumes,
  } = (objects.find(({ kind }) => kind === 'Deployment') as Rendered).spec.template.spec;
  const env = Object.fromEntries(
    container.env.map(({ name, value, valueFrom }) => [name, value ?? valueFrom?.secretKeyRef?.key ?? 'pod-1']),
  );
  const files = new Map(
    container.volumeMounts.flatMap(({ name, mountPath }) => {
      const source = volumes.find((volume) => volume.name === name)?.configMap?.name;
      const configMap = objects.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === source);
      return Object.entries((configMap?.['data'] ?? {}) as Record<string, string>).map(([key, text]): [string, string] => [
        `${mountPath}/${key}`,
        text,
      ]);
    }),
  );
  return { env, files };
}

test('generated steps are ones that the CRD takes', () => {
  fc.assert(
    fc.property(anyStep, (step) => {
      const shape = checkStep(step).filter(
        ({ path, message }) => !/not (run|handled) by this version|not deduplicated yet/.test(message) && !EXPRESSIONS.test(path.join('.')),
      );
      expect(shape.map(({ path, message }) => `${path.join('.')}: ${message}`)).toEqual([]);
    }),
    RUNS,
  );
});

/** Their texts are generated as any text, and so is Avro in full; the checks of both have tests of their own. */
const EXPRESSIONS = /\.(event|key|outcome|headers\..*|idempotencyKey|url|avro)$/;

test('a worker reads what was meant', () => {
  fc.assert(
    fc.property(anyStep, fc.boolean(), fc.boolean(), (step, hasKeda, areLimitsKnown) => {
      const topicLimits = areLimitsKnown
        ? Object.fromEntries(
            desiredOf(step, VALUES, facts(step)).needs.topics.map(({ name }, at) => [
              name,
              { maxMessageBytes: at + 1, compressionType: 'zstd' },
            ]),
          )
        : {};
      const { objects, resolved } = desiredOf(step, VALUES, facts(step, { hasKeda, topicLimits }));
      const { env, files } = startedFrom(objects);
      const config = readConfig(env, (path) => files.get(path) ?? fail(`no file ${path}`));
      expect(config.clientId).toBe('pod-1');
      expect(config.kafkaCredentials).toEqual({ username: 'username', password: 'password' });
      expect(env[WORKER_ENV.settings]).toMatch(new RegExp(`/${SETTINGS_FILE}$`));
      const { settings } = config;
      expect(settings).toEqual({ topicLimits: {}, ...(JSON.parse(files.get(env[WORKER_ENV.settings]!)!) as object) });
      expect(settings).toMatchObject({
        step: { name: step.metadata.name, namespace: step.metadata.namespace ?? 'default' },
        group: step.spec.group ?? `${step.metadata.namespace ?? 'default'}.${step.metadata.name}`,
        startFrom: step.spec.startFrom ?? 'earliest',
        inputs: resolved.inputs.map(({ topic, format, schema }) => ({ topic, format, schema })),
        deadLetterTopic: step.spec.deadLetter?.topic ?? `${resolved.group}.dlq`,
        kafka: { brokers: ['a:9092', 'b:9092'], tls: true, sasl: 'scram-sha-512' },
      });
      const written = new Set([
        ...Object.values(settings.outcomes).flatMap(({ emit }) => emit.map(({ topic }) => topic)),
        settings.deadLetterTopic,
      ]);
      expect(settings.topicLimits).toEqual(Object.fromEntries(Object.entries(topicLimits).filter(([topic]) => written.has(topic))));
      expect(settings.ingress === null).toBe(step.spec.ingress === undefined);
      expect(settings.handler.kind).toBe(Object.keys(step.spec.handler ?? { none: null })[0]);
      for (const [name, { emit = [] }] of Object.entries(step.spec.outcomes)) {
        expect(settings.outcomes[name]?.emit).toMatchObject(
          emit.map(({ topic, event, key, headers, format }) => ({
            topic,
            event: event ?? null,
            key: key ?? null,
            headers: headers ?? {},
            format: format ?? 'avro',
          })),
        );
      }
    }),
    RUNS,
  );
});

test('the same step renders to the same bytes, however its keys are ordered', () => {
  fc.assert(
    fc.property(anyStep, (step) => {
      const rendered = render(desiredOf(step, VALUES, facts(step)).objects);
      expect(render(desiredOf(reversed(step), VALUES, facts(step)).objects)).toBe(rendered);
    }),
    RUNS,
  );
});

function reversed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reversed) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, part]) => [key, reversed(part)]),
  ) as T;
}

function fail(message: string): never {
  throw new Error(message);
}
