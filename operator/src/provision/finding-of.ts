import { KafkaError } from '@sagafleet/kafka';
import { RegistryError } from '@sagafleet/registry';
import type { Finding, FindingReason } from '../reasons.ts';

const KAFKA_REASONS: Partial<Record<KafkaError['code'], FindingReason>> = {
  'not-authenticated': 'KafkaUnauthorized',
  'not-authorized': 'KafkaUnauthorized',
  'group-in-use': 'GroupInUse',
  'invalid-topic': 'KafkaRejected',
  refused: 'KafkaRejected',
};

/** What an answer of Kafka or of the registry means for a step. @throws what is neither's answer */
export function findingOf(error: unknown): Finding {
  if (error instanceof RegistryError) {
    const { code, consequence, message } = error;
    if (consequence !== 'systemic') return { reason: 'InvalidSchema', message };
    return { reason: code === 'unauthorized' ? 'RegistryUnauthorized' : 'RegistryUnavailable', message };
  }
  if (error instanceof KafkaError && error.consequence !== 'fatal') {
    return { reason: KAFKA_REASONS[error.code] ?? 'KafkaUnavailable', message: error.message };
  }
  throw error;
}
