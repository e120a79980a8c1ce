import type { Message } from 'kafkajs';
import { createKafka, type KafkaConnection, type KafkaOptions } from './create-kafka.ts';
import { toKafkaError } from './to-kafka-error.ts';

export interface OutgoingRecord {
  topic: string;
  /** Null: any partition. */
  key: Buffer | string | null;
  value: Buffer | null;
  headers?: Record<string, Buffer | string>;
}

export interface SentRecord { partition: number; offset: bigint }

/**
 * Writes one record, to the partition that a Java client chooses for its key, and returns when all
 * in-sync replicas have it. Throws `KafkaError`.
 */
export async function sendRecord(
  connection: KafkaConnection, record: OutgoingRecord, options: KafkaOptions,
): Promise<SentRecord> {
  const { topic, key, value, headers = {} } = record;
  const producer = createKafka(connection, options)
    .producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  const messages: Message[] = [{ key, value, headers }];
  try {
    await producer.connect();
    const [sent] = await producer.send({ topic, messages });
    return { partition: sent!.partition, offset: BigInt(sent!.baseOffset!) };
  } catch (cause) {
    throw toKafkaError(cause, { what: `write to topic ${topic}`, brokers: connection.brokers });
  } finally {
    await producer.disconnect();
  }
}
