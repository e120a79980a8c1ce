/** Fixed defaults of a SagaStep; the CRD carries them, so what the API server stores is complete. */
export const STEP_DEFAULTS = {
  startFrom: 'earliest',
  format: 'avro',
  /** Not in the CRD: a default there would also land beside `avro` and `configMapKeyRef`. */
  schemaVersion: 'latest',
  ingress: { unknownFields: 'Reject' },
  http: { method: 'POST', timeout: '5s', concurrency: 16 },
  module: { export: 'default', timeout: '5s' },
  retry: {
    mode: 'ParkKey',
    maxAttempts: 5,
    backoff: { initial: '500ms', factor: 2, max: '30s', jitter: 0.2 },
  },
  delivery: {
    guarantee: 'ExactlyOnce',
    transaction: { maxRecords: 2000, linger: '0ms', timeout: '15s' },
    maxBatchBytes: 67_108_864,
  },
  deadLetter: { stopAfter: 50 },
  scaling: { min: 1, max: 3, lagThreshold: 100, activationLag: 0, cooldown: '60s', pollingInterval: '10s' },
  topics: { fieldOrder: 'Append' },
  kafka: 'default',
  registry: 'default',
  deletionPolicy: 'Retain',
  suspend: false,
} as const;
