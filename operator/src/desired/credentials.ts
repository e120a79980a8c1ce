import { contentHash } from '../content-hash.ts';
import type { ResolvedStep } from '../resolve.ts';
import type { SecretKeys } from '../values.ts';
import { objectName } from './object.ts';

/** Whether Strimzi makes users for this step. */
export function hasOwnUser({ kafka, topicManager }: ResolvedStep): boolean {
  return topicManager === 'strimzi' && kafka.sasl !== null && kafka.sasl.secretRef === null;
}

/**
 * Where workers find the credentials for Kafka; null without SASL. Those of a user that Strimzi makes
 * are copied by the operator from Kafka's namespace into a Secret of the step's.
 */
export function kafkaSecret(resolved: ResolvedStep): SecretKeys | null {
  return secretOf(resolved, `${objectName(resolved)}-kafka`);
}

/** The same for the autoscaler, whose own user may only look. */
export function autoscalerSecret(resolved: ResolvedStep): SecretKeys | null {
  return secretOf(resolved, `${objectName(resolved)}-kafka-scaler`);
}

function secretOf({ kafka: { sasl } }: ResolvedStep, copy: string): SecretKeys | null {
  if (sasl === null) return null;
  return sasl.secretRef ?? { name: copy, usernameKey: 'username', passwordKey: 'password' };
}

/** Name of a KafkaUser: unique among all namespaces whose steps share a Kafka. */
export function userName({ namespace, name }: ResolvedStep, suffix = ''): string {
  return `${namespace}-${name}-${contentHash(`${namespace}/${name}`, 8)}${suffix}`;
}
