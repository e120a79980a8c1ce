import type { Consequence } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { KafkaError, type KafkaErrorCode } from '../errors.ts';
import { toKafkaError } from './to-kafka-error.ts';

interface Case {
  error: object;
  code: KafkaErrorCode;
  consequence: Consequence;
  message: RegExp;
}

const error = (message: string, fields: object) => Object.assign(new Error(message), fields);
const refused = error('Connection error: connect ECONNREFUSED', { name: 'KafkaJSConnectionError', retriable: true });

const CASES: Record<string, Case> = {
  'no broker': {
    error: refused,
    code: 'no-broker',
    consequence: 'systemic',
    message: /^cannot list topics: no broker answers at a:9092, b:9092, start Kafka or correct the address$/,
  },
  'no broker, found by the last of several retries': {
    error: error('retries', { name: 'KafkaJSNumberOfRetriesExceeded', cause: refused }),
    code: 'no-broker',
    consequence: 'systemic',
    message: /no broker answers/,
  },
  'a wrong password': {
    error: error('SASL PLAIN authentication failed', { name: 'KafkaJSSASLAuthenticationError' }),
    code: 'not-authenticated',
    consequence: 'systemic',
    message: /check the SASL mechanism, user name and password$/,
  },
  'one of several topics is refused': {
    error: error('Topic creation errors', {
      name: 'KafkaJSAggregateError',
      errors: [error('Not authorized.', { name: 'KafkaJSCreateTopicError', type: 'TOPIC_AUTHORIZATION_FAILED' })],
    }),
    code: 'not-authorized',
    consequence: 'systemic',
    message: /^cannot list topics: Not authorized, grant it on topic by an ACL to the user that connects$/,
  },
  'a leader is being elected': {
    error: error('no leader', { name: 'KafkaJSProtocolError', type: 'LEADER_NOT_AVAILABLE', retriable: true }),
    code: 'unavailable',
    consequence: 'systemic',
    message: /no leader$/,
  },
  'a defect of ours or of kafkajs': {
    error: new TypeError('x is not a function'),
    code: 'refused',
    consequence: 'systemic',
    message: /x is not a function$/,
  },
};

test.each(Object.entries(CASES))('%s', (_sentence, { error: cause, code, consequence, message }) => {
  const result = toKafkaError(cause, { what: 'list topics', brokers: ['a:9092', 'b:9092'] });
  expect(result).toMatchObject({ code, consequence, cause });
  expect(result.message).toMatch(message);
});

test('an error of ours passes as it is', () => {
  const ours = new KafkaError('unknown-topic', 'no');
  expect(toKafkaError(ours, { what: 'read', brokers: [] })).toBe(ours);
});
