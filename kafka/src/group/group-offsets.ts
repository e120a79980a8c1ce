import type { Connections } from '../connections/connections.ts';
import { UNSTABLE_OFFSET_COMMIT } from '../wire/error-codes.ts';
import { type GroupMembership, offsetCommitRequest } from '../wire/group.ts';
import { listOffsetsRequest, LOG_END, LOG_START, type OffsetAnswer, offsetFetchRequest } from '../wire/offsets.ts';
import { throwUnlessOk } from '../wire/request.ts';
import { COORDINATOR, findCoordinatorRequest } from '../wire/transactions.ts';
import { type CommittedPartition, committedPartitions, KEPT_FOR_GOOD_MS, positionMetadata } from './position-metadata.ts';

export interface PartitionOffsets {
  partition: number;
  earliest: bigint;
  latest: bigint;
}

export interface TopicPartitionOffset {
  topic: string;
  partition: number;
  offset: bigint;
}

/** `isUnstable`: an open transaction holds a later one; asked for with `isStable` only. */
export interface CommittedOffset extends CommittedPartition {
  topic: string;
  isUnstable: boolean;
}

/** `offsets.retention.minutes`, counted from when the group has no members. */
const BROKERS_RETENTION = -1;
const LANE = 'offsets';

/** By partition: `time` as in ListOffsets; partitions of other leaders are asked for at the same time. */
export async function listOffsets(
  connections: Connections,
  topic: string,
  asked: { time: bigint; isCommitted: boolean; partitions?: readonly number[] },
): Promise<Map<number, bigint>> {
  await connections.leaders.look([topic]);
  const partitions = asked.partitions ?? partitionsOf(connections, topic);
  const byLeader = Map.groupBy(partitions, (partition) => connections.leaders.expectLeader(topic, partition).leader);
  const answers = await Promise.all(
    [...byLeader].map(([nodeId, its]) => connections.send({ nodeId, lane: LANE }, listOffsetsRequest([{ topic, partitions: its }], asked))),
  );
  const offsets = answers.flatMap((answer) => answer.partitions);
  return new Map(
    offsets.map(({ partition, offset, errorCode }: OffsetAnswer) => {
      throwUnlessOk(errorCode);
      return [partition, offset];
    }),
  );
}

/** First offset that is kept and high watermark of each partition, by partition. */
export async function topicOffsets(connections: Connections, topic: string): Promise<PartitionOffsets[]> {
  const [starts, ends] = await Promise.all(
    [LOG_START, LOG_END].map((time) => listOffsets(connections, topic, { time, isCommitted: false })),
  );
  return [...ends!]
    .map(([partition, latest]) => ({ partition, earliest: starts!.get(partition)!, latest }))
    .sort((a, b) => a.partition - b.partition);
}

/** Of every partition that the topics have now. */
export async function fetchOffsets(
  connections: Connections,
  group: string,
  { topics, isStable }: { topics: readonly string[]; isStable: boolean },
): Promise<CommittedOffset[]> {
  // A partition that is not known yet would look like one without an offset, and be read from its beginning
  await connections.leaders.look(topics);
  const asked = topics.map((topic) => ({ topic, partitions: partitionsOf(connections, topic) }));
  const answer = await connections.send(await coordinatorOf(connections, group), offsetFetchRequest(group, asked, isStable));
  throwUnlessOk(answer.errorCode);
  return topics.flatMap((topic) => {
    const answers = answer.partitions
      .filter((each) => each.topic === topic)
      .map(({ errorCode, ...each }) => {
        if (errorCode !== UNSTABLE_OFFSET_COMMIT) throwUnlessOk(errorCode);
        return { ...each, isUnstable: errorCode === UNSTABLE_OFFSET_COMMIT };
      });
    return committedPartitions(answers, connections.leaders.topic(topic)!.id);
  });
}

/** `note`: for the next reader of the offset, without spaces. */
export interface NotedOffset extends TopicPartitionOffset {
  note?: string;
}

export interface OffsetsToCommit {
  membership: GroupMembership;
  positions: readonly NotedOffset[];
  /** They outlast a group without members. */
  keep: boolean;
}

/** Outside of any transaction. A member that was thrown out is refused, and so is `NO_MEMBER` of a group that has members. */
export async function commitOffsets(
  connections: Connections,
  group: string,
  { membership, positions, keep }: OffsetsToCommit,
): Promise<void> {
  const byTopic = Map.groupBy(positions, ({ topic }) => topic);
  await connections.leaders.ensure([...byTopic.keys()]);
  const topics = [...byTopic].map(([topic, its]) => {
    const { id, partitions } = connections.leaders.topic(topic)!;
    const count = keep ? partitions.length : undefined;
    return {
      topic,
      partitions: its.map(({ partition, offset, note }) => ({
        partition,
        offset: String(offset),
        metadata: positionMetadata(id, count, note),
      })),
    };
  });
  await connections.send(
    await coordinatorOf(connections, group),
    offsetCommitRequest({
      groupId: group,
      memberId: membership.memberId,
      groupGenerationId: membership.generation,
      retentionTime: keep ? KEPT_FOR_GOOD_MS : BROKERS_RETENTION,
      topics,
    }),
  );
}

/** Where the requests of a group go, apart from long polls and writes. */
export async function coordinatorOf(connections: Connections, groupId: string): Promise<{ nodeId: number; lane: string }> {
  const { coordinator } = await connections.sendToAny(findCoordinatorRequest({ groupId, coordinatorType: COORDINATOR.group }));
  return { nodeId: coordinator.nodeId, lane: LANE };
}

/** @throws what the brokers say of the topic */
function partitionsOf({ leaders }: Connections, topic: string): number[] {
  return leaders.expect(topic).partitions.map(({ partition }) => partition);
}
