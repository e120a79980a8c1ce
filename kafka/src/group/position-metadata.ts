/**
 * What a commit says beside the offset, in its metadata.
 *
 * `topic=` is the id of the topic that the offset is from: one that was deleted and created again under the same
 * name has another, and none of its offsets. Brokers drop what a group committed when it has had no members for `offsets.retention.minutes`, unless
 * the commit itself said how long it is kept (KIP-211). `partitions=` is how many partitions had an offset, from the first on.
 * So a partition whose offset was dropped, or deleted, is told from one that was added, which is read from its
 * beginning.
 */

/** A hundred years. */
export const KEPT_FOR_GOOD_MS = 100 * 365 * 86_400_000;

const PARTITIONS = /(?:^| )partitions=(\d+)/;
const TOPIC_ID = /(?:^| )topic=(\S+)/;
const NOTE = /(?:^| )note=(\S+)/;

/**
 * @param partitions how many have an offset, from the first on; undefined: not known
 * @param note of the client that commits, for the next one; without spaces
 */
export function positionMetadata(topicId: string | null, partitions?: number, note?: string): string {
  const parts = [
    partitions === undefined ? '' : `partitions=${partitions}`,
    topicId === null ? '' : `topic=${topicId}`,
    note === undefined ? '' : `note=${note}`,
  ];
  return parts.filter((part) => part !== '').join(' ');
}

/** As OffsetFetch answers for one partition. */
export interface AnsweredPartition {
  partition: number;
  offset: bigint;
  metadata: string | null;
}

/**
 * `offset` null: the group has none; `isForgotten`: it had one, and the broker dropped it;
 * `isOfDeletedTopic`: it is from another topic of this name; `note`: what was committed with it for the next one.
 */
export interface CommittedPartition {
  partition: number;
  offset: bigint | null;
  isForgotten: boolean;
  isOfDeletedTopic: boolean;
  note: string | null;
}

/**
 * The answers for one topic. The protocol's "none" is -1. kafkajs as published commits -1 and -2, its words for
 * "end" and "beginning", where a position is out of range: no offset to go on at either.
 * @param topicId of the topic that is there now
 */
export function committedPartitions<P extends AnsweredPartition>(
  answers: readonly P[],
  topicId: string | null,
): (Omit<P, 'offset' | 'metadata'> & CommittedPartition)[] {
  const noted = (metadata: string | null, pattern: RegExp) => pattern.exec(metadata ?? '')?.[1] ?? null;
  const onceKnown = Math.max(0, ...answers.map(({ metadata }) => Number(noted(metadata, PARTITIONS) ?? 0)));
  return answers.map(({ offset: answered, metadata, ...place }) => {
    const offset = answered < 0n ? null : answered;
    const ofTopic = noted(metadata, TOPIC_ID);
    return {
      ...place,
      offset,
      note: noted(metadata, NOTE),
      isForgotten: offset === null && place.partition < onceKnown,
      isOfDeletedTopic: ofTopic !== null && topicId !== null && ofTopic !== topicId,
    };
  });
}

/** How many partitions of a topic have an offset, from the first on without a gap. */
export function partitionsWithOffset(committed: readonly Pick<CommittedPartition, 'partition' | 'offset'>[]): number {
  const byPartition = committed.toSorted((a, b) => a.partition - b.partition);
  const gap = byPartition.findIndex(({ partition, offset }, at) => offset === null || partition !== at);
  return gap === -1 ? byPartition.length : gap;
}
