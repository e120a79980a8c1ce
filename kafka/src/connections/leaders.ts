import { LEADER_NOT_AVAILABLE } from '../wire/error-codes.ts';
import type { ClusterMetadata, PartitionLeader, TopicMetadata } from '../wire/metadata.ts';
import { errorOf, throwUnlessOk } from '../wire/request.ts';

const UNKNOWN_TOPIC_OR_PARTITION = 3;

interface MetadataSource {
  metadata(topics: readonly string[]): Promise<ClusterMetadata>;
}

type ElectedLeader = PartitionLeader & { leader: number };

/** Which broker leads each partition of the topics that were asked about, as of the last look. */
export class Leaders {
  readonly #connections: MetadataSource;
  #topics = new Map<string, TopicMetadata>();
  readonly #wanted = new Set<string>();
  #looking: { topics: ReadonlySet<string>; done: Promise<void> } | null = null;

  constructor(connections: MetadataSource) {
    this.#connections = connections;
  }

  /** Looks unless each of the topics was seen. @throws `UNKNOWN_TOPIC_OR_PARTITION` and the like of the first that has an error */
  async ensure(topics: readonly string[]): Promise<void> {
    if (topics.every((topic) => this.topic(topic))) return;
    await this.look(topics);
    for (const topic of topics) this.expect(topic);
  }

  /** Asks again for these topics and all that were asked about before; joins a look that is under way, if it asks for them. */
  async look(topics: readonly string[] = []): Promise<void> {
    for (const topic of topics) this.#wanted.add(topic);
    while (this.#looking && !topics.every((topic) => this.#looking!.topics.has(topic))) await this.#looking.done.catch(() => undefined);
    this.#looking ??= {
      topics: new Set(this.#wanted),
      done: this.#look().finally(() => {
        this.#looking = null;
      }),
    };
    await this.#looking.done;
  }

  /** Undefined where the topic, the partition or a leader is missing. */
  leaderOf(topic: string, partition: number): ElectedLeader | undefined {
    const found = this.#topics.get(topic)?.partitions[partition];
    return found?.leader === null ? undefined : (found as ElectedLeader | undefined);
  }

  /** @throws LEADER_NOT_AVAILABLE where the topic, the partition or a leader is missing */
  expectLeader(topic: string, partition: number): ElectedLeader {
    const found = this.leaderOf(topic, partition);
    if (!found) throw errorOf(LEADER_NOT_AVAILABLE);
    return found;
  }

  /** Undefined where the topic does not exist. */
  topic(name: string): TopicMetadata | undefined {
    const found = this.#topics.get(name);
    return found?.errorCode === 0 ? found : undefined;
  }

  /** @throws what the brokers said of it, UNKNOWN_TOPIC_OR_PARTITION most often */
  expect(name: string): TopicMetadata {
    const found = this.#topics.get(name);
    throwUnlessOk(found?.errorCode ?? UNKNOWN_TOPIC_OR_PARTITION);
    return found!;
  }

  async #look(): Promise<void> {
    const { topics } = await this.#connections.metadata([...this.#wanted]);
    this.#topics = new Map(topics.map((topic) => [topic.name, sorted(topic)]));
  }
}

/** Partitions are numbered without gaps: each stands at its number. */
function sorted(topic: TopicMetadata): TopicMetadata {
  return { ...topic, partitions: topic.partitions.toSorted((a, b) => a.partition - b.partition) };
}
