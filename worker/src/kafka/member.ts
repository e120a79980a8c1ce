import {
  type Connections,
  type CorruptBatch,
  type GroupMembership,
  isNotAuthorized,
  type KafkaConnection,
  PartitionReader,
  principalOf,
} from '@sagafleet/kafka';
import type { Consumer, Kafka } from 'kafkajs';
import type { Assignment, GroupMember, MemberEvents, TopicPosition } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import type { Log } from '../log.ts';
import { awaitGroupOffsets, isDoubtful, READ_AGAIN_AFTER_MS } from '../task/start-positions.ts';
import { backoffMs, systemTiming } from '../timing.ts';
import { createTaskAssigner, type AssignmentExtras } from './assigner.ts';
import { namedRefusal, type Rights } from './authorization.ts';
import { brokerErrorType } from './broker-error.ts';
import type { GroupCoordinator } from './coordinator.ts';

/** Members notice a rebalance by it alone, so it bounds hand-over and stall. */
const HEARTBEAT_MS = 250;
const REBALANCE_TIMEOUT_MS = 15_000;
/** About a transaction's records: what waits for long costs the garbage collector more than another fetch. */
const MAX_BYTES_PER_PARTITION = 256 * 1024;
/** Where much is waiting already. */
const FEW_BYTES_PER_PARTITION = 16 * 1024;
/** How soon partitions that were added to an input are noticed; kafkajs would take five minutes. */
const METADATA_MAX_AGE_MS = 10_000;
/** How long leaving waits for a join under way, so that the coordinator learns of the leave. */
const JOIN_BEFORE_LEAVE_MS = 5_000;
/** A broker that is away must not hold up the end. */
const KEEP_WITHIN_MS = 2_000;
const RESTART_AFTER_MS = 1_000;

export interface MemberOptions {
  group: string;
  topics: readonly string[];
  sessionTimeoutMs: number;
  connection: KafkaConnection;
  /** Of one record batch, decompressed. */
  maxBatchBytes: number;
  log: Log;
}

export interface MemberParts {
  kafka: Kafka;
  connections: Connections;
  coordinator: GroupCoordinator;
}

/** A kafkajs consumer for the membership, and a reader of our own for the records. */
export class KafkajsMember implements GroupMember {
  readonly #consumer: Consumer;
  readonly #coordinator: GroupCoordinator;
  readonly #reader: PartitionReader;
  readonly #events: MemberEvents;
  readonly #group: string;
  readonly #topics: readonly string[];
  readonly #log: Log;
  /** Of the last join, and of the last one that kafkajs has reported: in between the tasks are still the old ones. */
  #sync: AssignmentExtras | null = null;
  #membership: GroupMembership | null = null;
  /** The coordinator said so of the membership. */
  #isUnknown = false;
  #owned: number[] = [];
  #joined = Promise.withResolvers<void>();
  /** The first run's: a consumer is one that can be stopped only when this has ended, shortly after it has joined. */
  #running: Promise<void> | null = null;
  #leaving = false;
  readonly #over = new AbortController();
  #isWaitingToJoin = false;

  constructor({ kafka, connections, coordinator }: MemberParts, options: MemberOptions, events: MemberEvents) {
    this.#coordinator = coordinator;
    this.#reader = this.#createReader(connections, options);
    this.#events = events;
    this.#group = options.group;
    this.#topics = options.topics;
    this.#log = options.log;
    const assigner = createTaskAssigner({
      memberData: () => ({
        owned: this.#owned,
        generation: this.#membership?.generation ?? -1,
        positions: events.knownPositions(),
      }),
      onSync: (extras) => {
        this.#sync = extras;
      },
      onTrouble: (error) => this.#noteTrouble(error),
    });
    this.#consumer = kafka.consumer({
      groupId: options.group,
      sessionTimeout: options.sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: HEARTBEAT_MS,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      partitionAssigners: [assigner],
    });
  }

  /** The membership that the last join gave, for requests made as a member. */
  get membership(): GroupMembership {
    if (!this.#membership || this.#isUnknown)
      throw new WorkerError('not-a-member', 'systemic', 'this worker is not a member of its group, it joins');
    return this.#membership;
  }

  async join(): Promise<void> {
    const { CRASH, GROUP_JOIN } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => this.#joinedGroup(payload.memberId, payload.memberAssignment));
    this.#consumer.on(CRASH, ({ payload }) => this.#crashed(payload.error, payload.restart));
    await awaitGroupOffsets(this.#group, this.#coordinator, systemTiming);
    void this.#watchOffsets();
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [...this.#topics], fromBeginning: true });
    this.#running = this.#run();
    await this.#running;
    await this.#joined.promise;
  }

  async leave(atRest: readonly TopicPosition[]): Promise<void> {
    this.#leaving = true;
    this.#over.abort();
    if (atRest.length > 0 && this.#membership && !this.#isUnknown) await this.#keep(atRest, this.#membership);
    // A consumer stopped before its join is over leaves a member behind until the session times out
    if (this.#running)
      await Promise.race([Promise.all([this.#running, this.#joined.promise]).catch(() => undefined), deadline(JOIN_BEFORE_LEAVE_MS)]);
    this.#reader.close();
    await this.#consumer.stop();
    await this.#consumer.disconnect();
  }

  /** A join takes a while: what is read meanwhile spares the tasks to read as long afterwards. */
  async #watchOffsets(): Promise<void> {
    while (!this.#leaving) {
      if (isDoubtful(this)) await this.#coordinator.committedOffsets().catch(() => undefined);
      await systemTiming.wait(READ_AGAIN_AFTER_MS, this.#over.signal);
    }
  }

  /** As a member: what was given to another one meanwhile is refused. Where it fails, the brokers' retention holds. */
  async #keep(positions: readonly TopicPosition[], membership: GroupMembership): Promise<void> {
    const kept = this.#coordinator.commit(membership, positions, true).catch(() => undefined);
    await Promise.race([kept, deadline(KEEP_WITHIN_MS)]);
  }

  seek(topic: string, partition: number, offset: bigint): void {
    this.#reader.seek(topic, partition, offset);
  }

  pause(topics: readonly string[], partition: number): void {
    for (const topic of topics) this.#reader.pause(topic, partition);
  }

  resume(topics: readonly string[], partition: number): void {
    for (const topic of topics) this.#reader.resume(topic, partition);
  }

  release(topics: readonly string[], partition: number): void {
    for (const topic of topics) this.#reader.remove(topic, partition);
  }

  async proveMembership(): Promise<void> {
    await this.#coordinator.heartbeat(this.membership);
  }

  async committedOffsets(): ReturnType<GroupMember['committedOffsets']> {
    return this.#coordinator.committedOffsets();
  }

  async resumedFrom(task: number): ReturnType<GroupMember['resumedFrom']> {
    return this.#coordinator.resumedFrom(task);
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

  offsetUnchangedForMs(topic: string, partition: number, offset: bigint | null): number {
    return this.#coordinator.offsetUnchangedForMs(topic, partition, offset);
  }

  #createReader(connections: Connections, { maxBatchBytes, log, topics, connection }: MemberOptions): PartitionReader {
    const readRights: Rights = {
      principal: principalOf(connection),
      needed: { topic: { operations: ['READ', 'DESCRIBE'], names: topics } },
    };
    return new PartitionReader({
      connections,
      maxBatchBytes,
      partitionBytes: () => (this.#events.isMemoryFull() ? FEW_BYTES_PER_PARTITION : MAX_BYTES_PER_PARTITION),
      events: {
        onBatch: (batch) => this.#events.onBatch(batch),
        onOutOfRange: (topic, partition) => void this.#resetPosition(topic, partition),
        onRecreated: (topic, partition) => this.#events.onRecreated(topic, partition),
        onCorrupt: (topic, partition, error) => this.#events.onUnreadable(corruptError(topic, partition, error)),
        onTrouble: (error) => log.warn({ reason: messageOf(namedRefusal(error, 'read', readRights)) }, 'cannot read for now'),
      },
    });
  }

  #joinedGroup(memberId: string, memberAssignment: Record<string, number[]>): void {
    const tasks = new Map<number, string[]>();
    for (const [topic, partitions] of Object.entries(memberAssignment)) {
      for (const partition of partitions) tasks.set(partition, [...(tasks.get(partition) ?? []), topic]);
    }
    this.#owned = [...tasks.keys()];
    const { generation, floors, handedOver } = this.#sync!;
    this.#membership = { memberId, generation };
    this.#isUnknown = false;
    const assignment: Assignment = { memberId, generation, tasks, floors, handedOver: new Set(handedOver) };
    this.#isWaitingToJoin = false;
    this.#events.onAssigned(assignment);
    this.#joined.resolve();
  }

  #run(): Promise<void> {
    return this.#consumer.run({ autoCommit: false, eachBatch: async () => undefined });
  }

  /**
   * A membership that the coordinator does not know is over, whatever it says later: one that loads its log again may know the
   * member as it was before, and each heartbeat of ours would keep it alive, while the group waits for it to join.
   */
  #noteTrouble(error: unknown): void {
    this.#coordinator.noteTrouble(error);
    if (brokerErrorType(error) === 'UNKNOWN_MEMBER_ID') this.#isUnknown = true;
  }

  #crashed(error: Error, restarts: boolean): void {
    this.#coordinator.noteTrouble(error);
    if (restarts || this.#leaving) return;
    // Both go away by themselves or when what is missing is granted
    if (isCoordinatorAway(error) || isNotAuthorized(error)) {
      if (!this.#isWaitingToJoin) this.#log.warn({ reason: messageOf(error) }, 'cannot join the group for now');
      this.#isWaitingToJoin = true;
      setTimeout(() => {
        if (!this.#leaving) this.#run().catch((cause: Error) => this.#crashed(cause, false));
      }, RESTART_AFTER_MS);
      return;
    }
    const message = `the consumer ended: ${messageOf(error)}`;
    this.#events.onCrash(new WorkerError('consumer-crashed', 'fatal', message, { cause: error }));
  }

  /** Tries until it knows the first offset: nothing is read meanwhile. */
  async #resetPosition(topic: string, partition: number): Promise<void> {
    for (let attempt = 0; !this.#leaving; attempt++) {
      try {
        const earliest = await this.earliestOffset(topic, partition);
        // The task may have been lost meanwhile, and given back at another position
        if (this.#reader.isResting(topic, partition)) this.#events.onOutOfRange({ topic, partition, offset: earliest }, earliest);
        return;
      } catch {
        await systemTiming.wait(backoffMs(attempt, Math.random));
      }
    }
  }
}

function corruptError(topic: string, partition: number, error: CorruptBatch): WorkerError {
  return new WorkerError(
    'record-corrupt',
    'fatal',
    `the records of ${topic}/${partition} from offset ${error.offset} on are damaged: ${error.message}. Repair or restore the partition, ` +
      "or set the group's offset behind them (kafka-consumer-groups --reset-offsets), which skips them",
    { cause: error },
  );
}

/** No broker could be asked who the coordinator is. kafkajs takes it as final, as if it were a wrong setting. */
function isCoordinatorAway(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at.name === 'KafkaJSGroupCoordinatorNotFound') return true;
  }
  return false;
}

function deadline(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
