import type { ClusterMetadata } from '../wire/metadata.ts';
import type { TopicPartitions } from '../wire/transactions.ts';

const NO_LEADER = -1;

/** Which leader epoch each partition was in, for one broker at one time. */
export class LeaderView {
  readonly #epochs: ReadonlyMap<string, readonly number[]>;

  private constructor(epochs: ReadonlyMap<string, readonly number[]>) {
    this.#epochs = epochs;
  }

  static of({ topics }: Pick<ClusterMetadata, 'topics'>): LeaderView {
    return new LeaderView(
      new Map(
        topics.map(({ name, partitions }) => {
          const epochs: number[] = [];
          for (const { partition, leader, leaderEpoch } of partitions) epochs[partition] = leader === null ? NO_LEADER : leaderEpoch;
          return [name, epochs];
        }),
      ),
    );
  }

  /** Whether each of the partitions had one and the same leader at both times and so in between: each change raises the epoch. */
  hasKept(before: LeaderView, touched: readonly TopicPartitions[]): boolean {
    if (before === this)
      return touched.every(({ topic, partitions }) => partitions.every((partition) => this.#hasLeader(topic, partition)));
    return touched.every(({ topic, partitions }) =>
      partitions.every(
        (partition) => this.#hasLeader(topic, partition) && this.#epochs.get(topic)![partition] === before.#epochs.get(topic)?.[partition],
      ),
    );
  }

  #hasLeader(topic: string, partition: number): boolean {
    return (this.#epochs.get(topic)?.[partition] ?? NO_LEADER) !== NO_LEADER;
  }
}
