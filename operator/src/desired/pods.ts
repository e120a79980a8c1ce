/** Settings, Deployment and what belongs to its pods. */
import {
  HEALTH_CONTAINER_PORT,
  INGRESS_CONTAINER_PORT,
  parseDurationMs,
  SETTINGS_FILE,
  SETTINGS_MOUNT,
  STEP_DEFAULTS,
  WORKER_ENV,
} from '@sagafleet/schemas';
import { contentHash, stableJson } from '../content-hash.ts';
import type { Facts } from '../facts.ts';
import type { ResolvedStep } from '../resolve.ts';
import type { OperatorValues } from '../values.ts';
import { kafkaSecret } from './credentials.ts';
import { labels, metadata, objectName, selectorLabels, type KubeObject } from './object.ts';
import { fixedReplicas } from './scale.ts';
import { MODULE_MOUNT, workerSettings } from './settings.ts';

/** On top of the longest transaction and handler call: leaving the group, closing connections. */
const LEAVING_SECONDS = 15;
/** Kubernetes' own default. */
const LEAST_GRACE_SECONDS = 30;

type Pod = Record<string, unknown>;

export function configMap(resolved: ResolvedStep): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(resolved), data: { [SETTINGS_FILE]: settingsText(resolved) } };
}

/** Null: the step names an account of its own. */
export function serviceAccount(resolved: ResolvedStep): KubeObject | null {
  if (resolved.step.spec.template?.serviceAccountName) return null;
  return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(resolved), automountServiceAccountToken: false };
}

/** Only ingress needs one: health and metrics are asked of each pod by itself. */
export function service(resolved: ResolvedStep): KubeObject | null {
  if (!resolved.step.spec.ingress) return null;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(resolved),
    spec: {
      selector: selectorLabels(resolved),
      ports: [{ name: 'http', port: INGRESS_CONTAINER_PORT, targetPort: 'ingress', protocol: 'TCP' }],
    },
  };
}

export function deployment(resolved: ResolvedStep, values: OperatorValues, facts: Facts): KubeObject {
  const replicas = fixedReplicas(resolved, facts);
  const template = resolved.step.spec.template;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(resolved),
    spec: {
      ...(replicas === null ? {} : { replicas }),
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorLabels(resolved) },
      // A new member first: it takes over tasks one by one, and none is without a worker
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: { ...template?.metadata?.labels, ...labels(resolved) },
          annotations: { ...template?.metadata?.annotations, 'sagafleet.dev/settings-hash': settingsHash(resolved, facts) },
        },
        spec: podSpec(resolved, values),
      },
    },
  };
}

function podSpec(resolved: ResolvedStep, values: OperatorValues): Pod {
  const template = resolved.step.spec.template ?? {};
  const passedOn = ['nodeSelector', 'tolerations', 'affinity', 'priorityClassName', 'imagePullSecrets'] as const;
  return {
    ...Object.fromEntries(passedOn.filter((field) => template[field] !== undefined).map((field) => [field, template[field]])),
    serviceAccountName: template.serviceAccountName ?? objectName(resolved),
    automountServiceAccountToken: false,
    // A Service's variables must not look like settings
    enableServiceLinks: false,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    terminationGracePeriodSeconds: template.terminationGracePeriodSeconds ?? graceSeconds(resolved),
    topologySpreadConstraints: template.topologySpreadConstraints ?? [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: selectorLabels(resolved) },
      },
    ],
    containers: [container(resolved, values)],
    volumes: [
      ...(template.volumes ?? []),
      ...mounts(resolved).map(({ name, configMapName }) => ({ name, configMap: { name: configMapName } })),
    ],
  };
}

function container(resolved: ResolvedStep, values: OperatorValues): Pod {
  const { template = {}, ingress } = resolved.step.spec;
  return {
    name: 'worker',
    image: values.image.worker,
    imagePullPolicy: values.image.pullPolicy,
    env: environment(resolved, values),
    ...(template.envFrom ? { envFrom: template.envFrom } : {}),
    ports: [
      { name: 'health', containerPort: HEALTH_CONTAINER_PORT, protocol: 'TCP' },
      ...(ingress ? [{ name: 'ingress', containerPort: INGRESS_CONTAINER_PORT, protocol: 'TCP' }] : []),
    ],
    // Ten minutes to find broker, topics and schemas; once started, an absent broker is no reason to restart
    startupProbe: probe('/startupz', { periodSeconds: 2, failureThreshold: 300 }),
    livenessProbe: probe('/livez', { periodSeconds: 10, failureThreshold: 3 }),
    readinessProbe: probe('/readyz', { periodSeconds: 2, failureThreshold: 2 }),
    resources: template.resources ?? values.resources,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    volumeMounts: [
      ...(template.volumeMounts ?? []),
      ...mounts(resolved).map(({ name, mountPath }) => ({ name, mountPath, readOnly: true })),
    ],
  };
}

function probe(path: string, timing: { periodSeconds: number; failureThreshold: number }): Pod {
  return { httpGet: { path, port: 'health' }, timeoutSeconds: 3, ...timing };
}

interface Variable {
  name: string;
  value?: string;
  valueFrom?: unknown;
}

/** A variable of the template replaces one of ours: server-side apply takes each name once. */
function environment(resolved: ResolvedStep, values: OperatorValues): Variable[] {
  const { template, ingress } = resolved.step.spec;
  const kafka = kafkaSecret(resolved);
  const registry = resolved.registry.secretRef;
  const fromSecret = (variable: string, secret: string, key: string): Variable => ({
    name: variable,
    valueFrom: { secretKeyRef: { name: secret, key } },
  });
  const ours: Variable[] = [
    { name: WORKER_ENV.settings, value: `${SETTINGS_MOUNT}/${SETTINGS_FILE}` },
    { name: WORKER_ENV.clientId, valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: WORKER_ENV.healthListen, value: `0.0.0.0:${HEALTH_CONTAINER_PORT}` },
    ...(ingress ? [{ name: WORKER_ENV.ingressListen, value: `0.0.0.0:${INGRESS_CONTAINER_PORT}` }] : []),
    { name: WORKER_ENV.logLevel, value: values.logLevel },
    ...(kafka
      ? [
          fromSecret(WORKER_ENV.kafkaUsername, kafka.name, kafka.usernameKey),
          fromSecret(WORKER_ENV.kafkaPassword, kafka.name, kafka.passwordKey),
        ]
      : []),
    ...(registry
      ? [
          fromSecret(WORKER_ENV.registryUsername, registry.name, registry.usernameKey),
          fromSecret(WORKER_ENV.registryPassword, registry.name, registry.passwordKey),
        ]
      : []),
  ];
  const theirs = (template?.env ?? []) as unknown as Variable[];
  return [...ours.filter(({ name }) => !theirs.some((variable) => variable.name === name)), ...theirs];
}

interface Mount {
  name: string;
  configMapName: string;
  mountPath: string;
}

function mounts(resolved: ResolvedStep): Mount[] {
  const module = resolved.step.spec.handler?.module?.configMapKeyRef;
  return [
    { name: 'sagafleet-settings', configMapName: objectName(resolved), mountPath: SETTINGS_MOUNT },
    ...(module ? [{ name: 'sagafleet-module', configMapName: module.name, mountPath: MODULE_MOUNT }] : []),
  ];
}

function graceSeconds({ step: { spec } }: ResolvedStep): number {
  const transaction = spec.delivery?.transaction?.timeout ?? STEP_DEFAULTS.delivery.transaction.timeout;
  const call = spec.handler?.http?.timeout ?? spec.handler?.module?.timeout ?? '0ms';
  return Math.max(LEAST_GRACE_SECONDS, Math.ceil((parseDurationMs(transaction) + parseDurationMs(call)) / 1000) + LEAVING_SECONDS);
}

function settingsText(resolved: ResolvedStep): string {
  return stableJson(workerSettings(resolved));
}

/** Pods roll when what they read at their start has changed, and only then. */
function settingsHash(resolved: ResolvedStep, { configMaps }: Facts): string {
  const module = resolved.step.spec.handler?.module?.configMapKeyRef;
  return contentHash(settingsText(resolved) + (module ? (configMaps?.[module.name]?.[module.key] ?? '') : ''));
}
