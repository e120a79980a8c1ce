import { STEP_DEFAULTS, WORKER_SETTINGS_VERSION, type DeliverySettings, type EmitSettings, type WorkerSettings } from '@sagafleet/schemas';

const {
  guarantee,
  transaction: { maxRecords },
  maxBatchBytes,
} = STEP_DEFAULTS.delivery;

export const DELIVERY: DeliverySettings = { guarantee, maxRecords, lingerMs: 0, timeoutMs: 15_000, maxBatchBytes };

/** Complete settings of a step that passes every event on from one topic to another. */
export function settingsFor(
  name: string,
  addresses: { brokers: string[]; registryUrl: string },
  changes: Partial<WorkerSettings> = {},
): WorkerSettings {
  return {
    version: WORKER_SETTINGS_VERSION,
    step: { name, namespace: 'default' },
    group: `default.${name}`,
    startFrom: 'earliest',
    inputs: [{ topic: `${name}-in`, format: 'avro', schema: null }],
    ingress: null,
    handler: { kind: 'none' },
    outcomes: { done: { emit: [emitTo(`${name}-out`)], reject: null } },
    retry: { mode: 'ParkKey', maxAttempts: 5, initialMs: 500, factor: 2, maxMs: 30_000, jitter: 0.2 },
    deadLetterTopic: `default.${name}.dlq`,
    stopAfter: 0,
    topicLimits: {},
    delivery: DELIVERY,
    kafka: { brokers: addresses.brokers, tls: false, sasl: null, sessionTimeoutMs: 6_000 },
    registry: { url: addresses.registryUrl },
    ...changes,
  };
}

export function emitTo(topic: string, changes: Partial<EmitSettings> = {}): EmitSettings {
  return {
    topic,
    format: 'avro',
    event: null,
    key: null,
    headers: {},
    schema: { kind: 'subject', subject: `${topic}-value`, version: 'latest' },
    ...changes,
  };
}
