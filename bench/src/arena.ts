/** The one broker and registry of a run, and what the measurements do with them. */
import { createKafka, KafkaAdmin, type KafkaConnection, type KafkaOptions } from '@sagafleet/kafka';
import { findFreePort, startPlatform, type Environment, type Platform } from '@sagafleet/local';
import { RegistryClient } from '@sagafleet/registry';
import type { Kafka } from 'kafkajs';

const KAFKA_OPTIONS: KafkaOptions = { log: () => undefined, level: 'error' };
const REGISTRY_TIMEOUT_MS = 20_000;

export interface ArenaOptions {
  env: Environment;
  onProgress(text: string): void;
}

export interface Arena {
  platform: Platform;
  env: Environment;
  connection: KafkaConnection;
  kafka: Kafka;
  admin: KafkaAdmin;
  registry: RegistryClient;
  progress(text: string): void;
  close(): Promise<void>;
}

export async function openArena({ env, onProgress }: ArenaOptions): Promise<Arena> {
  const platform = await startPlatform({
    env,
    kafkaPort: await findFreePort(),
    registryPort: await findFreePort(),
    // The outputs of a run are dropped as soon as they are judged
    brokerProperties: { 'log.segment.delete.delay.ms': '1000' },
    onProgress,
    onCrash: (error) => onProgress(error.message),
  });
  const connection: KafkaConnection = { brokers: [platform.brokers], tls: false, sasl: null, clientId: 'bench' };
  const admin = new KafkaAdmin(connection, KAFKA_OPTIONS);
  await admin.connect();
  return {
    platform,
    env,
    connection,
    kafka: createKafka(connection, KAFKA_OPTIONS),
    admin,
    registry: new RegistryClient({ url: platform.registryUrl, timeoutMs: REGISTRY_TIMEOUT_MS }),
    progress: onProgress,
    close: async () => {
      await admin.close();
      await platform.stop();
    },
  };
}

/** A topic of its own for one measurement. */
export async function createTopic({ admin }: Arena, name: string, partitions: number): Promise<void> {
  await admin.createTopics([{ name, partitions, replicationFactor: 1, config: {} }]);
}

/** Not for a topic whose offsets `admin` was asked for: it would ask for them again, and fail. */
export async function deleteTopics({ kafka }: Arena, topics: string[]): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics });
  await admin.disconnect();
}

/** As provisioning does: a group begins at numbers. */
export async function commitStart({ admin }: Arena, group: string, topic: string): Promise<void> {
  const offsets = await admin.offsets(topic);
  await admin.commitOffsets(
    group,
    offsets.map(({ partition, earliest }) => ({ topic, partition, offset: earliest })),
  );
}
