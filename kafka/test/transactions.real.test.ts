import type { Kafka, Producer, Transaction } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { client, connection, createTopic, openReader, readUntil, texts, uniqueName } from './cluster-under-test.ts';
import { privateCopy } from './private-copy.ts';

async function connectProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({ transactionalId: uniqueName('producer'), idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  return producer;
}

/**
 * Transactions that overlap on one partition and end in another order than they began; `x` values are
 * aborted. Aborted records stand first, between and last, one with the key of an abort marker.
 */
async function writeInterleaved(topic: string): Promise<string[]> {
  const committed: string[] = [];
  for (let round = 0; round < 5; round++) {
    const producers = await Promise.all([0, 1, 2, 3].map(() => connectProducer(client())));
    const transactions: Transaction[] = await Promise.all(producers.map((producer) => producer.transaction()));
    const send = (at: number, value: string, key: Buffer | null = null) => transactions[at]!.send({ topic, messages: [{ key, value }] });
    await send(0, 'x');
    await send(1, 'x', Buffer.from([0, 0, 0, 0]));
    await send(2, `a${round}`);
    await send(1, 'x');
    await transactions[1]!.abort();
    await send(0, 'x');
    await send(3, `b${round}`);
    await transactions[2]!.commit();
    await send(0, 'x');
    await transactions[3]!.commit();
    await transactions[0]!.abort();
    committed.push(`a${round}`, `b${round}`);
  }
  return committed;
}

/** What a read-committed consumer of kafkajs as published shows up to the record `end`. */
async function readWithStock(topic: string): Promise<(string | undefined)[]> {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  const consumer = new Kafka({ ...connection, ssl: false, logLevel: logLevel.NOTHING } as never).consumer({ groupId: uniqueName('group') });
  const values: (string | undefined)[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ message }) => {
          values.push(message.value?.toString());
          if (values.at(-1) === 'end') resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return values;
}

/** What the reader of a member shows up to the record `end`, a few records a fetch. */
async function readAsMember(topic: string): Promise<string[]> {
  const values: string[] = [];
  const { reader } = openReader({
    partitionBytes: 300,
    onBatch: ({ records }) => values.push(...records.map(({ value }) => String(value))),
  });
  reader.seek(topic, 0, 0n);
  reader.resume(topic, 0);
  await expect.poll(() => values.at(-1), { timeout: 10_000 }).toBe('end');
  return values;
}

test('aborted records of interleaved transactions are not shown, kafkajs as published shows some', async () => {
  const topic = await createTopic();
  const committed = [...(await writeInterleaved(topic)), 'end'];
  const last = await (await connectProducer(client())).transaction();
  await last.send({ topic, messages: [{ value: 'end' }] });
  await last.commit();

  expect(texts(await readUntil(topic, 'end'))).toEqual(committed);
  expect(await readAsMember(topic)).toEqual(committed);
  expect(await readWithStock(topic)).toContain('x');
});
