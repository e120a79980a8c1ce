import { KafkaError, type KafkaErrorCode } from '../errors.ts';
import { missingAcl, type NeededAcls } from './missing-acl.ts';

/** What kafkajs' errors may carry; `type` is the protocol's name of an error code. */
interface KafkajsError {
  name?: string;
  type?: string;
  message?: string;
  retriable?: boolean;
  cause?: unknown;
  errors?: unknown[];
}

const CODES: Record<string, KafkaErrorCode> = {
  KafkaJSConnectionError: 'no-broker',
  KafkaJSConnectionClosedError: 'no-broker',
  KafkaJSRequestTimeoutError: 'no-broker',
  KafkaJSBrokerNotFound: 'no-broker',
  KafkaJSNoBrokerAvailableError: 'no-broker',
  KafkaJSSASLAuthenticationError: 'not-authenticated',
  KafkaJSGroupCoordinatorNotFound: 'unavailable',
  KafkaJSMetadataNotLoaded: 'unavailable',
  KafkaJSTopicMetadataNotLoaded: 'unavailable',
  KafkaJSTimeout: 'unavailable',
  KafkaJSLockTimeout: 'unavailable',
  TOPIC_AUTHORIZATION_FAILED: 'not-authorized',
  GROUP_AUTHORIZATION_FAILED: 'not-authorized',
  CLUSTER_AUTHORIZATION_FAILED: 'not-authorized',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'not-authorized',
  UNKNOWN_TOPIC_OR_PARTITION: 'unknown-topic',
  UNKNOWN_TOPIC_ID: 'unknown-topic',
  INVALID_TOPIC_EXCEPTION: 'invalid-topic',
  INVALID_PARTITIONS: 'invalid-topic',
  INVALID_REPLICATION_FACTOR: 'invalid-topic',
  INVALID_CONFIG: 'invalid-topic',
  UNKNOWN_MEMBER_ID: 'group-in-use',
  ILLEGAL_GENERATION: 'group-in-use',
  REBALANCE_IN_PROGRESS: 'group-in-use',
  MESSAGE_TOO_LARGE: 'record-too-large',
  RECORD_LIST_TOO_LARGE: 'record-too-large',
};

const ADVICE: Partial<Record<KafkaErrorCode, string>> = {
  'not-authenticated': 'check the SASL mechanism, user name and password',
  'unknown-topic': 'create the topic first, or correct its name',
  'group-in-use': 'stop the members of the group first',
  'record-too-large': 'raise max.message.bytes of the topic, or send less',
};

export interface Attempt {
  /** What was tried, as it reads after "cannot". */
  what: string;
  brokers: readonly string[];
  /** What it has to be allowed, and who tried. */
  needed?: NeededAcls;
  principal?: string;
}

/** The error of ours for one of kafkajs'; errors of ours pass unchanged. */
export function toKafkaError(error: unknown, { what, brokers, needed = {}, principal = 'the user that connects' }: Attempt): KafkaError {
  if (error instanceof KafkaError) return error;
  const origin = originOf(error as KafkajsError);
  const code = codeOf(origin);
  if (code === 'no-broker') {
    const reason = `no broker answers at ${brokers.join(', ')}, start Kafka or correct the address`;
    return new KafkaError(code, `cannot ${what}: ${reason}`, { cause: error });
  }
  const reason = (origin.message ?? String(error)).replace(/\.$/, '');
  const advice = missingAcl(origin, needed, principal) ?? ADVICE[code];
  return new KafkaError(code, `cannot ${what}: ${reason}${advice ? `, ${advice}` : ''}`, { cause: error });
}

/** kafkajs wraps an error when its retries are used up, and gathers those of several topics. */
function originOf(error: KafkajsError): KafkajsError {
  const inner = error.errors?.[0] ?? error.cause;
  const isWrapped = error.errors !== undefined || codeByName(error) === undefined;
  return inner instanceof Error && isWrapped ? originOf(inner as KafkajsError) : error;
}

const codeByName = ({ type, name }: KafkajsError) => CODES[type ?? ''] ?? CODES[name ?? ''];

function codeOf(error: KafkajsError): KafkaErrorCode {
  return codeByName(error) ?? (error.type !== undefined && error.retriable ? 'unavailable' : 'refused');
}
