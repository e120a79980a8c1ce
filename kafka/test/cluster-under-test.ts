import { randomUUID } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { until } from '../../test/support/until.ts';
import {
  Connections,
  createKafka,
  KafkaAdmin,
  type KafkaConnection,
  type KafkaOptions,
  PartitionReader,
  type ReadBatch,
  readTopics,
  type ReadRecord,
} from '../src/index.ts';

export const connection: KafkaConnection = {
  brokers: [inject('brokers')],
  tls: false,
  sasl: null,
  clientId: 'kafka-test',
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
  // A leader is told of some milliseconds before it takes records
  await until('its partitions to have leaders', () => admin.offsets(name).catch(() => null));
  return name;
}

/** All records of a topic before its end as it is now. */
export async function readAll(topic: string): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  const onRecord = (record: ReadRecord) => {
    records.push(record);
  };
  await readTopics({ connection, ...options, topics: [topic], until: 'end', onRecord });
  return records;
}

/** A reader for the length of the test, with connections of its own; what it tells apart from batches are its `troubles`. */
export function openReader({
  kafka = client(),
  partitionBytes = 256 * 1024,
  onBatch,
}: {
  kafka?: ReturnType<typeof client>;
  partitionBytes?: number;
  onBatch(batch: ReadBatch): void;
}): { reader: PartitionReader; connections: Connections; troubles: string[] } {
  const [connections, troubles] = [new Connections(kafka), [] as string[]];
  const tell = (what: string) => (topic: string, partition: number) => {
    troubles.push(`${what}: ${topic}/${partition}`);
  };
  const reader = new PartitionReader({
    connections,
    maxBatchBytes: 64 * 1024 * 1024,
    partitionBytes: () => partitionBytes,
    events: {
      onBatch,
      onOutOfRange: tell('out of range'),
      onRecreated: tell('recreated'),
      onCorrupt: tell('corrupt'),
      onTrouble: ({ message }) => {
        troubles.push(message);
      },
    },
  });
  onTestFinished(async () => {
    reader.close();
    await connections.close();
  });
  return { reader, connections, troubles };
}

const DEADLINE_MS = 20_000;

/**
 * All committed records of a topic up to the one with the value `last`. A commit is acknowledged before
 * its marker is in the log, so what was just committed may still be behind the end of the topic.
 */
export async function readUntil(topic: string, last: string): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  const found = new AbortController();
  const onRecord = (record: ReadRecord) => {
    records.push(record);
    if (record.value?.toString() === last) found.abort();
  };
  const signal = AbortSignal.any([found.signal, AbortSignal.timeout(DEADLINE_MS)]);
  await readTopics({ connection, ...options, topics: [topic], until: 'follow', signal, onRecord });
  return records;
}

export const texts = (records: readonly ReadRecord[]) => records.map(({ value }) => value?.toString() ?? null);
