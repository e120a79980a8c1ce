import { onOffsetOutOfRange, type FetchedRecord } from '@sagafleet/kafka';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Assignment, FetchedBatch, GroupMember, InputRecord, MemberEvents, TopicPosition } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import { awaitGroupOffsets } from '../start-positions.ts';
import { systemTiming } from '../timing.ts';
import { createTaskAssigner, type AssignmentExtras } from './assigner.ts';
import type { GroupCoordinator, Membership } from './coordinator.ts';

/** Members notice a rebalance by it alone, so it bounds hand-over and stall. */
const HEARTBEAT_MS = 250;
const REBALANCE_TIMEOUT_MS = 15_000;
/** An idle fetch; heartbeats are sent between fetches, so not longer than their interval. */
const MAX_WAIT_MS = 250;
/** About a transaction's records: what waits for long costs the garbage collector more than another fetch. */
const MAX_BYTES_PER_PARTITION = 256 * 1024;
/** Records are views of the whole answer, which stays as long as one of them. */
const MAX_BYTES = 4 * 1024 * 1024;
const RECORD_OVERHEAD_BYTES = 64;
/** How soon partitions that were added to an input are noticed; kafkajs would take five minutes. */
const METADATA_MAX_AGE_MS = 10_000;
/** How long leaving waits for a join under way, so that the coordinator learns of the leave. */
const JOIN_BEFORE_LEAVE_MS = 5_000;
/** A broker that is away must not hold up the end. */
const KEEP_WITHIN_MS = 2_000;
const RESTART_AFTER_MS = 1_000;

export interface MemberOptions { group: string; topics: readonly string[]; sessionTimeoutMs: number }

/** A kafkajs consumer with everything decided by us: what is fetched, from where, and what is committed. */
export class KafkajsMember implements GroupMember {
  readonly #consumer: Consumer;
  readonly #coordinator: GroupCoordinator;
  readonly #events: MemberEvents;
  readonly #group: string;
  readonly #topics: readonly string[];
  /** Of the last join, and of the last one that kafkajs has reported: in between the tasks are still the old ones. */
  #sync: AssignmentExtras | null = null;
  #membership: Membership | null = null;
  #owned: number[] = [];
  /** Partitions whose first offset is being asked for. */
  readonly #resetting = new Set<string>();
  #joined = Promise.withResolvers<void>();
  /** The first run's: a consumer is one that can be stopped only when this has ended, shortly after it has joined. */
  #running: Promise<void> | null = null;
  #leaving = false;

  constructor(kafka: Kafka, coordinator: GroupCoordinator, options: MemberOptions, events: MemberEvents) {
    this.#coordinator = coordinator;
    this.#events = events;
    this.#group = options.group;
    this.#topics = options.topics;
    const assigner = createTaskAssigner({
      memberData: () => ({
        owned: this.#owned, generation: this.#membership?.generation ?? -1, positions: events.knownPositions(),
      }),
      onSync: (extras) => { this.#sync = extras; },
      onTrouble: (error) => coordinator.noteTrouble(error),
    });
    this.#consumer = kafka.consumer({
      groupId: options.group,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      maxBytes: MAX_BYTES,
      maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
      readUncommitted: false,
      allowAutoTopicCreation: false,
      partitionAssigners: [(config) => {
        onOffsetOutOfRange(config.cluster, ({ topic, partition }) => void this.#resetPosition(topic, partition));
        return assigner(config);
      }],
    });
  }

  /** The membership that the last join gave, for requests made as a member. */
  get membership(): Membership {
    if (!this.#membership) throw new WorkerError('not-a-member', 'systemic', 'this worker has not joined its group yet');
    return this.#membership;
  }

  async join(): Promise<void> {
    const { CRASH, GROUP_JOIN } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#joinedGroup(payload.memberId, payload.memberAssignment));
    this.#consumer.on(CRASH, ({ payload }) => this.#crashed(payload.error, payload.restart));
    await this.#coordinator.connect();
    await awaitGroupOffsets(this.#group, this.#coordinator, systemTiming);
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true });
    this.#running = this.#run();
    await this.#running;
    await this.#joined.promise;
  }

  async leave(atRest: readonly TopicPosition[]): Promise<void> {
    this.#leaving = true;
    if (atRest.length > 0) await this.#keep(atRest);
    // A consumer stopped before its join is over leaves a member behind until the session times out
    if (this.#running) await Promise.race([Promise.all([this.#running, this.#joined.promise]).catch(() => undefined), deadline(JOIN_BEFORE_LEAVE_MS)]);
    await this.#consumer.stop();
    await this.#consumer.disconnect();
    await this.#coordinator.close();
  }

  /** As a member: what was given to another one meanwhile is refused. Where it fails, the brokers' retention holds. */
  async #keep(positions: readonly TopicPosition[]): Promise<void> {
    const kept = this.#coordinator.commit(this.membership, positions, true).catch(() => undefined);
    await Promise.race([kept, deadline(KEEP_WITHIN_MS)]);
  }

  seek(topic: string, partition: number, offset: bigint): void {
    this.#whileRunning(() => this.#consumer.seek({ topic, partition, offset: String(offset) }));
  }

  pause(topics: readonly string[], partition: number): void {
    this.#whileRunning(() => this.#consumer.pause(topics.map((topic) => ({ topic, partitions: [partition] }))));
  }

  resume(topics: readonly string[], partition: number): void {
    this.#whileRunning(() => this.#consumer.resume(topics.map((topic) => ({ topic, partitions: [partition] }))));
  }

  async proveMembership(): Promise<void> {
    await this.#coordinator.heartbeat(this.membership);
  }

  async committedOffsets(): ReturnType<GroupMember['committedOffsets']> {
    return this.#coordinator.committedOffsets();
  }

  async earliestOffset(topic: string, partition: number): Promise<bigint> {
    return this.#coordinator.earliestOffset(topic, partition);
  }

  async endOffset(topic: string, partition: number): Promise<bigint> {
    return this.#coordinator.endOffset(topic, partition);
  }

  coordinatorTroubleAgeMs(): number {
    return this.#coordinator.troubleAgeMs;
  }

  coordinatorKnownForMs(): number {
    return this.#coordinator.knownForMs;
  }

  /** Between a crash and its restart kafkajs refuses these; the next join says everything anew. */
  #whileRunning(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      if (!messageOf(error).startsWith('Consumer group was not initialized')) throw error;
    }
  }

  #joinedGroup(memberId: string, memberAssignment: Record<string, number[]>): void {
    const tasks = new Map<number, string[]>();
    for (const [topic, partitions] of Object.entries(memberAssignment)) {
      for (const partition of partitions) tasks.set(partition, [...(tasks.get(partition) ?? []), topic]);
    }
    this.#owned = [...tasks.keys()];
    const { generation, floors } = this.#sync!;
    this.#membership = { memberId, generation };
    const assignment: Assignment = { memberId, generation, tasks, floors };
    this.#events.onAssigned(assignment);
    this.#joined.resolve();
  }

  #run(): Promise<void> {
    return this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#handOver(payload),
    });
  }

  #crashed(error: Error, restarts: boolean): void {
    this.#coordinator.noteTrouble(error);
    if (restarts || this.#leaving) return;
    if (isCoordinatorAway(error)) {
      setTimeout(() => { if (!this.#leaving) this.#run().catch((cause: Error) => this.#crashed(cause, false)); }, RESTART_AFTER_MS);
      return;
    }
    const message = `the consumer ended: ${messageOf(error)}`;
    this.#events.onCrash(new WorkerError('consumer-crashed', 'fatal', message, { cause: error }));
  }

  async #handOver({ batch, resolveOffset, isStale }: EachBatchPayload): Promise<void> {
    // A seek that kafkajs has not followed yet: what was fetched before it is not what was asked for
    if (isStale()) return;
    const lastOffset = batch.lastOffset();
    const fetched = toFetchedBatch(batch, lastOffset);
    if (this.#events.onBatch(fetched)) resolveOffset(lastOffset);
  }

  async #resetPosition(topic: string, partition: number): Promise<void> {
    const place = `${topic}/${partition}`;
    if (this.#resetting.has(place)) return;
    this.#resetting.add(place);
    this.pause([topic], partition);
    try {
      const earliest = await this.earliestOffset(topic, partition);
      this.#events.onOutOfRange({ topic, partition, offset: earliest }, earliest);
    } catch {
      // The next fetch finds the position out of range again
      this.resume([topic], partition);
    } finally {
      this.#resetting.delete(place);
    }
  }
}

function toFetchedBatch(batch: EachBatchPayload['batch'], lastOffset: string): FetchedBatch {
  const { topic, partition } = batch;
  // Made by the hardened decoder
  const messages = batch.messages as unknown as FetchedRecord[];
  const records: readonly InputRecord[] = messages;
  let bytes = RECORD_OVERHEAD_BYTES;
  for (const { sizeInBytes } of messages) bytes += RECORD_OVERHEAD_BYTES + sizeInBytes;
  const { fetchedOffset } = batch as unknown as { fetchedOffset: string };
  return { topic, partition, records, bytes, fetchedOffset: BigInt(fetchedOffset), nextOffset: BigInt(lastOffset) + 1n };
}

/** No broker could be asked who the coordinator is. kafkajs takes it as final, as if it were a wrong setting. */
function isCoordinatorAway(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.name === 'KafkaJSGroupCoordinatorNotFound') return true;
  }
  return false;
}

function deadline(ms: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, ms).unref(); });
}
