/** kafkajs as published, used as its documentation says: batches, offsets committed by the program itself. */
import { type EachBatchPayload, Kafka, type KafkaMessage, logLevel, type Message, type Producer } from 'kafkajs';
import { headersFor, readAssignment } from './assignment.ts';

const RECORDS_PER_SEND = 1_000;
const RECORDS_PER_TRANSACTION = 2_000;

const assignment = readAssignment();
const { input, output, group, isExactlyOnce, partitions, recode } = assignment;

const kafka = new Kafka({ clientId: 'kafkajs', brokers: [assignment.brokers], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: group });
const producers: Producer[] = isExactlyOnce
  ? Array.from({ length: partitions }, (_, at) =>
      kafka.producer({ transactionalId: `${group}-${at}`, idempotent: true, maxInFlightRequests: 1 }),
    )
  : [kafka.producer()];

await Promise.all(producers.map((producer) => producer.connect()));
await consumer.connect();
await consumer.subscribe({ topics: [input], fromBeginning: true });
process.once('SIGTERM', () => void stop());
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: partitions,
  eachBatch: isExactlyOnce ? workExactlyOnce : workAtLeastOnce,
});

async function workAtLeastOnce({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
  for (const chunk of chunksOf(batch.messages, RECORDS_PER_SEND)) {
    await producers[0]!.send({ topic: output, messages: chunk.map((message) => outputOf(message, batch.partition)) });
    const { offset } = chunk.at(-1)!;
    await consumer.commitOffsets([{ topic: input, partition: batch.partition, offset: after(offset) }]);
    resolveOffset(offset);
    await heartbeat();
  }
}

async function workExactlyOnce({ batch, resolveOffset, heartbeat }: EachBatchPayload): Promise<void> {
  for (const chunk of chunksOf(batch.messages, RECORDS_PER_TRANSACTION)) {
    const { offset } = chunk.at(-1)!;
    const transaction = await producers[batch.partition]!.transaction();
    await transaction.send({ topic: output, messages: chunk.map((message) => outputOf(message, batch.partition)) });
    await transaction.sendOffsets({
      consumerGroupId: group,
      topics: [{ topic: input, partitions: [{ partition: batch.partition, offset: after(offset) }] }],
    });
    await transaction.commit();
    resolveOffset(offset);
    await heartbeat();
  }
}

function outputOf({ key, value, offset, timestamp, headers }: KafkaMessage, partition: number): Message {
  const hops = Number(headers?.['saga-hops'] ?? 0);
  return { partition, key, value: recode(value!), headers: headersFor({ topic: input, partition, offset, timestamp, hops }, group) };
}

function* chunksOf(messages: KafkaMessage[], size: number): Generator<KafkaMessage[]> {
  for (let at = 0; at < messages.length; at += size) yield messages.slice(at, at + size);
}

function after(offset: string): string {
  return String(BigInt(offset) + 1n);
}

async function stop(): Promise<void> {
  await consumer.disconnect();
  await Promise.all(producers.map((producer) => producer.disconnect()));
  process.exit(0);
}
