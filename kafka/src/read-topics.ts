import { Batch, type FetchedBatch, ISOLATION } from './cluster.ts';
import type { KafkaConnection, KafkaOptions } from './create-kafka.ts';
import type { HeaderPair } from './fetched-record.ts';
import { Session } from './session.ts';

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
interface Lane { topic: string; partition: number; position: bigint; end: bigint | null }

const LONG_POLL_MS = 500;
const MAX_BYTES_PER_PARTITION = 1_048_576;

/**
 * Reads committed records of whole topics from their beginning, without a group: nothing is joined,
 * committed or left behind. Throws `KafkaError`, and what `onRecord` throws.
 */
export async function readTopics(options: ReadOptions): Promise<void> {
  const { connection, signal } = options;
  const session = new Session(connection, options, ISOLATION.readCommitted);
  try {
    await session.connect();
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
  const lanes = await Promise.all(topics.map(async (topic) => {
    const [starts, ends] = await Promise.all([listOffsets(session, topic, true), listOffsets(session, topic, false)]);
    return [...starts].map(([partition, position]) => ({
      topic, partition, position, end: until === 'end' ? ends.get(partition)! : null,
    }));
  }));
  const wanted = lanes.flat().filter(({ partition }) => partitions?.includes(partition) ?? true);
  return wanted.filter(({ position, end }) => end === null || position < end);
}

/** Per partition the first offset, or the one that follows the last committed record. */
function listOffsets(session: Session, topic: string, fromBeginning: boolean): Promise<Map<number, bigint>> {
  const { cluster } = session;
  return session.run(`read the offsets of topic ${topic}`, async () => {
    await cluster.addTargetTopic(topic);
    const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }));
    const [offsets] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }]);
    return new Map(offsets!.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  });
}

/** One fetch from each leader at the same time; nothing for a lane whose records were deleted meanwhile. */
function fetchNext(session: Session, lanes: readonly Lane[]): Promise<[Lane, FetchedBatch][]> {
  return session.run('read', async () => {
    const byLeader = Map.groupBy(lanes, (lane) => leaderOf(session, lane));
    const batches = await Promise.all([...byLeader].map(([leader, its]) => fetchFrom(session, leader, its)));
    return batches.flat();
  });
}

function leaderOf({ cluster }: Session, { topic, partition }: Lane): string {
  return Object.keys(cluster.findLeaderForPartitions(topic, [partition]))[0]!;
}

async function fetchFrom(session: Session, leader: string, lanes: readonly Lane[]): Promise<[Lane, FetchedBatch][]> {
  const broker = await session.cluster.findBroker({ nodeId: leader });
  const topics = [...Map.groupBy(lanes, ({ topic }) => topic)].map(([topic, its]) => ({
    topic,
    partitions: its.map(({ partition, position }) => ({
      partition, fetchOffset: String(position), maxBytes: MAX_BYTES_PER_PARTITION,
    })),
  }));
  try {
    const { responses } = await broker.fetch({
      topics, isolationLevel: ISOLATION.readCommitted, maxWaitTime: LONG_POLL_MS,
    }) as FetchResponse;
    return responses.flatMap(({ topicName, partitions }) => partitions.map((data): [Lane, FetchedBatch] => {
      const lane = lanes.find(({ topic, partition }) => topic === topicName && partition === data.partition)!;
      return [lane, new Batch(topicName, String(lane.position), data)];
    }));
  } catch (error) {
    if ((error as Error).name !== 'KafkaJSOffsetOutOfRange') throw error;
    await Promise.all(lanes.map((lane) => skipDeleted(session, lane)));
    return [];
  }
}

interface FetchResponse { responses: { topicName: string; partitions: { partition: number }[] }[] }

/** Retention passed the position: goes on at what is left. */
async function skipDeleted(session: Session, lane: Lane): Promise<void> {
  const start = (await listOffsets(session, lane.topic, true)).get(lane.partition)!;
  if (lane.position < start) lane.position = start;
}

async function deliver(lane: Lane, batch: FetchedBatch, { onRecord, signal }: ReadOptions): Promise<void> {
  const { topic, partition, end } = lane;
  for (const { offset, timestamp, key, value, headers } of batch.messages) {
    if (signal?.aborted) return;
    if (end !== null && BigInt(offset) >= end) break;
    await onRecord({
      topic, partition, offset: BigInt(offset), timestampMs: Number(timestamp), key, value, headers,
    });
  }
  if (batch.rawMessages.length > 0) lane.position = BigInt(batch.lastOffset()) + 1n;
}
