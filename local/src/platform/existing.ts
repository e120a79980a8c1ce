import { KafkaAdmin } from '@sagafleet/kafka';
import { LocalError } from '../errors.ts';
import { plainConnection } from './connection.ts';

const PATIENCE_MS = 3_000;

/**
 * Checks that a Kafka cluster of the user's own answers.
 * @param brokers "host:port", several with commas between
 * @throws LocalError no-broker
 */
export async function requireBrokers(brokers: string): Promise<void> {
  const admin = new KafkaAdmin(plainConnection(brokers), { log: () => {}, patienceMs: PATIENCE_MS });
  try {
    await admin.connect();
    await admin.describeTopics([]);
  } catch (error) {
    throw new LocalError('no-broker', `no Kafka broker answers at ${brokers} (--kafka): ${reasonOf(error)}`, { cause: error });
  } finally {
    await admin.close();
  }
}

/**
 * Checks that a schema registry of the user's own answers. Whether it may be asked for a list of subjects
 * is left open: steps never ask, and say what they were refused.
 * @returns its URL without a slash at the end
 * @throws LocalError no-registry
 */
export async function requireRegistry(url: string): Promise<string> {
  const base = url.replace(/\/+$/, '');
  try {
    const response = await fetch(`${base}/subjects`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    await response.body?.cancel();
    if (response.status >= 500) throw new Error(`GET /subjects gives status ${response.status}`);
  } catch (error) {
    const message = `no Confluent-compatible schema registry answers at ${base} (--registry): ${reasonOf(error)}`;
    throw new LocalError('no-registry', message, { cause: error });
  }
  return base;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
