import { setTimeout as delay } from 'node:timers/promises';
import {
  type CommittedOffset,
  commitOffsets,
  fetchOffsets,
  type NotedOffset,
  type PartitionOffsets,
  topicOffsets,
} from '../group/group-offsets.ts';
import { ISOLATION } from '../kafkajs/cluster.ts';
import type { KafkaConnection, KafkaOptions } from '../kafkajs/create-kafka.ts';
import { Session } from '../kafkajs/session.ts';
import type { NeededAcls } from '../refusals/missing-acl.ts';
import {
  alterTopicConfig,
  createTopic,
  describeTopics,
  growPartitions,
  type NewTopic,
  topicConfig,
  type TopicDescription,
} from '../topics/topics.ts';
import { NO_MEMBER } from '../wire/group.ts';
import { brokerSetting } from './broker-settings.ts';

/** Kafka 4.3 was seen to deny committed offsets, without an error, for 3 s after a broker's start. */
const COORDINATOR_SETTLES_MS = 3_500;

/**
 * Topics, their settings and the offsets of groups. Every method throws `KafkaError` and waits out a
 * broker that is away for up to `patienceMs`.
 */
export class KafkaAdmin {
  readonly #session: Session;
  readonly #settleMs: number;
  /** Topics that were created here, with the groups that got offsets on them since. */
  readonly #fresh = new Map<string, Set<string>>();

  constructor(connection: KafkaConnection, options: KafkaOptions & { settleMs?: number }) {
    this.#session = new Session(connection, options, ISOLATION.readUncommitted);
    this.#settleMs = options.settleMs ?? COORDINATOR_SETTLES_MS;
  }

  connect(): Promise<void> {
    return this.#session.connect();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** All topics but internal ones, or those of `names` that exist. */
  describeTopics(names?: readonly string[]): Promise<TopicDescription[]> {
    return describeTopics(this.#session, names);
  }

  /** By topic: what was set for the topic itself, and the `max.message.bytes` and `compression.type` that hold for it. */
  async topicConfigs(names: readonly string[]): Promise<Map<string, Record<string, string>>> {
    const configs = await Promise.all(names.map((name) => topicConfig(this.#session, name)));
    return new Map(names.map((name, at) => [name, configs[at]!]));
  }

  /** Those that are there already stay as they are. Returns when every new partition has a leader. */
  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    await Promise.all(
      topics.map(async (topic) => {
        if (await createTopic(this.#session, topic)) this.#fresh.set(topic.name, new Set());
      }),
    );
  }

  growPartitions(name: string, partitions: number): Promise<void> {
    return growPartitions(this.#session, name, partitions);
  }

  alterTopicConfig(name: string, changes: Record<string, string>): Promise<void> {
    return alterTopicConfig(this.#session, name, changes);
  }

  /** What brokers are set to, by one of them; null where it knows no such setting. */
  brokerSetting(name: string): Promise<string | null> {
    return brokerSetting(this.#session, name);
  }

  /** `latest` is the high watermark, records of open transactions included. */
  offsets(topic: string): Promise<PartitionOffsets[]> {
    const needed: NeededAcls = { topic: { operations: ['DESCRIBE'], names: [topic] } };
    return this.#session.run(`read the offsets of topic ${topic}`, needed, () => topicOffsets(this.#session.connections, topic));
  }

  /**
   * What `group` committed. "None" makes a caller start the group anew, and a coordinator that has just
   * started may say it of a group that has offsets; so it is believed when it is said twice, or at once
   * of a topic that this object created and gave the group no offsets on.
   */
  async committedOffsets(group: string, topics: readonly string[]): Promise<CommittedOffset[]> {
    const needed: NeededAcls = { group: { operations: ['DESCRIBE'], names: [group] }, topic: { operations: ['DESCRIBE'], names: topics } };
    const ask = () =>
      this.#session.run(`read the offsets of group ${group}`, needed, () =>
        fetchOffsets(this.#session.connections, group, { topics, isStable: false }),
      );
    const first = await ask();
    const isCertain = ({ topic, offset }: CommittedOffset) => offset !== null || this.#fresh.get(topic)?.has(group) === false;
    if (first.every(isCertain)) return first;
    await delay(this.#settleMs);
    return ask();
  }

  /** Of all topics, what `group` committed with a note. */
  async notedOffsets(group: string): Promise<CommittedOffset[]> {
    const topics = (await this.describeTopics()).map(({ name }) => name);
    const needed: NeededAcls = { group: { operations: ['DESCRIBE'], names: [group] } };
    const committed = await this.#session.run(`read the offsets of group ${group}`, needed, () =>
      fetchOffsets(this.#session.connections, group, { topics, isStable: false }),
    );
    return committed.filter(({ note }) => note !== null);
  }

  /** Sets offsets of a group that has no members; `group-in-use` when it has some. */
  async commitOffsets(group: string, offsets: readonly NotedOffset[]): Promise<void> {
    const topics = [...new Set(offsets.map(({ topic }) => topic))];
    const needed: NeededAcls = { group: { operations: ['READ'], names: [group] }, topic: { operations: ['READ'], names: topics } };
    await this.#session.run(`set the offsets of group ${group}`, needed, () =>
      commitOffsets(this.#session.connections, group, { membership: NO_MEMBER, positions: offsets, keep: true }),
    );
    for (const { topic } of offsets) this.#fresh.get(topic)?.add(group);
  }
}
