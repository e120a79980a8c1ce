import { setTimeout as delay } from 'node:timers/promises';
import type { ConfigEntries, PartitionMetadata } from 'kafkajs';
import { KafkaError } from '../errors.ts';
import { ConfigResourceTypes, ConfigSource } from '../kafkajs/kafkajs.ts';
import type { Session } from '../kafkajs/session.ts';
import type { AclOperation, NeededAcls } from '../refusals/missing-acl.ts';

export interface TopicDescription {
  name: string;
  partitions: number;
  replicationFactor: number;
}

export interface NewTopic {
  name: string;
  partitions: number;
  replicationFactor: number;
  config: Record<string, string>;
}

/** Names of topics that a cluster keeps for itself begin so. */
const INTERNAL_PREFIX = '__';

/** How long brokers may take to do what the controller acknowledged. */
const BROKERS_LEARN_MS = 15_000;
const POLL_MS = 50;

function onTopic(operation: AclOperation, name: string): NeededAcls {
  return { topic: { operations: [operation], names: [name] } };
}

/** Without `names` all but internal topics; with them those that exist. */
export async function describeTopics(session: Session, names?: readonly string[]): Promise<TopicDescription[]> {
  const found = names
    ? await Promise.all(names.map((name) => describeTopic(session, name)))
    : (await allTopics(session)).filter(({ name }) => !name.startsWith(INTERNAL_PREFIX));
  return found.filter((topic) => topic !== null);
}

function allTopics(session: Session): Promise<TopicDescription[]> {
  return session.run('list topics', {}, async () => {
    const { topicMetadata } = await (await session.broker()).metadata([]);
    return topicMetadata.map(({ topic, partitionMetadata }) => toDescription(topic, partitionMetadata));
  });
}

async function describeTopic(session: Session, name: string): Promise<TopicDescription | null> {
  try {
    return await session.run(`describe topic ${name}`, onTopic('DESCRIBE', name), async () => {
      const { topicMetadata } = await (await session.broker()).metadata([name]);
      return toDescription(name, topicMetadata[0]?.partitionMetadata ?? []);
    });
  } catch (error) {
    if ((error as KafkaError).code === 'unknown-topic') return null;
    throw error;
  }
}

function toDescription(name: string, partitions: PartitionMetadata[]): TopicDescription {
  return { name, partitions: partitions.length, replicationFactor: partitions[0]?.replicas.length ?? 0 };
}

/** Settings that are shown wherever they were set: what a topic takes follows from them. */
const EFFECTIVE: readonly string[] = ['max.message.bytes', 'compression.type'];

/** What was set for the topic itself, and the size and compression of batches that hold for it wherever they were set. */
export async function topicConfig(session: Session, name: string): Promise<Record<string, string>> {
  const entries = await describeConfig(session, name);
  return toSettings(entries.filter((entry) => isOwn(entry) || EFFECTIVE.includes(entry.configName)));
}

/**
 * Sets `changes` and keeps what else was set: kafkajs has no IncrementalAlterConfigs (KIP-339), and
 * AlterConfigs puts every setting that it is not given back to its default. Returns when a broker
 * shows the change: it learns of it after the controller acknowledged it, and the next change would
 * be merged into the old settings.
 */
export async function alterTopicConfig(session: Session, name: string, changes: Record<string, string>): Promise<void> {
  const merged = { ...(await ownSettings(session, name)), ...changes };
  const configEntries = Object.entries(merged).map(([key, value]) => ({ name: key, value }));
  await session.run(`change the settings of topic ${name}`, onTopic('ALTER_CONFIGS', name), () =>
    session.admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }],
    }),
  );
  await waitUntil(`topic ${name} does not show its new settings`, async () => {
    const now = await ownSettings(session, name);
    return Object.entries(changes).every(([key, value]) => now[key] === value);
  });
}

async function ownSettings(session: Session, name: string): Promise<Record<string, string>> {
  return toSettings((await describeConfig(session, name)).filter(isOwn));
}

function describeConfig(session: Session, name: string): Promise<ConfigEntries[]> {
  return session.run(`read the settings of topic ${name}`, onTopic('DESCRIBE_CONFIGS', name), async () => {
    const { resources } = await session.admin.describeConfigs({
      resources: [{ type: ConfigResourceTypes.TOPIC, name }],
      includeSynonyms: false,
    });
    return resources[0]!.configEntries;
  });
}

const isOwn = ({ configSource }: ConfigEntries) => configSource === ConfigSource.TOPIC_CONFIG;

function toSettings(entries: readonly ConfigEntries[]): Record<string, string> {
  return Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
}

/** Creates one topic and waits for its leaders; false when it was there before. */
export async function createTopic(session: Session, topic: NewTopic): Promise<boolean> {
  const { name, partitions, replicationFactor, config } = topic;
  const settings = Object.entries(config)
    .map(([key, value]) => `, ${key}=${value}`)
    .join('');
  const what = `create topic ${name} (partitions=${partitions}, replicationFactor=${replicationFactor}${settings})`;
  const isNew = await session.run(what, onTopic('CREATE', name), () =>
    session.admin.createTopics({
      waitForLeaders: false,
      topics: [
        {
          topic: name,
          numPartitions: partitions,
          replicationFactor,
          configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
        },
      ],
    }),
  );
  if (isNew) await waitForLeaders(session, name, partitions);
  return isNew;
}

/** Grows a topic to `partitions` and waits for their leaders; a topic that has as many or more stays as it is. */
export async function growPartitions(session: Session, name: string, partitions: number): Promise<void> {
  const [topic] = await describeTopics(session, [name]);
  if (topic && topic.partitions >= partitions) return;
  await session.run(`grow topic ${name} to ${partitions} partitions`, onTopic('ALTER', name), () =>
    session.admin.createPartitions({ topicPartitions: [{ topic: name, count: partitions }] }),
  );
  await waitForLeaders(session, name, partitions);
}

async function waitForLeaders(session: Session, name: string, partitions: number): Promise<void> {
  await waitUntil(`topic ${name} was created and has no leader`, async () => {
    const [topic] = await describeTopics(session, [name]);
    return topic !== undefined && topic.partitions >= partitions;
  });
}

async function waitUntil(failure: string, isDone: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + BROKERS_LEARN_MS;
  while (!(await isDone())) {
    if (Date.now() >= deadline) {
      throw new KafkaError('unavailable', `${failure} after ${BROKERS_LEARN_MS} ms, look at the brokers`);
    }
    await delay(POLL_MS);
  }
}
