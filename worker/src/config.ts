/** What a worker is told: the rendered settings file and a few variables of its environment. */
import {
  HEALTH_CONTAINER_PORT,
  INGRESS_CONTAINER_PORT,
  SETTINGS_FILE,
  SETTINGS_MOUNT,
  STEP_DEFAULTS,
  WORKER_ENV,
  WORKER_SETTINGS_VERSION,
  type IngressSettings,
  type SaslMechanism,
  type TopicLimitSettings,
  type UnknownFields,
  type WorkerSettings,
} from '@sagafleet/schemas';
import convict from 'convict';
import { messageOf, WorkerError } from './errors.ts';

export interface Credentials {
  username: string;
  password: string;
}
export interface ListenAddress {
  host: string;
  port: number;
}

export interface WorkerConfig {
  settings: WorkerSettings;
  clientId: string;
  logLevel: string;
  healthListen: ListenAddress;
  ingressListen: ListenAddress;
  kafkaCredentials: Credentials | null;
  registryCredentials: Credentials | null;
}

const UNKNOWN_FIELDS: readonly unknown[] = ['Reject', 'Ignore'] satisfies UnknownFields[];
const SASL_MECHANISMS: readonly unknown[] = ['plain', 'scram-sha-256', 'scram-sha-512'] satisfies SaslMechanism[];

const FORMATS: convict.Format[] = [
  { name: 'non-empty-list', validate: (value: unknown) => check(Array.isArray(value) && value.length > 0, 'must be a list with an entry') },
  {
    name: 'boxed-object',
    validate: (value: unknown) => check(typeof unboxed(value) === 'object' && unboxed(value) !== null, 'must be an object'),
  },
  {
    name: 'ingress-or-null',
    validate(value: unknown) {
      const ingress = unboxed(value);
      check(typeof ingress === 'object', 'must be an object or null');
      const { unknownFields = STEP_DEFAULTS.ingress.unknownFields } = (ingress ?? {}) as Partial<IngressSettings>;
      check(UNKNOWN_FIELDS.includes(unknownFields), `unknownFields must be ${UNKNOWN_FIELDS.join(' or ')}`);
    },
  },
  {
    name: 'topic-limits',
    validate: (value: unknown) =>
      check(
        areTopicLimits(unboxed(value)),
        'must be an object with maxMessageBytes, a whole number above 0, and compressionType, a text, for each topic',
      ),
  },
  { name: 'text', validate: (value: unknown) => check(typeof value === 'string' && value !== '', 'must be a non-empty text') },
  {
    name: 'sasl-mechanism-or-null',
    validate: (value: unknown) => check(value === null || SASL_MECHANISMS.includes(value), `must be ${SASL_MECHANISMS.join(', ')} or null`),
  },
  // convict's own formats for these turn texts into something: "yes" would be false
  { name: 'true-or-false', validate: (value: unknown) => check(typeof value === 'boolean', 'must be true or false') },
  { name: 'number', validate: (value: unknown) => check(Number.isFinite(value), 'must be a number') },
  {
    name: 'count',
    validate: (value: unknown) => check(Number.isSafeInteger(value) && (value as number) >= 0, 'must be a whole number, not negative'),
  },
  { name: 'listen-address', validate: (value: unknown) => check(/^.+:\d{1,5}$/.test(String(value)), 'must be HOST:PORT') },
];

function check(isValid: boolean, expectation: string): void {
  if (!isValid) throw new Error(expectation);
}

function areTopicLimits(value: unknown): boolean {
  const isLimit = (limit: Partial<TopicLimitSettings> | null) =>
    Number.isSafeInteger(limit?.maxMessageBytes) && limit!.maxMessageBytes! > 0 && typeof limit!.compressionType === 'string';
  return typeof value === 'object' && value !== null && Object.values(value).every(isLimit);
}

/** Every setting is in the file: the operator writes all of them, a missing one is an error. Those added since the first version have defaults: older files are still valid. */
const FILE_SCHEMA = {
  version: { format: [WORKER_SETTINGS_VERSION], default: null },
  step: { name: { format: 'text', default: null }, namespace: { format: 'text', default: null } },
  group: { format: 'text', default: null },
  startFrom: { format: ['earliest', 'latest'], default: null },
  inputs: { format: 'non-empty-list', default: null },
  ingress: { format: 'ingress-or-null', default: null },
  handler: { format: 'boxed-object', default: null },
  outcomes: { format: 'boxed-object', default: null },
  retry: {
    mode: { format: ['ParkKey', 'InPlace', 'None'], default: null },
    maxAttempts: { format: 'count', default: null },
    initialMs: { format: 'count', default: null },
    factor: { format: 'number', default: null },
    maxMs: { format: 'count', default: null },
    jitter: { format: 'number', default: null },
  },
  deadLetterTopic: { format: 'text', default: null },
  topicLimits: { format: 'topic-limits', default: [{}] },
  stopAfter: { format: 'count', default: STEP_DEFAULTS.deadLetter.stopAfter },
  delivery: {
    guarantee: { format: ['ExactlyOnce', 'AtLeastOnce'], default: null },
    maxRecords: { format: 'count', default: null },
    lingerMs: { format: 'count', default: null },
    timeoutMs: { format: 'count', default: null },
    maxBatchBytes: { format: 'count', default: STEP_DEFAULTS.delivery.maxBatchBytes },
  },
  kafka: {
    brokers: { format: 'non-empty-list', default: null },
    tls: { format: 'true-or-false', default: null },
    // Where it is missing it is no null, which would mean "without SASL"
    sasl: { format: 'sasl-mechanism-or-null', default: '' },
    sessionTimeoutMs: { format: 'count', default: null },
  },
  registry: { url: { format: 'text', default: null } },
};

const ENV_SCHEMA = {
  settings: { format: 'text', default: `${SETTINGS_MOUNT}/${SETTINGS_FILE}`, env: WORKER_ENV.settings },
  clientId: { format: 'text', default: 'sagafleet-worker', env: WORKER_ENV.clientId },
  logLevel: { format: ['trace', 'debug', 'info', 'warn', 'error'], default: 'info', env: WORKER_ENV.logLevel },
  healthListen: { format: 'listen-address', default: `0.0.0.0:${HEALTH_CONTAINER_PORT}`, env: WORKER_ENV.healthListen },
  ingressListen: { format: 'listen-address', default: `0.0.0.0:${INGRESS_CONTAINER_PORT}`, env: WORKER_ENV.ingressListen },
  kafkaUsername: { format: String, default: '', env: WORKER_ENV.kafkaUsername, sensitive: true },
  kafkaPassword: { format: String, default: '', env: WORKER_ENV.kafkaPassword, sensitive: true },
  registryUsername: { format: String, default: '', env: WORKER_ENV.registryUsername, sensitive: true },
  registryPassword: { format: String, default: '', env: WORKER_ENV.registryPassword, sensitive: true },
};

/**
 * @param readFile gives the text of the settings file, throws where there is none
 * @throws WorkerError `bad-settings` (fatal), naming the setting
 */
export function readConfig(env: NodeJS.ProcessEnv, readFile: (path: string) => string): WorkerConfig {
  convict.addFormats(Object.fromEntries(FORMATS.map((format) => [format.name!, format])) as never);
  const own = load('the environment', () => validated(create(ENV_SCHEMA, { env, args: [] }))) as Record<keyof typeof ENV_SCHEMA, string>;
  const settings = load(own.settings, () => {
    const file = JSON.parse(readFile(own.settings)) as object;
    // No environment: a Service of the namespace must not be able to look like a setting
    return withParts(validated(create(FILE_SCHEMA, { env: {}, args: [] }).load(withParts(file, (part) => [part]))), unboxed);
  }) as WorkerSettings;
  // The one setting of an open part that was added since the first version
  if (settings.ingress) settings.ingress = { ...STEP_DEFAULTS.ingress, ...settings.ingress };
  return {
    settings,
    clientId: own.clientId,
    logLevel: own.logLevel,
    healthListen: listenAddress(own.healthListen),
    ingressListen: listenAddress(own.ingressListen),
    kafkaCredentials: kafkaCredentials(settings.kafka.sasl, { username: own.kafkaUsername, password: own.kafkaPassword }),
    registryCredentials: registryCredentials({ username: own.registryUsername, password: own.registryPassword }),
  };
}

/**
 * The parts with keys of the user's choice pass convict in a box, a list of one: it takes a dot in a
 * key for a path, and walks into an object that may also be null.
 */
const OPEN_PARTS = ['ingress', 'handler', 'outcomes', 'topicLimits'];

function withParts(file: object, change: (part: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(file).map(([name, part]) => [name, OPEN_PARTS.includes(name) ? change(part) : part]));
}

function unboxed(box: unknown): unknown {
  return Array.isArray(box) && box.length === 1 ? box[0] : undefined;
}

/** convict's own types nest deeper than the compiler follows; the result is typed by the contract instead. */
interface LooseConfig {
  load(file: object): LooseConfig;
  validate(options: { allowed: 'strict' }): void;
  getProperties(): object;
}
const create = convict as unknown as (schema: object, options: { env: NodeJS.ProcessEnv; args: string[] }) => LooseConfig;

function validated(config: LooseConfig): object {
  config.validate({ allowed: 'strict' });
  return config.getProperties();
}

function load<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new WorkerError('bad-settings', 'fatal', `cannot read the settings of this worker from ${where}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function listenAddress(text: string): ListenAddress {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

/** @throws WorkerError `bad-settings` (fatal) where they do not fit the setting: what is half set would connect as nobody. */
function kafkaCredentials(sasl: SaslMechanism | null, credentials: Credentials): Credentials | null {
  const { given, missing } = variables(credentials, { username: WORKER_ENV.kafkaUsername, password: WORKER_ENV.kafkaPassword });
  if (sasl === null) {
    if (given.length > 0)
      throw refused(`kafka.sasl is null: set it to a mechanism, or unset ${given.join(' and ')} to connect without SASL`);
    return null;
  }
  if (missing.length > 0)
    throw refused(`kafka.sasl is ${sasl}: set ${missing.join(' and ')} (missing or empty), or kafka.sasl to null to connect without SASL`);
  return credentials;
}

/** As for Kafka. */
function registryCredentials(credentials: Credentials): Credentials | null {
  const { given, missing } = variables(credentials, { username: WORKER_ENV.registryUsername, password: WORKER_ENV.registryPassword });
  if (given.length === 0) return null;
  if (missing.length > 0)
    throw refused(
      `${given.join()} is set: set ${missing.join()} too (missing or empty), or neither to connect to the registry without authentication`,
    );
  return credentials;
}

function variables({ username, password }: Credentials, names: Credentials): { given: string[]; missing: string[] } {
  const all = [
    { name: names.username, value: username },
    { name: names.password, value: password },
  ];
  const [given, missing] = [all.filter(({ value }) => value !== ''), all.filter(({ value }) => value === '')];
  return { given: given.map(({ name }) => name), missing: missing.map(({ name }) => name) };
}

function refused(reason: string): WorkerError {
  return new WorkerError('bad-settings', 'fatal', reason);
}
