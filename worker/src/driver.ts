/**
 * What the worker needs of a Kafka client, in the worker's words. `kafka/` implements it with
 * kafkajs; another client can be dropped in behind the same port.
 */

import { WorkerError } from './errors.ts';

/** A header list keeps order and doubles, as Kafka does. */
export type Headers = readonly (readonly [name: string, value: Buffer | null])[];

export interface InputRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Milliseconds since the epoch, decimal. */
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
  /** It stands for a whole batch, up to `lastOffset`, whose records cannot be read. */
  readonly unreadable?: { readonly lastOffset: string; readonly reason: string };
}

export interface OutputRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Before the others; the same object on record after record is encoded once. */
  readonly constantHeaders: OutputHeaders;
  readonly headers: OutputHeaders;
}

/** Null is a header without a value; a list, parts that stand one behind the other, of which texts are ASCII. */
export type OutputHeaders = readonly (readonly [name: string, value: Buffer | string | readonly (Buffer | string)[] | null])[];

/** Records in order, in the client's own form. */
export interface RecordBatch {
  readonly count: number;
  /** As it is sent. */
  readonly bytes: number;
  readonly isCompressed: boolean;
  /** False, and nothing added, where the batch would pass `maxBytes`; the first record always fits. */
  add(record: OutputRecord, maxBytes: number): boolean;
  /** Compresses what was added, unless that makes it larger. */
  compress(codec: WriteCodec): void;
  /** Its records in several batches, in order: each of up to `maxBytes`, plain, or of one record. */
  split(maxBytes: number): RecordBatch[];
}

/** Codecs that a batch can be written with, as a topic's `compression.type` names them. */
export type WriteCodec = 'gzip' | 'zstd';

/** A batch and the partition it is for. */
export interface OutputBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: RecordBatch;
}

/** One fetched stretch of a partition. `records` may be empty: control or aborted records only. */
export interface FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly InputRecord[];
  /** One past the last record, control records included. */
  readonly nextOffset: bigint;
  /** What it holds in memory. */
  readonly bytes: number;
}

/** Positions by topic, of the partition that a task owns. */
export type Positions = ReadonlyMap<string, bigint>;

export interface TopicPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** `note`: for the task's next owner, without spaces. */
export interface NotedPosition extends TopicPosition {
  readonly note?: string;
}

/** What a member got in a join of its group. */
export interface Assignment {
  readonly memberId: string;
  readonly generation: number;
  /** Task number → the topics of which this member got that partition. */
  readonly tasks: ReadonlyMap<number, readonly string[]>;
  /** The highest positions that members of the group know of; never start below. */
  readonly floors: readonly TopicPosition[];
  /** Tasks whose owner before is a member still. */
  readonly handedOver: ReadonlySet<number>;
}

export interface MemberEvents {
  /** Called synchronously in each join; must not throw. */
  onAssigned(assignment: Assignment): void;
  /** Each begins where the one before ended, or at the position that was asked for since. */
  onBatch(batch: FetchedBatch): void;
  /** Whether much of what was fetched is waiting, in all tasks together. */
  isMemoryFull(): boolean;
  /** Everything this process knows; of it the group is told, when joining, what nobody else can be relied on to tell. */
  knownPositions(): TopicPosition[];
  /** The broker no longer has the records at the position; nothing is read until a new one is set. */
  onOutOfRange(at: TopicPosition, earliest: bigint): void;
  /** The topic was recreated, with nothing in common but its name; nothing is read until a position is set. */
  onRecreated(topic: string, partition: number): void;
  /** Reading cannot go on, and no restart helps until an operator acts. */
  onUnreadable(error: Error): void;
  /** The consumer ended for good. */
  onCrash(error: Error): void;
}

/** A position as the group committed it. */
export interface CommittedPosition {
  readonly topic: string;
  readonly partition: number;
  /** Null where none is committed. */
  readonly offset: bigint | null;
  /** What was committed with it for the next owner, null where nothing was. */
  readonly note?: string | null;
  /** There was one, and the broker dropped it. */
  readonly isForgotten?: boolean;
  /** It is from another topic of this name, which was deleted. */
  readonly isOfDeletedTopic?: boolean;
  /** A transaction that has not ended moves it: `offset` says nothing. */
  readonly isUnstable?: boolean;
}

/** This process as a member of the step's consumer group. */
export interface GroupMember {
  /** Joins the group; resolves when joined for the first time. */
  join(): Promise<void>;
  /**
   * Leaves the group, waiting for a join under way, and closes the connections. The broker is to keep the
   * positions `atRest` for good: a group without members would lose what is committed after a while.
   */
  leave(atRest: readonly TopicPosition[]): Promise<void>;
  /** Where to read the partition from; it is paused until it is resumed. */
  seek(topic: string, partition: number, offset: bigint): void;
  pause(topics: readonly string[], partition: number): void;
  resume(topics: readonly string[], partition: number): void;
  /** The partition is not read any more. */
  release(topics: readonly string[], partition: number): void;
  /** Resolves when the coordinator accepts a heartbeat sent after this call. */
  proveMembership(): Promise<void>;
  /** Of all partitions of the group's inputs. */
  committedOffsets(): Promise<CommittedPosition[]>;
  /** From where on a task goes on that its breaker stopped, by topic; topics that nobody resumed are missing. */
  resumedFrom(task: number): Promise<Positions>;
  /** The first offset that the broker still has. */
  earliestOffset(topic: string, partition: number): Promise<bigint>;
  /** One past the last record, also one that is not committed. */
  endOffset(topic: string, partition: number): Promise<bigint>;
  /** Milliseconds since the coordinator was last unreachable or loading; Infinity = never. */
  coordinatorTroubleAgeMs(): number;
  /** Milliseconds since it first answered; what it went through before is not known. */
  coordinatorKnownForMs(): number;
  /** Milliseconds since it first gave this committed offset, in every answer and with no error since; 0 = it did not. */
  offsetUnchangedForMs(topic: string, partition: number, offset: bigint | null): number;
}

/** Writes and offsets that become visible together, or (at least once) in this order. */
export interface Transaction {
  /** What is sent is not to be seen unless it is committed. */
  readonly isAtomic: boolean;
  /**
   * Appends each batch to its partition; no two of one call are for the same. A batch is sent once. Resolves with those that
   * their topics refuse, which are as they were; all others are written.
   * @throws `broker-unavailable`, `topic-missing`, `not-authorized` (systemic)
   */
  send(batches: readonly OutputBatch[]): Promise<RefusedBatch[]>;
  /** May run while a send does. */
  sendOffsets(positions: readonly NotedPosition[]): Promise<void>;
  commit(): Promise<void>;
}

/** A batch that its topic refuses, and so refuses again however often it is sent. */
export class RefusedBatch extends WorkerError {
  readonly topic: string;
  readonly partition: number;

  constructor(
    code: 'output-too-large' | 'output-refused',
    { topic, partition, records: { bytes, isCompressed } }: OutputBatch,
    options: ErrorOptions = {},
  ) {
    super(
      code,
      'permanent',
      code === 'output-too-large'
        ? `topic ${topic} takes no record of ${bytes} bytes${isCompressed ? ', compressed' : ''}: raise its max.message.bytes and apply the step again`
        : `topic ${topic} refuses the record; one that is compacted takes none without a key`,
      options,
    );
    this.topic = topic;
    this.partition = partition;
  }
}

/** After any error the producer is discarded, never used again. */
export interface TaskProducer {
  /** Called once, when it is known where the task starts and before the first transaction. */
  activate?(): Promise<void>;
  begin(): Promise<Transaction>;
  /**
   * Resolves when what was committed last is visible to readers.
   * @throws where that may never be so unless the task starts again: fencing ends what is left open
   */
  settled?(): Promise<void>;
  discard(): Promise<void>;
}

/** Appends records one by one, each durable when its promise resolves with the record's offset; for the ingress. */
export interface AppendingProducer {
  append(record: OutputRecord): Promise<string>;
  close(): Promise<void>;
}

export interface Driver {
  member(events: MemberEvents): GroupMember;
  /**
   * Fences the previous owner of the task. When this resolves its last transaction is complete: visible or aborted in every
   * partition, also where the coordinator left markers out. `throwIfOver` is asked right before the fencing: a task that
   * was lost meanwhile must not throw its new owner out. `floorOf`: positions that are known to have been committed.
   * @throws WorkerError `hung-transaction` (systemic) where only an administrator can end what is open
   */
  fenceTask(task: number, throwIfOver: () => void, floorOf?: (topic: string) => bigint | null): Promise<TaskProducer>;
  appendingProducer(): AppendingProducer;
  newBatch(): RecordBatch;
  /** Partition counts of the topics, asked for now. @throws `topic-missing` (systemic) that names the first missing one */
  partitionCounts(topics: readonly string[]): Promise<Map<string, number>>;
  /** murmur2 of the key, as Java clients partition. */
  partitionOf(key: Buffer, partitions: number): number;
  close(): Promise<void>;
}
