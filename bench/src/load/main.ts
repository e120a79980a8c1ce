/** Writes orders at a steady rate until it is ended: main.ts BROKERS REGISTRY TOPIC PARTITIONS RECORDS-PER-SECOND */
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafka } from '@sagafleet/kafka';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import type { Message } from 'kafkajs';
import { ORDER_SUBJECT, orderAt } from '../events.ts';

const TICK_MS = 20;
/** What could not be sent in time is caught up with in sends of no more than this. */
const MAX_RECORDS_PER_SEND = 10_000;
const DIFFERENT_ORDERS = 12_000;

const [brokers, url, topic, partitions, recordsPerSecond] = process.argv.slice(2) as [string, string, string, string, string];

const codecs = new AvroCodecs(new RegistryClient({ url }));
const encoder = await codecs.loadEncoder({ kind: 'subject', subject: ORDER_SUBJECT, version: 'latest' });
const orders = Array.from({ length: DIFFERENT_ORDERS }, (_, at): Message => {
  const order = orderAt(at);
  return { key: order.orderId, value: encoder.encode(order), partition: at % Number(partitions) };
});

const connection = { brokers: [brokers], tls: false, sasl: null, clientId: 'bench-load' };
const producer = createKafka(connection, { log: () => undefined, level: 'error' }).producer({ allowAutoTopicCreation: false });
await producer.connect();
process.once('SIGTERM', () => process.exit(0));

const startedAt = performance.now();
for (let sent = 0; ; await sleep(TICK_MS)) {
  const due = Math.floor(((performance.now() - startedAt) / 1_000) * Number(recordsPerSecond)) - sent;
  const messages = Array.from({ length: Math.min(due, MAX_RECORDS_PER_SEND) }, (_, at) => orders[(sent + at) % DIFFERENT_ORDERS]!);
  if (messages.length > 0) await producer.send({ topic, messages });
  sent += messages.length;
}
