import type { Connections } from '../connections/connections.ts';
import type { FetchedPartition, PartitionFetch } from './fetch-request.ts';
import { FetchSession } from './fetch-session.ts';
import type { ReadState } from './partition-reader.ts';

export interface FetcherEvents {
  partitionBytes(): number;
  /** `from`: what was asked for. */
  onFetched(state: ReadState, fetched: FetchedPartition, from: { offset: bigint; version: number }): Promise<void>;
  onFailed(states: readonly ReadState[], error: Error): void;
}

/** What a whole answer may hold; more partitions with something to read wait for the next one. */
const ANSWER_BYTES = 4 * 1024 * 1024;
const LONG_POLL_MS = 500;
/** A partition that is resumed just after such a fetch began waits for its end. */
const SHORT_POLL_MS = 20;

interface Channel { session: FetchSession; maxWaitMs: number; isBusy: boolean }

/**
 * Fetches from one broker. A fetch without anything to bring is held by the broker, and cannot be changed then. So there
 * are two, each with a connection of its own: a long one for all partitions that can be read when it
 * begins, and short ones for those that are resumed meanwhile, until the long one comes back. So a busy partition
 * does not wait for idle ones.
 */
export class BrokerFetcher {
  readonly #events: FetcherEvents;
  readonly #states = new Set<ReadState>();
  readonly #long: Channel;
  readonly #short: Channel;
  /** When the long fetch last began with all partitions that could be read. */
  #togetherAt = -Infinity;

  constructor(connections: Connections, nodeId: number, events: FetcherEvents) {
    this.#events = events;
    this.#long = { session: new FetchSession(connections, nodeId, 'fetch-long'), maxWaitMs: LONG_POLL_MS, isBusy: false };
    this.#short = { session: new FetchSession(connections, nodeId, 'fetch-short'), maxWaitMs: SHORT_POLL_MS, isBusy: false };
  }

  /** Fetches the partition, from now on; one that is there already may have been resumed. */
  add(state: ReadState): void {
    this.#states.add(state);
    this.#fetchSoon();
  }

  remove(state: ReadState): void {
    this.#states.delete(state);
  }

  close(): void {
    this.#states.clear();
  }

  /** Together with others that are resumed in the same turn of the event loop. */
  #fetchSoon(): void {
    queueMicrotask(() => this.#fetchWhatIsFree());
  }

  #fetchWhatIsFree(): void {
    const channel = this.#long.isBusy ? this.#short : this.#long;
    if (channel.isBusy) return;
    if (channel === this.#long && this.#short.isBusy) {
      // Else partitions that are in short fetches would stay there: now and then the long one waits for them
      if (performance.now() - this.#togetherAt > LONG_POLL_MS) return;
    } else if (channel === this.#long) {
      this.#togetherAt = performance.now();
    }
    const free = [...this.#states].filter(({ isPaused, isFetching }) => !isPaused && !isFetching);
    if (free.length > 0) void this.#fetch(channel, free);
  }

  async #fetch(channel: Channel, states: readonly ReadState[]): Promise<void> {
    const maxBytes = this.#events.partitionBytes();
    const asked = states.map((state) => ({ state, offset: state.position, version: state.version }));
    channel.isBusy = true;
    for (const state of states) state.isFetching = true;
    let failure: Error | null = null;
    try {
      const wanted = states.map((state): PartitionFetch => ({
        topicId: state.topicId!, partition: state.partition, leaderEpoch: state.leaderEpoch, offset: state.position, maxBytes,
      }));
      const fetched = await channel.session.fetch(wanted, { maxWaitMs: channel.maxWaitMs, maxBytes: ANSWER_BYTES });
      await this.#handOver(asked, fetched);
    } catch (error) {
      failure = error as Error;
    } finally {
      channel.isBusy = false;
      for (const state of states) state.isFetching = false;
    }
    if (failure) this.#events.onFailed(states.filter((state) => this.#states.has(state)), failure);
    this.#fetchSoon();
  }

  async #handOver(asked: readonly { state: ReadState; offset: bigint; version: number }[], fetched: readonly FetchedPartition[]): Promise<void> {
    if (fetched.length === 0) return;
    const byName = new Map(asked.map((each) => [`${each.state.topicId}/${each.state.partition}`, each]));
    const withRecords = fetched.filter(({ records }) => records.length > 0).length;
    for (const partition of fetched) {
      const from = byName.get(`${partition.topicId}/${partition.partition}`);
      if (!from) continue;
      // A view would hold the records of all partitions in memory for as long as those of one
      const records = withRecords > 1 ? Buffer.from(partition.records) : partition.records;
      await this.#events.onFetched(from.state, { ...partition, records }, from);
    }
  }
}
