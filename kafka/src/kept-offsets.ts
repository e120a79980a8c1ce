/**
 * Offsets that outlast a group without members.
 *
 * Brokers drop what a group committed when it has had no members for `offsets.retention.minutes`, unless
 * the commit itself said how long it is kept (KIP-211). Such a commit also notes how many partitions its
 * topic had. So a partition whose offset was dropped is told from one that was added, which is read from
 * its beginning.
 */

/** A hundred years. */
export const KEPT_FOR_GOOD_MS = 100 * 365 * 86_400_000;

const PARTITIONS = /^partitions=(\d+)$/;

export function keptMetadata(partitions: number): string {
  return `partitions=${partitions}`;
}

/** As OffsetFetch answers for one topic. */
export interface AnsweredPartition { partition: number; offset: string; metadata?: string | null }

/** `offset` null: the group has none; `isForgotten`: it had one, and the broker dropped it. */
export interface CommittedPartition { partition: number; offset: bigint | null; isForgotten: boolean }

/**
 * The protocol's "none" is -1. kafkajs as published commits -1 and -2, its words for "end" and
 * "beginning", where a position is out of range: no offset to go on at either.
 */
export function committedPartitions(answers: readonly AnsweredPartition[]): CommittedPartition[] {
  const onceKnown = Math.max(0, ...answers.map(({ metadata }) => Number(PARTITIONS.exec(metadata ?? '')?.[1] ?? 0)));
  return answers.map(({ partition, offset: text }) => {
    const offset = text.startsWith('-') ? null : BigInt(text);
    return { partition, offset, isForgotten: offset === null && partition < onceKnown };
  });
}
