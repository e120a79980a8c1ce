/** @platformatic/kafka: one stream of messages, worked in chunks; exactly once with one transactional producer. */
import { Consumer, type Message, type MessageToProduce, MessagesStreamModes, Producer, stringSerializer } from '@platformatic/kafka';
import { headersFor, readAssignment } from './assignment.ts';

const RECORDS_PER_SEND = 1_000;
const RECORDS_PER_TRANSACTION = 2_000;
const READ_COMMITTED = 1;

type Output = MessageToProduce<Buffer, Buffer, string, string>;

const assignment = readAssignment();
const { input, output, group, isExactlyOnce, recode } = assignment;
const chunkSize = isExactlyOnce ? RECORDS_PER_TRANSACTION : RECORDS_PER_SEND;

const client = { clientId: 'platformatic', bootstrapBrokers: [assignment.brokers] };
const consumer = new Consumer({ ...client, groupId: group, autocommit: false, isolationLevel: READ_COMMITTED });
const producer = new Producer<Buffer, Buffer, string, string>({
  ...client,
  ...(isExactlyOnce ? { transactionalId: group, idempotent: true } : {}),
  serializers: { headerKey: stringSerializer, headerValue: stringSerializer },
});
const stream = await consumer.consume({ topics: [input], mode: MessagesStreamModes.COMMITTED, highWaterMark: 2 * chunkSize });
process.once('SIGTERM', () => process.exit(0));

let chunk: Message[] = [];
for await (const message of stream) {
  chunk.push(message);
  if (chunk.length < chunkSize && stream.readableLength > 0) continue;
  await (isExactlyOnce ? workExactlyOnce(chunk) : workAtLeastOnce(chunk));
  chunk = [];
}

async function workAtLeastOnce(messages: Message[]): Promise<void> {
  await producer.send({ messages: messages.map(outputOf) });
  await consumer.commit({
    offsets: lastOfPartitions(messages).map(({ topic, partition, offset, leaderEpoch }) => ({
      topic,
      partition,
      offset: offset + 1n,
      leaderEpoch,
    })),
  });
}

async function workExactlyOnce(messages: Message[]): Promise<void> {
  const transaction = await producer.beginTransaction();
  await transaction.send({ messages: messages.map(outputOf) });
  await transaction.addConsumer(consumer);
  for (const message of lastOfPartitions(messages)) await transaction.addOffset(message);
  await transaction.commit();
}

function outputOf({ topic, partition, offset, timestamp, key, value, headerEntries }: Message): Output {
  const hops = Number(headerEntries.find(([name]) => name.toString() === 'saga-hops')?.[1] ?? 0);
  const source = { topic, partition, offset: String(offset), timestamp: String(timestamp), hops };
  return { topic: output, partition, key, value: recode(value), headers: headersFor(source, group) };
}

function lastOfPartitions(messages: Message[]): Message[] {
  return [...new Map(messages.map((message) => [message.partition, message])).values()];
}
