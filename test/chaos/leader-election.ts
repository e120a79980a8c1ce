import { setTimeout as delay } from 'node:timers/promises';
import { Connections, createKafka } from '@sagafleet/kafka';
import type { Admin } from 'kafkajs';
import { until } from '../support/until.ts';
import {
  byTopic,
  countMoved,
  electLeadersBody,
  electLeadersError,
  planElections,
  type Election,
  type PartitionReplicas,
} from './elections.ts';
import type { Fault } from './plan.ts';
import { randomFrom } from './random.ts';
import { OFFSETS_TOPIC, TOPICS, TRANSACTIONS_TOPIC } from './topics.ts';
import type { World } from './world.ts';

const ELECT_LEADERS = { apiKey: 43, apiVersion: 1, apiName: 'ElectLeaders' };
const TIMEOUT_MS = 5_000;
const BETWEEN_ROUNDS_MS = 500;

/** Leaders of everything that the step reads and writes are moved, again and again, while all brokers run. */
export async function moveLeaders({ lengthMs }: Fault, world: World): Promise<void> {
  const kafka = createKafka({ brokers: world.brokers, tls: false, sasl: null, clientId: 'elections' }, { log: () => {} });
  const [admin, connections] = [kafka.admin(), new Connections(kafka)];
  const random = randomFrom(lengthMs);
  const endsAt = performance.now() + lengthMs;
  const tally = { planned: 0, moved: 0 };
  try {
    await admin.connect();
    do {
      const elections = planElections(await partitionsOf(admin), random);
      await reassign(admin, elections);
      await elect(connections, elections);
      tally.planned += elections.length;
      tally.moved += await moved(admin, elections);
      await delay(BETWEEN_ROUNDS_MS);
    } while (performance.now() < endsAt);
  } finally {
    await Promise.all([admin.disconnect(), connections.close()]);
  }
  world.note(`${tally.moved} of ${tally.planned} leaders moved`);
}

async function partitionsOf(admin: Admin): Promise<PartitionReplicas[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [...Object.values(TOPICS), OFFSETS_TOPIC, TRANSACTIONS_TOPIC] });
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionId, leader, replicas, isr }) => ({ topic: name, partition: partitionId, leader, replicas, inSync: isr })),
  );
}

/** The same replicas in another order: nothing is copied, and nobody leads yet who did not before. */
async function reassign(admin: Admin, elections: readonly Election[]): Promise<void> {
  await admin.alterPartitionReassignments({
    timeout: TIMEOUT_MS,
    topics: byTopic(elections).map(([topic, partitionAssignment]) => ({ topic, partitionAssignment })),
  });
}

/** kafkajs has no such request. */
async function elect(connections: Connections, elections: readonly Election[]): Promise<void> {
  const code = await connections.sendToAny({
    request: { ...ELECT_LEADERS, encode: async () => ({ parts: [electLeadersBody(elections, TIMEOUT_MS)] }) },
    response: { decode: async (payload) => electLeadersError(payload), parse: async (error) => error },
  });
  if (code !== 0) throw new Error(`brokers refuse to elect leaders with error ${code}`);
}

/** How many lead in time; a broker that fell behind meanwhile does not. */
async function moved(admin: Admin, elections: readonly Election[]): Promise<number> {
  let count = 0;
  await until(
    'leaders to move',
    async () => {
      count = countMoved(elections, await partitionsOf(admin));
      return count === elections.length;
    },
    TIMEOUT_MS,
  ).catch(() => undefined);
  return count;
}
