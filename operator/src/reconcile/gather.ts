import type { SagaStep } from '@sagafleet/schemas';
import type { Facts } from '../facts.ts';
import type { TopicAdmin } from '../provision/ports.ts';

/** What a reconcile cannot ask Kafka for. */
export type GivenFacts = Pick<Facts, 'hasKeda' | 'hasStrimzi' | 'configMaps'>;

/** The facts of one round, for all steps that share a Kafka. */
export async function gatherFacts(
  steps: readonly SagaStep[],
  given: GivenFacts,
  admin: Pick<TopicAdmin, 'describeTopics'>,
): Promise<Facts> {
  return { ...given, topics: await admin.describeTopics(), steps };
}
