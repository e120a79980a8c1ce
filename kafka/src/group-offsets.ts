import { type CommittedPartition, committedPartitions, keptMetadata, KEPT_FOR_GOOD_MS } from './kept-offsets.ts';
import type { Session } from './session.ts';

export interface PartitionOffsets { partition: number; earliest: bigint; latest: bigint }

export interface TopicPartitionOffset { topic: string; partition: number; offset: bigint }

export interface CommittedOffset extends CommittedPartition { topic: string }

/** A commit from outside a group: taken only while the group has no members. */
const NO_MEMBER = { groupGenerationId: -1, memberId: '' };

/** First offset that is kept and high watermark of each partition, by partition. */
export function topicOffsets(session: Session, topic: string): Promise<PartitionOffsets[]> {
  const { cluster } = session;
  return session.run(`read the offsets of topic ${topic}`, async () => {
    const partitions = (await partitionsOf(session, topic)).map((partition) => ({ partition }));
    const [earliest, latest] = await Promise.all([true, false].map((fromBeginning) =>
      cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }])));
    const starts = new Map(earliest![0]!.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
    return latest![0]!.partitions
      .map(({ partition, offset }) => ({ partition, earliest: starts.get(partition)!, latest: BigInt(offset) }))
      .sort((a, b) => a.partition - b.partition);
  });
}

/** Partition numbers, from metadata asked for now; kafkajs forgets a topic that does not exist by throwing. */
async function partitionsOf({ cluster }: Session, topic: string): Promise<number[]> {
  await cluster.addTargetTopic(topic);
  await cluster.refreshMetadata();
  return cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
}

export function fetchOffsets(session: Session, group: string, topics: readonly string[]): Promise<CommittedOffset[]> {
  return session.run(`read the offsets of group ${group}`, async () => {
    const asked = [];
    for (const topic of topics) {
      const partitions = (await partitionsOf(session, topic)).map((partition) => ({ partition, offset: '' }));
      asked.push({ topic, partitions });
    }
    const coordinator = await session.cluster.findGroupCoordinator({ groupId: group });
    const { responses } = await coordinator.offsetFetch({ groupId: group, topics: asked });
    return responses.flatMap(({ topic, partitions }) => committedPartitions(partitions).map((each) => ({ topic, ...each })));
  });
}

/** Sets offsets of a group without members, for good; throws `GroupInUse` when it has some. */
export async function commitOffsets(
  session: Session, group: string, offsets: readonly TopicPartitionOffset[],
): Promise<void> {
  const byTopic = Map.groupBy(offsets, ({ topic }) => topic);
  await session.run(`set the offsets of group ${group}`, async () => {
    const topics = [];
    for (const [topic, partitions] of byTopic) {
      const metadata = keptMetadata((await partitionsOf(session, topic)).length);
      topics.push({ topic, partitions: partitions.map(({ partition, offset }) => ({ partition, offset: String(offset), metadata })) });
    }
    const coordinator = await session.cluster.findGroupCoordinator({ groupId: group });
    await coordinator.offsetCommit({ groupId: group, ...NO_MEMBER, retentionTime: KEPT_FOR_GOOD_MS, topics });
  });
}
