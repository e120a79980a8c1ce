import { randomUUID } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { createKafka, KafkaAdmin, type KafkaConnection, type KafkaOptions, readTopics, type ReadRecord } from '../src/index.ts';

export const connection: KafkaConnection = {
  brokers: [inject('brokers')], tls: false, sasl: null, clientId: 'kafka-test',
};

export const options: KafkaOptions = { log: () => {}, patienceMs: 15_000 };

export const client = () => createKafka(connection, options);

export const uniqueName = (what: string) => `${what}-${randomUUID().slice(0, 8)}`;

/** An admin for the length of the test. */
export async function connectAdmin(settleMs = 0): Promise<KafkaAdmin> {
  const admin = new KafkaAdmin(connection, { ...options, settleMs });
  await admin.connect();
  onTestFinished(() => admin.close());
  return admin;
}

/** A topic of one's own; returns its name. */
export async function createTopic(partitions = 1, config: Record<string, string> = {}): Promise<string> {
  const name = uniqueName('topic');
  const admin = await connectAdmin();
  await admin.createTopics([{ name, partitions, replicationFactor: 1, config }]);
  return name;
}

/** All committed records of a topic, as they are now. */
export async function readAll(topic: string): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  const onRecord = (record: ReadRecord) => { records.push(record); };
  await readTopics({ connection, ...options, topics: [topic], until: 'end', onRecord });
  return records;
}

export const texts = (records: readonly ReadRecord[]) => records.map(({ value }) => value?.toString() ?? null);
