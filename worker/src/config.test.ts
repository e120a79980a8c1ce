import { describe, expect, test } from 'vitest';
import { settingsFor } from '../../test/support/settings.ts';
import { readConfig } from './config.ts';

const SETTINGS = settingsFor('payment', { brokers: ['localhost:9092'], registryUrl: 'http://localhost:8081' });

function read(settings: unknown, env: NodeJS.ProcessEnv = {}) {
  return readConfig(env, () => (typeof settings === 'string' ? settings : JSON.stringify(settings)));
}

/** The settings with the one at `path` (`a.b`) replaced; undefined takes it away. */
function withSetting(path: string, value: unknown): unknown {
  const settings = structuredClone(SETTINGS) as unknown as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop()!;
  const parent = names.reduce((at, name) => at[name] as Record<string, unknown>, settings);
  parent[last] = value;
  return settings;
}

const WRONG: Record<string, { path: string; value: unknown; message: RegExp }> = {
  'a version that is not known': { path: 'version', value: 2, message: /version: must be one of the possible values: \[1\]/ },
  'a missing setting': { path: 'group', value: undefined, message: /group: must be a non-empty text/ },
  'a missing setting of a block': { path: 'delivery.maxRecords', value: undefined, message: /delivery\.maxRecords/ },
  'a wrong type': { path: 'kafka.tls', value: 'yes', message: /kafka\.tls/ },
  'a number as text': { path: 'delivery.maxRecords', value: '5', message: /delivery\.maxRecords: must be a whole number/ },
  'a number below zero': { path: 'retry.initialMs', value: -1, message: /retry\.initialMs/ },
  'a word that is not known': { path: 'delivery.guarantee', value: 'AtMostOnce', message: /delivery\.guarantee.*ExactlyOnce/ },
  'no input': { path: 'inputs', value: [], message: /inputs: must be a list with an entry/ },
  'an unknown way to treat unknown fields': {
    path: 'ingress',
    value: { unknownFields: 'Drop' },
    message: /ingress: unknownFields must be Reject or Ignore/,
  },
  'limits of topics that are no object': {
    path: 'topicLimits',
    value: null,
    message: /topicLimits: must be an object with maxMessageBytes/,
  },
  'a limit that is no number': {
    path: 'topicLimits',
    value: { 'order.paid': { maxMessageBytes: '1048588', compressionType: 'producer' } },
    message: /topicLimits: must be/,
  },
  'a limit that nothing fits': {
    path: 'topicLimits',
    value: { 'order.paid': { maxMessageBytes: 0, compressionType: 'producer' } },
    message: /topicLimits: must be/,
  },
  'a limit without a codec': { path: 'topicLimits', value: { 'order.paid': { maxMessageBytes: 1 } }, message: /topicLimits: must be/ },
  'an empty SASL mechanism': { path: 'kafka.sasl', value: '', message: /kafka\.sasl: must be plain, scram-sha-256, scram-sha-512 or null/ },
  'a missing SASL mechanism': { path: 'kafka.sasl', value: undefined, message: /kafka\.sasl: must be/ },
  'a SASL mechanism that is not known': { path: 'kafka.sasl', value: 'SCRAM-SHA-512', message: /kafka\.sasl: must be/ },
  'a setting that is not known': { path: 'kafka.brokerz', value: [], message: /kafka\.brokerz/ },
};

const KAFKA_USER = 'SAGAFLEET_KAFKA_USERNAME';
const KAFKA_PASSWORD = 'SAGAFLEET_KAFKA_PASSWORD';
const REGISTRY_USER = 'SAGAFLEET_REGISTRY_USERNAME';
const REGISTRY_PASSWORD = 'SAGAFLEET_REGISTRY_PASSWORD';

/** Each would connect, without saying who it is. */
const HALF_SET: Record<string, { sasl?: string; env: NodeJS.ProcessEnv; message: string }> = {
  'SASL without credentials': {
    sasl: 'plain',
    env: {},
    message: `kafka.sasl is plain: set ${KAFKA_USER} and ${KAFKA_PASSWORD} (missing or empty), or kafka.sasl to null to connect without SASL`,
  },
  'SASL without a user name': {
    sasl: 'scram-sha-256',
    env: { [KAFKA_PASSWORD]: 'p' },
    message: `kafka.sasl is scram-sha-256: set ${KAFKA_USER} (missing or empty)`,
  },
  'SASL with an empty user name': {
    sasl: 'plain',
    env: { [KAFKA_USER]: '', [KAFKA_PASSWORD]: 'p' },
    message: `kafka.sasl is plain: set ${KAFKA_USER} (missing or empty)`,
  },
  'SASL without a password': {
    sasl: 'plain',
    env: { [KAFKA_USER]: 'u' },
    message: `kafka.sasl is plain: set ${KAFKA_PASSWORD} (missing or empty)`,
  },
  'SASL with an empty password': {
    sasl: 'plain',
    env: { [KAFKA_USER]: 'u', [KAFKA_PASSWORD]: '' },
    message: `kafka.sasl is plain: set ${KAFKA_PASSWORD} (missing or empty)`,
  },
  'credentials for Kafka without SASL': {
    env: { [KAFKA_USER]: 'u', [KAFKA_PASSWORD]: 'p' },
    message: `kafka.sasl is null: set it to a mechanism, or unset ${KAFKA_USER} and ${KAFKA_PASSWORD} to connect without SASL`,
  },
  'a user of the registry without a password': {
    env: { [REGISTRY_USER]: 'u' },
    message: `${REGISTRY_USER} is set: set ${REGISTRY_PASSWORD} too (missing or empty), or neither to connect to the registry without authentication`,
  },
  'a password of the registry without a user': {
    env: { [REGISTRY_PASSWORD]: 'p' },
    message: `${REGISTRY_PASSWORD} is set: set ${REGISTRY_USER} too`,
  },
};

describe('credentials', () => {
  test.each(Object.entries(HALF_SET))('rejected by setting and variable: %s', (_, { sasl = null, env, message }) => {
    const reading = () => read(withSetting('kafka.sasl', sasl), env);
    expect(reading).toThrow(expect.objectContaining({ code: 'bad-settings', consequence: 'fatal' }));
    expect(reading).toThrow(message);
  });

  test('are none without SASL, and for a registry without variables', () => {
    expect(read(SETTINGS)).toMatchObject({ kafkaCredentials: null, registryCredentials: null });
    expect(read(SETTINGS, { [REGISTRY_USER]: 'u', [REGISTRY_PASSWORD]: 'p' }).registryCredentials).toEqual({
      username: 'u',
      password: 'p',
    });
  });
});

const INGRESS = {
  path: '/orders',
  key: 'event.id',
  schema: { kind: 'subject', subject: 'orders-value', version: 'latest' },
  inboxTopic: 'default.order.inbox',
  maxBodyBytes: 900_000,
  idempotencyKey: null,
  windowMs: null,
};

describe('settings', () => {
  test('are read as they were written', () => {
    expect(read(SETTINGS).settings).toEqual(SETTINGS);
  });

  test.each(Object.entries(WRONG))('%s is refused by name', (_, { path, value, message }) => {
    const reading = () => read(withSetting(path, value), { SAGAFLEET_SETTINGS: '/somewhere/step.json' });
    expect(reading).toThrow(expect.objectContaining({ code: 'bad-settings', consequence: 'fatal' }));
    expect(reading).toThrow(message);
    expect(reading).toThrow('/somewhere/step.json');
  });

  test.each(['delivery.maxBatchBytes', 'topicLimits'])('a file of before %s existed has its default', (path) => {
    expect(read(withSetting(path, undefined)).settings).toEqual(SETTINGS);
  });

  test('an ingress of before unknownFields existed rejects them', () => {
    expect(read(withSetting('ingress', INGRESS)).settings.ingress).toEqual({ ...INGRESS, unknownFields: 'Reject' });
    const ignoring = { ...INGRESS, unknownFields: 'Ignore' };
    expect(read(withSetting('ingress', ignoring)).settings.ingress).toEqual(ignoring);
  });

  test('limits have topics for keys, dots and all', () => {
    const topicLimits = {
      'order.paid': { maxMessageBytes: 1_048_588, compressionType: 'producer' },
      'default.payment.dlq': { maxMessageBytes: 1, compressionType: 'lz4' },
    };
    expect(read(withSetting('topicLimits', topicLimits)).settings.topicLimits).toEqual(topicLimits);
  });

  test('a file that is no JSON, or that is not there, is named', () => {
    expect(() => read('{')).toThrow(/\/etc\/sagafleet\/step\.json.*JSON/);
    const missing = () =>
      readConfig({}, () => {
        throw new Error('ENOENT: no such file');
      });
    expect(missing).toThrow(/\/etc\/sagafleet\/step\.json.*ENOENT/);
  });

  test('the environment says who this worker is, where it listens and how it logs in', () => {
    const config = read(withSetting('kafka.sasl', 'scram-sha-512'), {
      SAGAFLEET_CLIENT_ID: 'payment-1',
      SAGAFLEET_LISTEN_HEALTH: '127.0.0.1:1',
      SAGAFLEET_LISTEN_INGRESS: '[::1]:2',
      SAGAFLEET_LOG_LEVEL: 'debug',
      SAGAFLEET_KAFKA_USERNAME: 'u',
      SAGAFLEET_KAFKA_PASSWORD: 'p',
    });
    expect(config).toMatchObject({
      clientId: 'payment-1',
      logLevel: 'debug',
      healthListen: { host: '127.0.0.1', port: 1 },
      ingressListen: { host: '[::1]', port: 2 },
      kafkaCredentials: { username: 'u', password: 'p' },
      registryCredentials: null,
    });
  });

  test('a wrong variable is refused by name', () => {
    expect(() => read(SETTINGS, { SAGAFLEET_LISTEN_HEALTH: 'nowhere' })).toThrow(/healthListen: must be HOST:PORT/);
    expect(() => read(SETTINGS, { SAGAFLEET_LOG_LEVEL: 'loud' })).toThrow(/logLevel/);
  });

  test('what Kubernetes sets for the Services of a namespace changes nothing', () => {
    const env: NodeJS.ProcessEnv = {};
    for (const service of [
      'KAFKA',
      'REGISTRY',
      'SAGAFLEET',
      'SAGAFLEET_SETTINGS',
      'SAGAFLEET_LISTEN',
      'SAGAFLEET_LOG_LEVEL',
      'VERSION',
      'GROUP',
    ]) {
      Object.assign(env, {
        [`${service}_SERVICE_HOST`]: '10.96.0.10',
        [`${service}_SERVICE_PORT`]: '9092',
        [`${service}_PORT`]: 'tcp://10.96.0.10:9092',
        [`${service}_PORT_9092_TCP`]: 'tcp://10.96.0.10:9092',
        [`${service}_PORT_9092_TCP_ADDR`]: '10.96.0.10',
      });
    }
    expect(read(SETTINGS, env)).toEqual(read(SETTINGS));
  });
});
