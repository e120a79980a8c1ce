/** Which leaders are moved where, and the request that moves them. Pure. */
import type { Random } from './random.ts';

export interface PartitionReplicas {
  topic: string;
  partition: number;
  leader: number;
  replicas: readonly number[];
  inSync: readonly number[];
}
/** The first of the replicas is to lead. */
export interface Election {
  topic: string;
  partition: number;
  replicas: number[];
}

/** Another leader for each partition that can have one: a replica that is in sync. */
export function planElections(partitions: readonly PartitionReplicas[], random: Random): Election[] {
  return partitions.flatMap(({ topic, partition, leader, replicas, inSync }) => {
    const others = replicas.filter((replica) => replica !== leader && inSync.includes(replica));
    if (others.length === 0) return [];
    const next = random.pick(others);
    return [{ topic, partition, replicas: [next, ...replicas.filter((replica) => replica !== next)] }];
  });
}

/** How many lead that were to lead. */
export function countMoved(
  elections: readonly Election[],
  partitions: readonly Pick<PartitionReplicas, 'topic' | 'partition' | 'leader'>[],
): number {
  const leaders = new Map(partitions.map(({ topic, partition, leader }) => [`${topic}/${partition}`, leader]));
  return elections.filter(({ topic, partition, replicas }) => leaders.get(`${topic}/${partition}`) === replicas[0]).length;
}

/** As requests of Kafka's protocol name partitions. */
export function byTopic<T extends { topic: string }>(each: readonly T[]): [topic: string, its: T[]][] {
  return [...Map.groupBy(each, ({ topic }) => topic)];
}

const PREFERRED = 0;

/** The body of ElectLeaders, version 1 (KIP-460): the first of a partition's replicas is to lead it. */
export function electLeadersBody(elections: readonly Election[], timeoutMs: number): Buffer {
  const topics = byTopic(elections).map(([topic, its]) => [
    text(topic),
    int32(its.length),
    ...its.map(({ partition }) => int32(partition)),
  ]);
  return Buffer.concat([Buffer.of(PREFERRED), int32(topics.length), ...topics.flat(), int32(timeoutMs)]);
}

/** Behind the throttle time; the error of the request as a whole, each partition has one of its own behind it. */
export function electLeadersError(answer: Buffer): number {
  return answer.readInt16BE(4);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeInt16BE(Buffer.byteLength(value));
  return Buffer.concat([length, Buffer.from(value)]);
}
