/** The input topic that all entrants read, each with a group of its own. */
import { crc32 } from 'node:zlib';
import { partitionOf } from '@sagafleet/kafka';
import { AvroCodecs } from '@sagafleet/registry';
import type { Message } from 'kafkajs';
import { type Arena, createTopic } from './arena.ts';
import { ORDER_SCHEMA, ORDER_SUBJECT, orderAt, PAYMENT_SCHEMA, PAYMENT_SUBJECT } from './events.ts';

export const PARTITIONS = 12;

/** Records of one partition: how many, and the CRC-32 of all keys and values in their order. */
export interface Contents {
  records: number;
  digest: number;
}

export interface Input {
  topic: string;
  /** Of all orders in it. */
  schemaId: number;
  /** By partition. */
  contents: Contents[];
  records: number;
}

const RECORDS_PER_SEND = 6_000;

/** Gives an order in Confluent's wire format. */
export type EncodeOrder = (at: number) => { key: string; value: Buffer };

export async function registerSchemas(arena: Arena): Promise<{ schemaId: number; encode: EncodeOrder }> {
  await arena.registry.register(PAYMENT_SUBJECT, PAYMENT_SCHEMA);
  const { id } = await arena.registry.register(ORDER_SUBJECT, ORDER_SCHEMA);
  const encoder = await new AvroCodecs(arena.registry).loadEncoder({ kind: 'subject', subject: ORDER_SUBJECT, version: 'latest' });
  return {
    schemaId: id,
    encode: (at) => {
      const order = orderAt(at);
      return { key: order.orderId, value: encoder.encode(order) };
    },
  };
}

/** Writes `records` orders, partitioned by key as every Java client would. */
export async function writeInput(arena: Arena, records: number): Promise<Input> {
  const { schemaId, encode } = await registerSchemas(arena);
  const topic = 'bench-in';
  await createTopic(arena, topic, PARTITIONS);
  const contents = Array.from({ length: PARTITIONS }, (): Contents => ({ records: 0, digest: 0 }));
  const producer = arena.kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  for (let at = 0; at < records;) {
    const messages: Message[] = [];
    for (const end = Math.min(at + RECORDS_PER_SEND, records); at < end; at++) {
      const { key, value } = encode(at);
      const partition = partitionOf(Buffer.from(key), PARTITIONS);
      addTo(contents[partition]!, Buffer.from(key), value);
      messages.push({ key, value, partition });
    }
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
  return { topic, schemaId, contents, records };
}

export function addTo(contents: Contents, key: Buffer, value: Buffer): void {
  contents.records += 1;
  contents.digest = crc32(value, crc32(key, contents.digest));
}
