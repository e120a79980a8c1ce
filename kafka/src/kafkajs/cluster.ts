import type { Kafka } from 'kafkajs';
import { KafkaError } from '../errors.ts';
import { showRefusals } from '../refusals/coordinator-refusal.ts';
import { createClusterOf, type OpenCluster } from './private-shape.ts';

/** kafkajs' numbers, from the protocol: what a question for the end of a log may see. */
export const ISOLATION = { readUncommitted: 0, readCommitted: 1 } as const;

export type Isolation = (typeof ISOLATION)[keyof typeof ISOLATION];

/** As for kafkajs' own clients. */
const METADATA_MAX_AGE_MS = 300_000;

/**
 * The connections behind a client. kafkajs' admin sets a group's offsets by joining the group, which
 * takes seconds a topic, and its consumer cannot read without a group; one layer down, both are one
 * request.
 */
export function openCluster(kafka: Kafka, isolationLevel: Isolation): OpenCluster {
  const create = createClusterOf(kafka);
  if (!create) throw new KafkaError('not-hardened', 'kafkajs has no createCluster, install the pinned version');
  const cluster = create({ isolationLevel, allowAutoTopicCreation: false, metadataMaxAge: METADATA_MAX_AGE_MS });
  showRefusals(cluster);
  return cluster;
}
