import {
  type CommittedOffset,
  commitOffsets,
  type Connections,
  coordinatorOf,
  fetchOffsets,
  type GroupMembership,
  heartbeatRequest,
  listOffsets,
  LOG_END,
  LOG_START,
  partitionsWithOffset,
} from '@sagafleet/kafka';
import { resumeGroupOf } from '@sagafleet/schemas';
import type { NotedPosition } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import { OffsetWatch } from '../membership/offset-watch.ts';
import { namedRefusal, type Rights } from './authorization.ts';

/** Answers that concern this member, not the coordinator's health. */
const MEMBERSHIP_ERRORS = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'MEMBER_ID_REQUIRED'];

/** Requests to the group's coordinator and for offsets, on connections that no long poll and no write holds up. */
export class GroupCoordinator {
  readonly #connections: Connections;
  readonly #group: string;
  readonly #topics: readonly string[];
  readonly #rights: Rights;
  readonly #watch = new OffsetWatch(() => performance.now());
  readonly #withOffset = new Map<string, number>();
  #troubleAt = -Infinity;
  #firstAnswerAt = Infinity;

  /** `principal`: who connects, as ACLs name it */
  constructor(connections: Connections, group: string, topics: readonly string[], principal = 'the user that connects') {
    this.#connections = connections;
    this.#group = group;
    this.#topics = topics;
    const operations = ['READ', 'DESCRIBE'] as const;
    this.#rights = { principal, needed: { group: { operations, names: [group] }, topic: { operations, names: topics } } };
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
    if (type && MEMBERSHIP_ERRORS.includes(type)) return;
    this.#troubleAt = performance.now();
    this.#watch.forget();
  }

  /** @throws WorkerError `not-a-member` where the coordinator does not accept the heartbeat. */
  async heartbeat({ memberId, generation }: GroupMembership): Promise<void> {
    await this.#ask('the heartbeat', 'not-a-member', async () => {
      const request = heartbeatRequest({ groupId: this.#group, memberId, groupGenerationId: generation });
      return this.#connections.send(await coordinatorOf(this.#connections, this.#group), request);
    });
  }

  /** Of every partition of every input; unstable where a transaction that has not ended moves it. */
  async committedOffsets(): Promise<CommittedOffset[]> {
    const committed = await this.#ask('the offset read', 'broker-unavailable', () =>
      fetchOffsets(this.#connections, this.#group, { topics: this.#topics, isStable: true }),
    );
    this.#watch.note(committed);
    for (const topic of this.#topics) {
      const count = partitionsWithOffset(committed.filter((each) => each.topic === topic));
      this.#withOffset.set(topic, Math.max(count, this.partitionsWithOffset(topic)));
    }
    return committed;
  }

  async resumedFrom(task: number): Promise<Map<string, bigint>> {
    // Of another group: what is wrong with its coordinator says nothing about ours
    const resumed = await fetchOffsets(this.#connections, resumeGroupOf(this.#group), { topics: this.#topics, isStable: false });
    return new Map(resumed.flatMap(({ topic, partition, offset }) => (partition === task && offset !== null ? [[topic, offset]] : [])));
  }

  /** How many partitions of the topic had an offset, from the first on, when they were read. */
  partitionsWithOffset(topic: string): number {
    return this.#withOffset.get(topic) ?? 0;
  }

  offsetUnchangedForMs(topic: string, partition: number, offset: bigint | null): number {
    return this.#watch.unchangedForMs(topic, partition, offset);
  }

  /** Commits outside of any transaction, as a member: refused when the membership is lost. `keep`: for good. */
  async commit(membership: GroupMembership, positions: readonly NotedPosition[], keep = false): Promise<void> {
    await this.#ask('the offset commit', 'broker-unavailable', () =>
      commitOffsets(this.#connections, this.#group, { membership, positions, keep }),
    );
  }

  async earliestOffset(topic: string, partition: number): Promise<bigint> {
    return this.#offsetAt(topic, partition, LOG_START);
  }

  /** One past the last record, also one that is not committed. */
  async endOffset(topic: string, partition: number): Promise<bigint> {
    return this.#offsetAt(topic, partition, LOG_END);
  }

  async #offsetAt(topic: string, partition: number, time: bigint): Promise<bigint> {
    return (await listOffsets(this.#connections, topic, { time, isCommitted: false, partitions: [partition] })).get(partition)!;
  }

  async #ask<T>(what: string, code: 'not-a-member' | 'broker-unavailable', request: () => Promise<T>): Promise<T> {
    try {
      const answer = await request();
      this.#firstAnswerAt = Math.min(this.#firstAnswerAt, performance.now());
      return answer;
    } catch (error) {
      this.noteTrouble(error);
      const refusal = namedRefusal(error, `make ${what} of group ${this.#group}`, this.#rights);
      if (refusal !== error) throw refusal;
      const message = `the coordinator of group ${this.#group} refused ${what}: ${messageOf(error)}`;
      throw new WorkerError(code, 'systemic', message, { cause: error });
    }
  }
}
