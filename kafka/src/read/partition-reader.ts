import type { Connections } from '../connections/connections.ts';
import { LEADER_NOT_AVAILABLE, OFFSET_OUT_OF_RANGE } from '../wire/error-codes.ts';
import type { FetchedPartition } from '../wire/fetch.ts';
import { errorOf } from '../wire/request.ts';
import { type Asked, BrokerFetcher } from './broker-fetcher.ts';
import type { ReadState } from './read-state.ts';
import { type CorruptBatch, type DecodedPartition, decodeRecords } from './record-batches.ts';

/** One fetched stretch of a partition; without records where only control or aborted ones were there. */
export interface ReadBatch extends Readonly<DecodedPartition> {
  topic: string;
  partition: number;
  fetchedOffset: bigint;
}

export interface ReaderEvents {
  onBatch(batch: ReadBatch): void;
  /** The broker has no record at the position: reading rests until it is told where to go on. */
  onOutOfRange(topic: string, partition: number): void;
  /** The topic was deleted, and another one has its name: reading rests until it is told where to go on. */
  onRecreated(topic: string, partition: number): void;
  /** The bytes are damaged, also when fetched a second time: reading rests. */
  onCorrupt(topic: string, partition: number, error: CorruptBatch): void;
  /** Nothing can be fetched for now; said once for a time of trouble. */
  onTrouble(error: Error): void;
}

export interface ReaderOptions {
  connections: Pick<Connections, 'send'> & { leaders: Pick<Connections['leaders'], 'look' | 'leaderOf' | 'topic' | 'expect'> };
  events: ReaderEvents;
  /** Uncompressed; a larger batch is passed over. */
  maxBatchBytes: number;
  /** How much of a partition is wanted at once. */
  partitionBytes(): number;
}

const LOOK_EVERY_MS = 10_000;
const FIRST_LOOK_AGAIN_MS = 50;
const LAST_LOOK_AGAIN_MS = 1_000;
const TROUBLE_OVER_AFTER_MS = 3_000;
const TOLD_AFTER_FAILURES = 2;

/**
 * Reads partitions from positions that it alone holds, in order, committed records only. Leaders that move, brokers
 * that come and go, and sessions that are forgotten show as nothing but a delay.
 */
export class PartitionReader {
  readonly #options: ReaderOptions;
  readonly #leaders: ReaderOptions['connections']['leaders'];
  readonly #states = new Map<string, ReadState>();
  readonly #brokers = new Map<number, BrokerFetcher>();
  #lookTimer: NodeJS.Timeout | undefined;
  #isLookingSoon = false;
  #failures = 0;
  #troubleAt = -Infinity;
  #isClosed = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#leaders = options.connections.leaders;
  }

  /**
   * From `offset` on; what was fetched before is not delivered any more. Paused stays paused; a new partition is paused.
   * @param topicId of the topic that the offset is from; null: whichever has the name
   */
  seek(topic: string, partition: number, offset: bigint, topicId: string | null = null): void {
    const state = this.#states.get(nameOf(topic, partition)) ?? this.#add(topic, partition);
    state.position = offset;
    state.version++;
    state.topicId = topicId ?? (state.isResting ? null : state.topicId);
    state.isResting = false;
    state.wasCorrupt = false;
    this.#place(state);
  }

  pause(topic: string, partition: number): void {
    const state = this.#states.get(nameOf(topic, partition));
    if (state) state.isPaused = true;
  }

  resume(topic: string, partition: number): void {
    const state = this.#states.get(nameOf(topic, partition));
    if (!state?.isPaused) return;
    state.isPaused = false;
    this.#place(state);
  }

  remove(topic: string, partition: number): void {
    const state = this.#states.get(nameOf(topic, partition));
    if (!state) return;
    this.#states.delete(nameOf(topic, partition));
    this.#leave(state);
  }

  /** Whether it waits to be told where to go on. */
  isResting(topic: string, partition: number): boolean {
    return this.#states.get(nameOf(topic, partition))?.isResting ?? false;
  }

  /** Nothing is delivered any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#lookTimer);
    for (const state of this.#states.values()) state.version++;
    for (const fetcher of this.#brokers.values()) fetcher.close();
  }

  #add(topic: string, partition: number): ReadState {
    const state: ReadState = {
      topic,
      partition,
      position: 0n,
      isPaused: true,
      isResting: false,
      version: 0,
      topicId: null,
      leader: null,
      leaderEpoch: 0,
      wasCorrupt: false,
    };
    this.#states.set(nameOf(topic, partition), state);
    // A leader that does not answer, and is not the leader any more, shows by nothing else
    if (!this.#lookTimer && !this.#isClosed) this.#lookIn(LOOK_EVERY_MS);
    return state;
  }

  /** Hands the partition to the fetcher of its leader; where that is not known the next look does. */
  #place(state: ReadState): void {
    if (this.#isClosed || state.isPaused || state.isResting) return;
    const leader = this.#leaders.leaderOf(state.topic, state.partition);
    const topic = this.#leaders.topic(state.topic);
    if (!leader || !topic) return this.#lookSoon(this.#whyNoLeader(state.topic));
    state.topicId ??= topic.id;
    if (state.topicId !== topic.id) return this.#rest(state, () => this.#options.events.onRecreated(state.topic, state.partition));
    if (state.leader !== leader.leader) this.#leave(state);
    state.leader = leader.leader;
    state.leaderEpoch = leader.leaderEpoch;
    this.#fetcherOf(leader.leader).add(state);
  }

  #fetcherOf(nodeId: number): BrokerFetcher {
    const known = this.#brokers.get(nodeId);
    if (known) return known;
    const { connections, partitionBytes } = this.#options;
    const fetcher = new BrokerFetcher(connections, nodeId, {
      partitionBytes,
      onFetched: (asked, fetched) => this.#deliver(asked, fetched),
      onFailed: (states, error) => this.#failed(states, error),
    });
    this.#brokers.set(nodeId, fetcher);
    return fetcher;
  }

  async #deliver({ state, version, fetch: { offset } }: Asked, fetched: FetchedPartition): Promise<void> {
    const isStale = () => state.version !== version;
    if (isStale()) return;
    if (fetched.errorCode !== 0) return this.#refused(state, fetched.errorCode);
    if (fetched.records.length === 0) return;
    const { topic, partition } = state;
    let decoded: DecodedPartition;
    try {
      decoded = await decodeRecords({ ...fetched, topic, fromOffset: offset }, this.#options.maxBatchBytes);
    } catch (error) {
      if (!isStale()) this.#damaged(state, error as CorruptBatch);
      return;
    }
    if (isStale()) return;
    if (decoded.nextOffset === offset) return this.#failed([state], new Error(`the broker sends no whole batch of ${topic}/${partition}`));
    state.position = decoded.nextOffset;
    state.wasCorrupt = false;
    this.#options.events.onBatch({ topic, partition, fetchedOffset: offset, ...decoded });
  }

  /** What the network changed is whole when it is fetched again. */
  #damaged(state: ReadState, error: CorruptBatch): void {
    if (state.wasCorrupt) this.#rest(state, () => this.#options.events.onCorrupt(state.topic, state.partition, error));
    state.wasCorrupt = true;
  }

  /** Most refusals say that the leader is another one, or that the topic is gone. */
  #refused(state: ReadState, errorCode: number): void {
    if (errorCode !== OFFSET_OUT_OF_RANGE) return this.#failed([state], errorOf(errorCode));
    this.#rest(state, () => this.#options.events.onOutOfRange(state.topic, state.partition));
  }

  #rest(state: ReadState, tell: () => void): void {
    state.isResting = true;
    this.#leave(state);
    tell();
  }

  #leave(state: ReadState): void {
    state.version++;
    this.#brokers.get(state.leader!)?.remove(state);
  }

  #failed(states: readonly ReadState[], error: Error): void {
    for (const state of states) this.#brokers.get(state.leader!)!.remove(state);
    this.#lookSoon(error);
  }

  #whyNoLeader(topic: string): Error {
    let reason = errorOf(LEADER_NOT_AVAILABLE);
    try {
      this.#leaders.expect(topic);
    } catch (error) {
      reason = error as Error;
    }
    return Object.assign(reason, { message: `topic ${topic}: ${reason.message}` });
  }

  /** Later and later for as long as it does not help. */
  #lookSoon(reason: Error): void {
    if (this.#isLookingSoon) return;
    const now = performance.now();
    if (now - this.#troubleAt > TROUBLE_OVER_AFTER_MS) this.#failures = 0;
    this.#troubleAt = now;
    // A leader that moves is told by one refusal, and known a moment later
    if (this.#failures === TOLD_AFTER_FAILURES) this.#options.events.onTrouble(reason);
    this.#lookIn(this.#failures === 0 ? 0 : Math.min(FIRST_LOOK_AGAIN_MS * 2 ** (this.#failures - 1), LAST_LOOK_AGAIN_MS));
    this.#failures++;
    this.#isLookingSoon = true;
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#lookTimer);
    this.#lookTimer = setTimeout(() => void this.#look(), ms);
  }

  /** New partitions, leaders and topics show by it; what cannot be placed asks for the next one. */
  async #look(): Promise<void> {
    let failure: Error | undefined;
    try {
      await this.#leaders.look([...this.#states.values()].map(({ topic }) => topic));
    } catch (error) {
      failure = error as Error;
    }
    this.#isLookingSoon = false;
    if (this.#isClosed) return;
    if (failure) this.#lookSoon(failure);
    else for (const state of this.#states.values()) this.#place(state);
    if (!this.#isLookingSoon) this.#lookIn(LOOK_EVERY_MS);
  }
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
