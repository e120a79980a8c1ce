import type { Driver } from '../driver.ts';

/** The partition counts of the topics a step writes to, so that each record's partition is ours to choose. */
export class OutputTopics {
  readonly #driver: Pick<Driver, 'partitionCounts' | 'partitionOf'>;
  readonly #topics: readonly string[];
  #counts = new Map<string, number>();

  constructor(driver: Pick<Driver, 'partitionCounts' | 'partitionOf'>, topics: Iterable<string>) {
    this.#driver = driver;
    this.#topics = [...new Set(topics)];
  }

  /** Loads the counts unless they are loaded. @throws `topic-missing` (systemic) */
  async load(): Promise<void> {
    if (this.#counts.size < this.#topics.length) await this.refresh();
  }

  /** Sees partitions that were added meanwhile. */
  async refresh(): Promise<void> {
    this.#counts = await this.#driver.partitionCounts(this.#topics);
  }

  countOf(topic: string): number {
    return this.#counts.get(topic)!;
  }

  /** A record without a key goes by the partition it came from. */
  partitionFor(topic: string, key: Buffer | null, inputPartition: number): number {
    const count = this.countOf(topic);
    return key ? this.#driver.partitionOf(key, count) : inputPartition % count;
  }
}
