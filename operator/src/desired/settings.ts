/** What the step's workers are told. */
import {
  parseDurationMs,
  SETTINGS_MOUNT,
  STEP_DEFAULTS,
  WORKER_SETTINGS_VERSION,
  type EmitSettings,
  type HandlerSettings,
  type IngressSettings,
  type OutcomeSettings,
  type WorkerSettings,
} from '@sagafleet/schemas';
import type { ResolvedEmit, ResolvedStep } from '../resolve.ts';

/** Kafka members are thought dead after this time without a heartbeat. */
const SESSION_TIMEOUT_MS = 10_000;
/** Below the default limit of a topic (1 MiB), with room for headers. */
const MAX_BODY_BYTES = 900_000;

/** Where a handler module out of a ConfigMap is mounted. */
export const MODULE_MOUNT = `${SETTINGS_MOUNT}-module`;

export function workerSettings(resolved: ResolvedStep): WorkerSettings {
  const {
    step: { spec },
    kafka,
    registry,
    topicLimits,
  } = resolved;
  const { mode, maxAttempts, backoff } = { ...STEP_DEFAULTS.retry, ...spec.retry };
  const waits = { ...STEP_DEFAULTS.retry.backoff, ...backoff };
  const transaction = { ...STEP_DEFAULTS.delivery.transaction, ...spec.delivery?.transaction };
  return {
    version: WORKER_SETTINGS_VERSION,
    step: { name: resolved.name, namespace: resolved.namespace },
    group: resolved.group,
    startFrom: spec.startFrom ?? STEP_DEFAULTS.startFrom,
    inputs: resolved.inputs.map(({ topic, format, schema }) => ({ topic, format, schema })),
    ingress: ingressSettings(resolved),
    handler: handlerSettings(resolved),
    outcomes: Object.fromEntries(Object.keys(spec.outcomes).map((name) => [name, outcomeSettings(resolved, name)])),
    retry: {
      mode,
      maxAttempts,
      initialMs: parseDurationMs(waits.initial),
      factor: waits.factor,
      maxMs: parseDurationMs(waits.max),
      jitter: waits.jitter,
    },
    deadLetterTopic: resolved.deadLetterTopic,
    stopAfter: spec.deadLetter?.stopAfter ?? STEP_DEFAULTS.deadLetter.stopAfter,
    // Workers of before there was such a setting refuse it
    ...(Object.keys(topicLimits).length > 0 ? { topicLimits } : {}),
    delivery: {
      guarantee: spec.delivery?.guarantee ?? STEP_DEFAULTS.delivery.guarantee,
      maxRecords: transaction.maxRecords,
      lingerMs: parseDurationMs(transaction.linger),
      timeoutMs: parseDurationMs(transaction.timeout),
      maxBatchBytes: spec.delivery?.maxBatchBytes ?? STEP_DEFAULTS.delivery.maxBatchBytes,
    },
    kafka: { brokers: kafka.brokers, tls: kafka.tls, sasl: kafka.sasl?.mechanism ?? null, sessionTimeoutMs: SESSION_TIMEOUT_MS },
    registry: { url: registry.url },
  };
}

function outcomeSettings({ step: { spec }, emits }: ResolvedStep, name: string): OutcomeSettings {
  return { emit: (emits[name] ?? []).map(emitSettings), reject: spec.outcomes[name]?.reject ?? null };
}

function emitSettings({ topic, format, event, key, headers, source }: ResolvedEmit): EmitSettings {
  return { topic, format, event: event ?? null, key: key ?? null, headers: headers ?? {}, schema: source };
}

function ingressSettings({ step: { spec }, inboxTopic, ingressSchema }: ResolvedStep): IngressSettings | null {
  if (!spec.ingress || inboxTopic === null || ingressSchema === null) return null;
  const { path, key, unknownFields, idempotencyKey, window } = spec.ingress.http;
  return {
    path,
    key,
    schema: ingressSchema,
    inboxTopic,
    maxBodyBytes: MAX_BODY_BYTES,
    unknownFields: unknownFields ?? STEP_DEFAULTS.ingress.unknownFields,
    idempotencyKey: idempotencyKey ?? null,
    windowMs: window === undefined ? null : parseDurationMs(window),
  };
}

function handlerSettings({ step: { spec } }: ResolvedStep): HandlerSettings {
  const { cel, http, module } = spec.handler ?? {};
  if (cel) return { kind: 'cel', outcome: cel.outcome };
  if (http) {
    const { timeout, ...call } = { ...STEP_DEFAULTS.http, headers: {}, retryOn: [], ...http };
    return { kind: 'http', ...call, outcome: http.outcome ?? null, timeoutMs: parseDurationMs(timeout) };
  }
  if (module) {
    const path = module.configMapKeyRef ? `${MODULE_MOUNT}/${module.configMapKeyRef.key}` : module.path!;
    return {
      kind: 'module',
      path,
      export: module.export ?? STEP_DEFAULTS.module.export,
      timeoutMs: parseDurationMs(module.timeout ?? STEP_DEFAULTS.module.timeout),
    };
  }
  return { kind: 'none' };
}
