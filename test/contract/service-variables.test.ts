/**
 * Kubernetes sets variables for each Service of a namespace in every container of it (kubernetes.io/docs,
 * "Accessing the Service"): a setting whose name looks like one of them is set by whoever names a Service so
 * (confluentinc/cp-docker-images#779, google/knative-gcp#2008).
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_VALUES, desiredOf, type KubeObject } from '@sagafleet/operator';
import { type SagaStep, WORKER_ENV } from '@sagafleet/schemas';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const OF_A_SERVICE = /_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT$|_PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?$/;

/** Names in `env['NAME']` and `env.NAME`, in all that is published. */
function namesRead(): string[] {
  const files = globSync('{schemas,expressions,registry,kafka,worker,operator,local,cli}/src/**/*.ts', { cwd: ROOT }).filter(
    (file) => !file.endsWith('.test.ts'),
  );
  return files.flatMap((file) =>
    [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\benv(?:\.|\[')([A-Z][A-Z0-9_]+)/g)].map(([, name]) => name!),
  );
}

test('the judge knows the variables of a Service', () => {
  const ofService = [
    'A_SERVICE_HOST',
    'A_SERVICE_PORT',
    'A_SERVICE_PORT_HTTP',
    'A_PORT',
    'A_PORT_80_TCP',
    'A_PORT_80_TCP_PROTO',
    'A_PORT_80_TCP_PORT',
    'A_PORT_80_TCP_ADDR',
  ];
  expect(ofService.filter((name) => !OF_A_SERVICE.test(name))).toEqual([]);
});

test('no variable that a program of ours reads can come from a Service', () => {
  const names = [...new Set([...Object.values(WORKER_ENV), ...namesRead()])];
  expect(names).toEqual(expect.arrayContaining(['SAGAFLEET_SETTINGS', 'SAGAFLEET_CACHE', 'JAVA_HOME']));
  expect(names.filter((name) => OF_A_SERVICE.test(name))).toEqual([]);
});

test('and the pods of a step have none of them', () => {
  const step: SagaStep = {
    apiVersion: 'sagafleet.dev/v1alpha1',
    kind: 'SagaStep',
    metadata: { name: 'stock' },
    spec: { consumes: [{ topic: 'moved' }], outcomes: { kept: { emit: [] } } },
  };
  const { objects } = desiredOf(step, DEFAULT_VALUES, { topics: [], steps: [step], hasKeda: false, hasStrimzi: false });
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as KubeObject & { spec: { template: { spec: object } } };
  expect(deployment.spec.template.spec).toMatchObject({ enableServiceLinks: false });
});
