/** How many workers run, and who decides. */
import { parseDurationMs, STEP_DEFAULTS } from '@sagafleet/schemas';
import type { Facts } from '../facts.ts';
import type { ResolvedStep } from '../resolve.ts';
import { autoscalerSecret } from './credentials.ts';
import { metadata, objectName, selectorLabels, type KubeObject } from './object.ts';

/** Protocol version that KEDA's client speaks; brokers from 2.1 up to 4 understand it. */
const KEDA_KAFKA_VERSION = '2.1.0';
const SCALE_UP_SECONDS = 60;
const SCALE_DOWN_SECONDS = 120;
const SCALE_DOWN_AFTER_SECONDS = 300;
const FAILURES_BEFORE_FALLBACK = 3;

const SASL_NAMES = { plain: 'plaintext', 'scram-sha-256': 'scram_sha256', 'scram-sha-512': 'scram_sha512' } as const;

interface Bounds {
  min: number;
  max: number;
}

/** More workers than partitions would have nothing to do. */
function bounds({ step: { spec }, inputs }: ResolvedStep): Bounds {
  const { min, max } = { ...STEP_DEFAULTS.scaling, ...spec.scaling };
  const most = Math.min(max, partitions(inputs));
  return { min: Math.min(min, most), max: most };
}

/** Replicas that the Deployment states; null: a ScaledObject owns the number. */
export function fixedReplicas(resolved: ResolvedStep, facts: Facts): number | null {
  const { min } = bounds(resolved);
  if (resolved.step.spec.suspend) return 0;
  if (isAutoscaled(resolved, facts)) return null;
  return Math.max(1, min);
}

function isAutoscaled(resolved: ResolvedStep, { hasKeda }: Facts): boolean {
  const { min, max } = bounds(resolved);
  return hasKeda && min < max && !resolved.step.spec.suspend;
}

export function podDisruptionBudget(resolved: ResolvedStep): KubeObject | null {
  if (bounds(resolved).max < 2) return null;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(resolved),
    spec: { maxUnavailable: 1, selector: { matchLabels: selectorLabels(resolved) } },
  };
}

export function scaledObject(resolved: ResolvedStep, facts: Facts): KubeObject | null {
  if (!isAutoscaled(resolved, facts)) return null;
  const { min, max } = bounds(resolved);
  const scaling = { ...STEP_DEFAULTS.scaling, ...resolved.step.spec.scaling };
  const upPods = Math.max(2, Math.floor(partitions(resolved.inputs) / 2));
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: metadata(resolved),
    spec: {
      scaleTargetRef: { name: objectName(resolved) },
      minReplicaCount: min,
      maxReplicaCount: max,
      pollingInterval: seconds(scaling.pollingInterval),
      cooldownPeriod: seconds(scaling.cooldown),
      fallback: { behavior: 'currentReplicasIfHigher', failureThreshold: FAILURES_BEFORE_FALLBACK, replicas: Math.max(1, min) },
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: upPods, periodSeconds: SCALE_UP_SECONDS }] },
            scaleDown: {
              stabilizationWindowSeconds: SCALE_DOWN_AFTER_SECONDS,
              policies: [{ type: 'Pods', value: 1, periodSeconds: SCALE_DOWN_SECONDS }],
            },
          },
        },
      },
      // KEDA takes the largest of the triggers
      triggers: resolved.inputs.map(({ topic }) => trigger(resolved, topic, scaling)),
    },
  };
}

function trigger(resolved: ResolvedStep, topic: string, scaling: { lagThreshold: number; activationLag: number }) {
  const {
    kafka,
    group,
    step: { spec },
  } = resolved;
  return {
    type: 'kafka',
    metadata: {
      bootstrapServers: kafka.brokers.join(','),
      consumerGroup: group,
      topic,
      lagThreshold: String(scaling.lagThreshold),
      activationLagThreshold: String(scaling.activationLag),
      offsetResetPolicy: spec.startFrom ?? STEP_DEFAULTS.startFrom,
      allowIdleConsumers: 'false',
      limitToPartitionsWithLag: 'true',
      version: KEDA_KAFKA_VERSION,
      tls: kafka.tls ? 'enable' : 'disable',
      ...(kafka.sasl ? { sasl: SASL_NAMES[kafka.sasl.mechanism] } : {}),
    },
    ...(kafka.sasl ? { authenticationRef: { name: objectName(resolved) } } : {}),
  };
}

export function triggerAuthentication(resolved: ResolvedStep, facts: Facts): KubeObject | null {
  const secret = autoscalerSecret(resolved);
  if (!secret || !isAutoscaled(resolved, facts)) return null;
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'TriggerAuthentication',
    metadata: metadata(resolved),
    spec: {
      secretTargetRef: [
        { parameter: 'username', name: secret.name, key: secret.usernameKey },
        { parameter: 'password', name: secret.name, key: secret.passwordKey },
      ],
    },
  };
}

function partitions(inputs: ResolvedStep['inputs']): number {
  return Math.max(...inputs.map((input) => input.partitions));
}

/** KEDA counts in seconds; one at least. */
function seconds(duration: string): number {
  return Math.ceil(parseDurationMs(duration) / 1000);
}
