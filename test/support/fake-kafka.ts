import type { TopicAdmin } from '@sagafleet/operator';

type NewTopic = Parameters<TopicAdmin['createTopics']>[0][number];
type Description = Awaited<ReturnType<TopicAdmin['describeTopics']>>[number];

/** As a broker reports them for a topic that sets neither. */
const BROKER_DEFAULTS = { 'max.message.bytes': '1048588', 'compression.type': 'producer' };

/** Topics without records, and offsets, as provisioning sees them. */
export class FakeKafka implements TopicAdmin {
  /** Thrown by every request while set. */
  outage: Error | null = null;
  readonly #topics = new Map<string, NewTopic>();
  readonly #committed = new Map<string, bigint>();

  async describeTopics(names: readonly string[] = [...this.#topics.keys()]): Promise<Description[]> {
    this.#answer();
    return names.flatMap((wanted) => {
      const topic = this.#topics.get(wanted);
      return topic ? [{ name: wanted, partitions: topic.partitions, replicationFactor: topic.replicationFactor }] : [];
    });
  }

  async topicConfigs(names: readonly string[]): Promise<Map<string, Record<string, string>>> {
    this.#answer();
    return new Map(names.map((name) => [name, { ...BROKER_DEFAULTS, ...this.#topics.get(name)?.config }]));
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    this.#answer();
    for (const topic of topics) if (!this.#topics.has(topic.name)) this.#topics.set(topic.name, structuredClone(topic));
  }

  async growPartitions(name: string, partitions: number): Promise<void> {
    this.#answer();
    this.#existing(name).partitions = partitions;
  }

  async alterTopicConfig(name: string, changes: Record<string, string>): Promise<void> {
    this.#answer();
    Object.assign(this.#existing(name).config, changes);
  }

  async brokerSetting(name: string): Promise<string | null> {
    this.#answer();
    return name === 'offsets.retention.minutes' ? '10080' : null;
  }

  async offsets(topic: string): ReturnType<TopicAdmin['offsets']> {
    this.#answer();
    return this.#partitions(topic).map((partition) => ({ partition, earliest: 0n, latest: 0n }));
  }

  async committedOffsets(group: string, topics: readonly string[]): ReturnType<TopicAdmin['committedOffsets']> {
    this.#answer();
    return topics.flatMap((topic) =>
      this.#partitions(topic).map((partition) => ({
        topic,
        partition,
        offset: this.#committed.get(`${group} ${topic} ${partition}`) ?? null,
        isForgotten: false,
      })),
    );
  }

  async commitOffsets(group: string, offsets: Parameters<TopicAdmin['commitOffsets']>[1]): Promise<void> {
    this.#answer();
    for (const { topic, partition, offset } of offsets) this.#committed.set(`${group} ${topic} ${partition}`, offset);
  }

  #answer(): void {
    if (this.outage) throw this.outage;
  }

  #existing(name: string): NewTopic {
    const topic = this.#topics.get(name);
    if (!topic) throw new Error(`topic ${name} does not exist`);
    return topic;
  }

  #partitions(topic: string): number[] {
    return Array.from({ length: this.#existing(topic).partitions }, (_, partition) => partition);
  }
}
