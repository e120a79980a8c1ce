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
  'a setting that is not known': { path: 'kafka.brokerz', value: [], message: /kafka\.brokerz/ },
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

  test('a file that is no JSON, or that is not there, is named', () => {
    expect(() => read('{')).toThrow(/\/etc\/sagafleet\/step\.json.*JSON/);
    const missing = () => readConfig({}, () => { throw new Error('ENOENT: no such file'); });
    expect(missing).toThrow(/\/etc\/sagafleet\/step\.json.*ENOENT/);
  });

  test('the environment says who this worker is, where it listens and how it logs in', () => {
    const config = read(SETTINGS, {
      SAGAFLEET_CLIENT_ID: 'payment-1', SAGAFLEET_LISTEN_HEALTH: '127.0.0.1:1', SAGAFLEET_LISTEN_INGRESS: '[::1]:2', SAGAFLEET_LOG_LEVEL: 'debug',
      SAGAFLEET_KAFKA_USERNAME: 'u', SAGAFLEET_KAFKA_PASSWORD: 'p',
    });
    expect(config).toMatchObject({
      clientId: 'payment-1', logLevel: 'debug', healthListen: { host: '127.0.0.1', port: 1 }, ingressListen: { host: '[::1]', port: 2 },
      kafkaCredentials: { username: 'u', password: 'p' }, registryCredentials: null,
    });
  });

  test('a wrong variable is refused by name', () => {
    expect(() => read(SETTINGS, { SAGAFLEET_LISTEN_HEALTH: 'nowhere' })).toThrow(/healthListen: must be HOST:PORT/);
    expect(() => read(SETTINGS, { SAGAFLEET_LOG_LEVEL: 'loud' })).toThrow(/logLevel/);
  });

  test('what Kubernetes sets for the Services of a namespace changes nothing', () => {
    const env: NodeJS.ProcessEnv = {};
    for (const service of ['KAFKA', 'REGISTRY', 'SAGAFLEET', 'SAGAFLEET_SETTINGS', 'SAGAFLEET_LISTEN', 'SAGAFLEET_LOG_LEVEL', 'VERSION', 'GROUP']) {
      Object.assign(env, {
        [`${service}_SERVICE_HOST`]: '10.96.0.10', [`${service}_SERVICE_PORT`]: '9092', [`${service}_PORT`]: 'tcp://10.96.0.10:9092',
        [`${service}_PORT_9092_TCP`]: 'tcp://10.96.0.10:9092', [`${service}_PORT_9092_TCP_ADDR`]: '10.96.0.10',
      });
    }
    expect(read(SETTINGS, env)).toEqual(read(SETTINGS));
  });
});
