import { listOffsets } from '../group/group-offsets.ts';
import { ISOLATION } from '../kafkajs/cluster.ts';
import type { KafkaConnection, KafkaOptions } from '../kafkajs/create-kafka.ts';
import { Session } from '../kafkajs/session.ts';
import { type DecodedPartition, decodeRecords } from '../read/record-batches.ts';
import { OFFSET_OUT_OF_RANGE } from '../wire/error-codes.ts';
import { type FetchedPartition, fetchRequest, NO_SESSION, type PartitionFetch } from '../wire/fetch.ts';
import type { HeaderPair } from '../wire/fetched-record.ts';
import { LOG_END, LOG_START } from '../wire/offsets.ts';
import { errorOf } from '../wire/request.ts';

/** Key, value and headers are views of a whole fetch: copy what is kept for long. */
export interface ReadRecord {
  topic: string;
  partition: number;
  offset: bigint;
  timestampMs: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: HeaderPair[];
}

export interface ReadOptions extends KafkaOptions {
  connection: KafkaConnection;
  topics: readonly string[];
  /** Default all. */
  partitions?: readonly number[];
  /**
   * `end`: up to the last stable offset when the reading began, which a commit passes some milliseconds
   * after it was acknowledged; `follow`: until `signal`.
   */
  until: 'end' | 'follow';
  /** Called for one record at a time, in order within a partition. */
  onRecord(record: ReadRecord): void | Promise<void>;
  signal?: AbortSignal;
}

/** A partition, the offset to read next, and the one before which to stop. */
interface Lane {
  topic: string;
  partition: number;
  position: bigint;
  end: bigint | null;
}

const LONG_POLL_MS = 500;
const MAX_BYTES = 16 * 1_048_576;
const MAX_BYTES_PER_PARTITION = 1_048_576;
/** Who looks at topics wants to see what is there, not to be safe from it. */
const MAX_BATCH_BYTES = 1024 * 1_048_576;

/**
 * Reads committed records of whole topics from their beginning, without a group: nothing is joined,
 * committed or left behind. Throws `KafkaError`, and what `onRecord` throws.
 */
export async function readTopics(options: ReadOptions): Promise<void> {
  const { connection, signal } = options;
  const session = new Session(connection, options, ISOLATION.readCommitted);
  try {
    let lanes = await openLanes(session, options);
    while (lanes.length > 0 && !signal?.aborted) {
      const batches = await fetchNext(session, lanes);
      for (const [lane, batch] of batches) await deliver(lane, batch, options);
      lanes = lanes.filter(({ position, end }) => end === null || position < end);
    }
  } finally {
    await session.close();
  }
}

async function openLanes(session: Session, { topics, partitions, until }: ReadOptions): Promise<Lane[]> {
  const lanes = await Promise.all(
    topics.map(async (topic) => {
      const [starts, ends] = await Promise.all([LOG_START, LOG_END].map((time) => offsetsOf(session, topic, time)));
      return [...starts!].map(([partition, position]) => ({
        topic,
        partition,
        position,
        end: until === 'end' ? ends!.get(partition)! : null,
      }));
    }),
  );
  const wanted = lanes.flat().filter(({ partition }) => partitions?.includes(partition) ?? true);
  return wanted.filter(({ position, end }) => end === null || position < end);
}

/** Per partition the first offset, or the one that follows the last committed record. */
function offsetsOf(session: Session, topic: string, time: bigint): Promise<Map<number, bigint>> {
  return session.run(`read the offsets of topic ${topic}`, { topic: { operations: ['DESCRIBE'], names: [topic] } }, () =>
    listOffsets(session.connections, topic, { time, isCommitted: true }),
  );
}

/** One fetch from each leader at the same time; nothing for a lane whose records were deleted meanwhile. */
function fetchNext(session: Session, lanes: readonly Lane[]): Promise<[Lane, DecodedPartition][]> {
  const { leaders } = session.connections;
  const names = [...new Set(lanes.map(({ topic }) => topic))];
  return session.run(`read ${names.join(', ')}`, { topic: { operations: ['READ'], names } }, async () => {
    await leaders.ensure(names);
    const byLeader = Map.groupBy(lanes, ({ topic, partition }) => leaders.leaderOf(topic, partition)?.leader);
    const batches = await Promise.all(
      [...byLeader].map(async ([leader, its]) => {
        try {
          return leader === undefined ? [] : await fetchFrom(session, leader, its);
        } catch (error) {
          await leaders.look();
          throw error;
        }
      }),
    );
    if (byLeader.has(undefined)) await leaders.look();
    return batches.flat();
  });
}

async function fetchFrom(session: Session, nodeId: number, lanes: readonly Lane[]): Promise<[Lane, DecodedPartition][]> {
  const { connections } = session;
  const byPlace = new Map(lanes.map((lane) => [`${connections.leaders.topic(lane.topic)!.id}/${lane.partition}`, lane]));
  const partitions = lanes.map(({ topic, partition, position: offset }): PartitionFetch => {
    const { leaderEpoch } = connections.leaders.leaderOf(topic, partition)!;
    return { topicId: connections.leaders.topic(topic)!.id, partition, leaderEpoch, offset, maxBytes: MAX_BYTES_PER_PARTITION };
  });
  const answer = await connections.send(
    { nodeId, lane: 'read' },
    fetchRequest({
      session: NO_SESSION,
      partitions,
      forgotten: [],
      maxWaitMs: LONG_POLL_MS,
      maxBytes: MAX_BYTES,
    }),
  );
  if (answer.errorCode !== 0) throw errorOf(answer.errorCode);
  const decoded = await Promise.all(
    answer.partitions.map(async (fetched): Promise<[Lane, DecodedPartition][]> => {
      const lane = byPlace.get(`${fetched.topicId}/${fetched.partition}`)!;
      const batch = await decode(session, lane, fetched);
      return batch ? [[lane, batch]] : [];
    }),
  );
  return decoded.flat();
}

async function decode(session: Session, lane: Lane, fetched: FetchedPartition): Promise<DecodedPartition | null> {
  if (fetched.errorCode === OFFSET_OUT_OF_RANGE) {
    await skipDeleted(session, lane);
    return null;
  }
  if (fetched.errorCode !== 0) throw errorOf(fetched.errorCode);
  return decodeRecords({ ...fetched, topic: lane.topic, fromOffset: lane.position }, MAX_BATCH_BYTES);
}

/** Retention passed the position: goes on at what is left. */
async function skipDeleted(session: Session, lane: Lane): Promise<void> {
  const start = (await offsetsOf(session, lane.topic, LOG_START)).get(lane.partition)!;
  if (lane.position < start) lane.position = start;
}

async function deliver(lane: Lane, { records, nextOffset }: DecodedPartition, { onRecord, signal }: ReadOptions): Promise<void> {
  const { topic, partition, end } = lane;
  for (const { offset, timestamp, key, value, headers, unreadable } of records) {
    if (signal?.aborted) return;
    if (end !== null && BigInt(offset) >= end) break;
    if (unreadable) continue;
    await onRecord({
      topic,
      partition,
      offset: BigInt(offset),
      timestampMs: Number(timestamp),
      key,
      value,
      headers,
    });
  }
  lane.position = nextOffset;
}
