import { KafkaError } from '../errors.ts';
import { ISOLATION } from '../kafkajs/cluster.ts';
import type { KafkaConnection, KafkaOptions } from '../kafkajs/create-kafka.ts';
import { Session } from '../kafkajs/session.ts';
import { BatchesRefused, BatchProducer, ProduceError } from '../produce/batch-producer.ts';
import { RecordBatchBuilder } from '../produce/record-batch.ts';
import type { NeededAcls } from '../refusals/missing-acl.ts';
import { partitionOf } from './partition-of.ts';

export interface OutgoingRecord {
  topic: string;
  /** Null: any partition. */
  key: Buffer | string | null;
  value: Buffer | null;
  headers?: Record<string, Buffer | string>;
}

export interface SentRecord {
  partition: number;
  offset: bigint;
}

/**
 * Writes one record, to the partition that a Java client chooses for its key, and returns when all
 * in-sync replicas have it. Throws `KafkaError`.
 */
export async function sendRecord(connection: KafkaConnection, record: OutgoingRecord, options: KafkaOptions): Promise<SentRecord> {
  const session = new Session(connection, options, ISOLATION.readUncommitted);
  try {
    const needed: NeededAcls = {
      topic: { operations: ['WRITE', 'DESCRIBE'], names: [record.topic] },
      cluster: { operations: ['IDEMPOTENT_WRITE'] },
    };
    return await session.run(`write to topic ${record.topic}`, needed, () => sendOnce(session, record));
  } finally {
    await session.close();
  }
}

/** A producer of its own each time: one that failed is spoilt. */
async function sendOnce({ connections }: Session, { topic, key, value, headers = {} }: OutgoingRecord): Promise<SentRecord> {
  await connections.leaders.ensure([topic]);
  const producer = await BatchProducer.openIdempotent(connections);
  const partitions = connections.leaders.topic(topic)!.partitions.length;
  const keyBytes = key === null ? null : Buffer.from(key as Buffer);
  const partition = keyBytes ? partitionOf(keyBytes, partitions) : Math.floor(Math.random() * partitions);
  const records = RecordBatchBuilder.of([{ key: keyBytes, value, constantHeaders: [], headers: Object.entries(headers) }]);
  try {
    const [sent] = await producer.send([{ topic, partition, records }]);
    return { partition, offset: sent!.baseOffset };
  } catch (error) {
    // What a broker refuses is not written; without its answer nobody knows, and another try could write it twice
    if (error instanceof ProduceError || error instanceof BatchesRefused) throw error;
    throw new KafkaError(
      'refused',
      `the broker of ${topic}/${partition} did not answer: look whether the record is there before you send it again`,
      { cause: error },
    );
  }
}
