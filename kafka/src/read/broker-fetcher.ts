import type { Connections } from '../connections/connections.ts';
import type { FetchedPartition, PartitionFetch } from '../wire/fetch.ts';
import { FetchSession } from './fetch-session.ts';
import type { ReadState } from './read-state.ts';

/** A partition that is being fetched; the answer counts for as long as the state has this version. */
export interface Asked {
  state: ReadState;
  version: number;
  fetch: PartitionFetch;
}

export interface FetcherEvents {
  partitionBytes(): number;
  onFetched(asked: Asked, fetched: FetchedPartition): Promise<void>;
  onFailed(states: readonly ReadState[], error: Error): void;
}

/** What a whole answer may hold; more partitions with something to read wait for the next one. */
const ANSWER_BYTES = 4 * 1024 * 1024;
const LONG_POLL_MS = 500;
/** A partition that is resumed just after such a fetch began waits for its end. */
const SHORT_POLL_MS = 20;

interface Channel {
  session: FetchSession;
  maxWaitMs: number;
  isBusy: boolean;
}

/**
 * Fetches from one broker. The broker holds a fetch that brings nothing, and nothing can be added to it then. So there
 * are two channels, each with its own connection: the long one for all partitions that can be read when it
 * begins, the short one for those that are resumed meanwhile, until the long one comes back. So a busy partition
 * does not wait for idle ones.
 */
export class BrokerFetcher {
  readonly #events: FetcherEvents;
  readonly #states = new Set<ReadState>();
  /** The version that is being fetched: after a seek the partition is free again. */
  readonly #inFlight = new Map<ReadState, number>();
  readonly #long: Channel;
  readonly #short: Channel;
  #isFetchingSoon = false;

  constructor(connections: Pick<Connections, 'send'>, nodeId: number, events: FetcherEvents) {
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
    if (!this.#isFetchingSoon) queueMicrotask(() => this.#fetchWhatIsFree());
    this.#isFetchingSoon = true;
  }

  #fetchWhatIsFree(): void {
    this.#isFetchingSoon = false;
    // A long fetch without those of the short one would leave idle partitions to short ones for good
    if (this.#short.isBusy) return;
    const free = [...this.#states].filter((state) => !state.isPaused && this.#inFlight.get(state) !== state.version);
    if (free.length > 0) void this.#fetch(this.#long.isBusy ? this.#short : this.#long, free);
  }

  async #fetch(channel: Channel, states: readonly ReadState[]): Promise<void> {
    const maxBytes = this.#events.partitionBytes();
    const asked = states.map((state): Asked => ({
      state,
      version: state.version,
      fetch: { topicId: state.topicId!, partition: state.partition, leaderEpoch: state.leaderEpoch, offset: state.position, maxBytes },
    }));
    channel.isBusy = true;
    for (const { state, version } of asked) this.#inFlight.set(state, version);
    let fetched: FetchedPartition[] = [];
    try {
      fetched = await channel.session.fetch(
        asked.map(({ fetch }) => fetch),
        { maxWaitMs: channel.maxWaitMs, maxBytes: ANSWER_BYTES },
      );
    } catch (error) {
      const failed = states.filter((state) => this.#states.has(state));
      if (failed.length > 0) this.#events.onFailed(failed, error as Error);
    }
    // What a listener throws is thrown to nobody, and ends the process: going on would lose what it did not take
    await this.#handOver(asked, fetched);
    channel.isBusy = false;
    // Nothing begins while a short fetch is under way: what the long one forgets of it is not fetched twice
    for (const { state } of asked) this.#inFlight.delete(state);
    this.#fetchSoon();
  }

  async #handOver(asked: readonly Asked[], fetched: readonly FetchedPartition[]): Promise<void> {
    if (fetched.length === 0) return;
    const byName = new Map(asked.map((each) => [`${each.fetch.topicId}/${each.fetch.partition}`, each]));
    for (const partition of fetched) {
      const from = byName.get(`${partition.topicId}/${partition.partition}`);
      if (!from) continue;
      const { records } = partition;
      // Brokers fill an answer in the order of the request: partitions that got something stand behind those that did not
      if (records.length > 0 && this.#states.delete(from.state)) this.#states.add(from.state);
      // A view would hold the whole answer in memory for as long as one of its records
      const own = 2 * records.length < records.buffer.byteLength ? Buffer.from(records) : records;
      await this.#events.onFetched(from, { ...partition, records: own });
    }
  }
}
