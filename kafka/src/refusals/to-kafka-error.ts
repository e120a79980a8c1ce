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
  KafkaJSConnectionError: 'NoBroker',
  KafkaJSConnectionClosedError: 'NoBroker',
  KafkaJSRequestTimeoutError: 'NoBroker',
  KafkaJSBrokerNotFound: 'NoBroker',
  KafkaJSNoBrokerAvailableError: 'NoBroker',
  KafkaJSSASLAuthenticationError: 'NotAuthenticated',
  KafkaJSGroupCoordinatorNotFound: 'Unavailable',
  KafkaJSMetadataNotLoaded: 'Unavailable',
  KafkaJSTopicMetadataNotLoaded: 'Unavailable',
  KafkaJSTimeout: 'Unavailable',
  KafkaJSLockTimeout: 'Unavailable',
  TOPIC_AUTHORIZATION_FAILED: 'NotAuthorized',
  GROUP_AUTHORIZATION_FAILED: 'NotAuthorized',
  CLUSTER_AUTHORIZATION_FAILED: 'NotAuthorized',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'NotAuthorized',
  UNKNOWN_TOPIC_OR_PARTITION: 'UnknownTopic',
  UNKNOWN_TOPIC_ID: 'UnknownTopic',
  INVALID_TOPIC_EXCEPTION: 'InvalidTopic',
  INVALID_PARTITIONS: 'InvalidTopic',
  INVALID_REPLICATION_FACTOR: 'InvalidTopic',
  INVALID_CONFIG: 'InvalidTopic',
  UNKNOWN_MEMBER_ID: 'GroupInUse',
  ILLEGAL_GENERATION: 'GroupInUse',
  REBALANCE_IN_PROGRESS: 'GroupInUse',
  MESSAGE_TOO_LARGE: 'RecordTooLarge',
  RECORD_LIST_TOO_LARGE: 'RecordTooLarge',
};

const ADVICE: Partial<Record<KafkaErrorCode, string>> = {
  NotAuthenticated: 'check the SASL mechanism, user name and password',
  UnknownTopic: 'create the topic first, or correct its name',
  GroupInUse: 'stop the members of the group first',
  RecordTooLarge: 'raise max.message.bytes of the topic, or send less',
};

export interface Attempt {
  /** What was tried, as it reads after "can not". */
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
  if (code === 'NoBroker') {
    const reason = `no broker answers at ${brokers.join(', ')}, start Kafka or correct the address`;
    return new KafkaError(code, `can not ${what}: ${reason}`, { cause: error });
  }
  const reason = (origin.message ?? String(error)).replace(/\.$/, '');
  const advice = missingAcl(origin, needed, principal) ?? ADVICE[code];
  return new KafkaError(code, `can not ${what}: ${reason}${advice ? `, ${advice}` : ''}`, { cause: error });
}

/** kafkajs wraps an error when its retries are used up, and gathers those of several topics. */
function originOf(error: KafkajsError): KafkajsError {
  const inner = error.errors?.[0] ?? error.cause;
  const isWrapped = error.errors !== undefined || codeByName(error) === undefined;
  return inner instanceof Error && isWrapped ? originOf(inner as KafkajsError) : error;
}

const codeByName = ({ type, name }: KafkajsError) => CODES[type ?? ''] ?? CODES[name ?? ''];

function codeOf(error: KafkajsError): KafkaErrorCode {
  return codeByName(error) ?? (error.type !== undefined && error.retriable ? 'Unavailable' : 'Refused');
}
