import { committedPartitions, keptMetadata, KEPT_FOR_GOOD_MS, type CommittedPartition } from '@sagafleet/kafka';
import { messageOf, WorkerError } from '../errors.ts';
import type { TopicPosition } from '../driver.ts';
import type { Broker, Cluster } from './internals.ts';

/** Answers that concern this member, not the coordinator's health. */
const MEMBERSHIP_ERRORS = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'MEMBER_ID_REQUIRED'];

/** `offsets.retention.minutes`, counted from when the group has no members. */
const BROKERS_RETENTION = -1;

export interface Membership { memberId: string; generation: number }
export interface CommittedPosition extends CommittedPartition { topic: string }

/** Requests to the group's coordinator, on a connection of their own. */
export class GroupCoordinator {
  readonly #cluster: Cluster;
  readonly #group: string;
  readonly #topics: readonly string[];
  #troubleAt = -Infinity;
  #firstAnswerAt = Infinity;

  constructor(cluster: Cluster, group: string, topics: readonly string[]) {
    this.#cluster = cluster;
    this.#group = group;
    this.#topics = topics;
  }

  get troubleAgeMs(): number {
    return performance.now() - this.#troubleAt;
  }

  get knownForMs(): number {
    return Math.max(0, performance.now() - this.#firstAnswerAt);
  }

  /** Remembers that the coordinator failed, unless the error only concerns the membership. */
  noteTrouble(error: unknown): void {
    const type = (error as { type?: string } | null)?.type;
    if (!type || !MEMBERSHIP_ERRORS.includes(type)) this.#troubleAt = performance.now();
  }

  async connect(): Promise<void> {
    await this.#cluster.connect();
    await this.#cluster.addMultipleTargetTopics(this.#topics);
  }

  /** @throws WorkerError `not-a-member` where the coordinator does not accept the heartbeat. */
  async heartbeat({ memberId, generation }: Membership): Promise<void> {
    await this.#ask('the heartbeat', 'not-a-member', (broker) =>
      broker.heartbeat({ groupId: this.#group, memberId, groupGenerationId: generation }));
  }

  /** Of every partition of every input. */
  async committedOffsets(): Promise<CommittedPosition[]> {
    // A partition that is not known yet would look like one without an offset, and be read from its beginning
    await this.refresh();
    const topics = this.#topics.map((topic) => ({
      topic,
      partitions: this.#cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId })),
    }));
    const { responses } = await this.#ask('the offset read', 'broker-unavailable', (broker) =>
      broker.offsetFetch({ groupId: this.#group, topics }));
    return responses.flatMap(({ topic, partitions }) => committedPartitions(partitions).map((each) => ({ topic, ...each })));
  }

  /** Commits outside of any transaction, as a member: refused when the membership is lost. `keep`: for good. */
  async commit({ memberId, generation }: Membership, positions: readonly TopicPosition[], keep = false): Promise<void> {
    const topics = positions.map(({ topic, partition, offset }) => ({
      topic, partitions: [{ partition, offset: String(offset), ...(keep ? { metadata: keptMetadata(this.#partitionsOf(topic)) } : {}) }],
    }));
    const retentionTime = keep ? KEPT_FOR_GOOD_MS : BROKERS_RETENTION;
    await this.#ask('the offset commit', 'broker-unavailable', (broker) =>
      broker.offsetCommit({ groupId: this.#group, groupGenerationId: generation, memberId, topics, retentionTime }));
  }

  async earliestOffset(topic: string, partition: number): Promise<bigint> {
    return this.#offsetAt(topic, partition, true);
  }

  /** One past the last record, also one that is not committed. */
  async endOffset(topic: string, partition: number): Promise<bigint> {
    return this.#offsetAt(topic, partition, false);
  }

  async #offsetAt(topic: string, partition: number, fromBeginning: boolean): Promise<bigint> {
    await this.refresh();
    const [found] = await this.#cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning }]);
    return BigInt(found!.partitions[0]!.offset);
  }

  #partitionsOf(topic: string): number {
    return this.#cluster.findTopicPartitionMetadata(topic).length;
  }

  async refresh(): Promise<void> {
    await this.#cluster.refreshMetadata();
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect();
  }

  async #ask<T>(
    what: string, code: 'not-a-member' | 'broker-unavailable', request: (broker: Broker) => Promise<T>,
  ): Promise<T> {
    try {
      const answer = await request(await this.#cluster.findGroupCoordinator({ groupId: this.#group }));
      this.#firstAnswerAt = Math.min(this.#firstAnswerAt, performance.now());
      return answer;
    } catch (error) {
      this.noteTrouble(error);
      const message = `the coordinator of group ${this.#group} refused ${what}: ${messageOf(error)}`;
      throw new WorkerError(code, 'systemic', message, { cause: error });
    }
  }
}
