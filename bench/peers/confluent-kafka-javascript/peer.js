// @confluentinc/kafka-javascript by its interface in the manner of kafkajs.
import { parseArgs } from 'node:util';
import confluent from '@confluentinc/kafka-javascript';
import avsc from 'avsc';

const { Kafka, logLevel } = confluent.KafkaJS;

const FRAME_BYTES = 5;
const RECORDS_PER_SEND = 1_000;
const RECORDS_PER_TRANSACTION = 2_000;

const text = { type: 'string' };
const { values: told } = parseArgs({
  options: { brokers: text, input: text, output: text, group: text, mode: text, partitions: text, 'schema-id': text, schema: text },
});
const isExactlyOnce = told.mode === 'exactly-once';
const schemaId = Number(told['schema-id']);
const type = avsc.Type.forSchema(JSON.parse(told.schema));
const chunkSize = isExactlyOnce ? RECORDS_PER_TRANSACTION : RECORDS_PER_SEND;

const kafka = new Kafka({ kafkaJS: { clientId: 'confluent', brokers: [told.brokers], logLevel: logLevel.ERROR } });
const consumer = kafka.consumer({
  kafkaJS: { groupId: told.group, fromBeginning: true, autoCommit: false },
  // A chunk at a time, instead of 32 records
  'js.consumer.max.batch.size': chunkSize,
});
const producers = Array.from({ length: isExactlyOnce ? Number(told.partitions) : 1 }, (_, at) =>
  kafka.producer({ kafkaJS: isExactlyOnce ? { transactionalId: `${told.group}-${at}` } : {} }),
);

await Promise.all(producers.map((producer) => producer.connect()));
await consumer.connect();
await consumer.subscribe({ topics: [told.input] });
process.once('SIGTERM', () => process.exit(0));
await consumer.run({
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: Number(told.partitions),
  eachBatch: async ({ batch: { partition, messages }, resolveOffset }) => {
    const next = { topic: told.input, partition, offset: String(BigInt(messages.at(-1).offset) + 1n) };
    const outputs = { topic: told.output, messages: messages.map((message) => outputOf(message, partition)) };
    if (isExactlyOnce) await workExactlyOnce(producers[partition], outputs, next);
    else await workAtLeastOnce(producers[0], outputs, next);
    resolveOffset(messages.at(-1).offset);
  },
});

async function workAtLeastOnce(producer, outputs, next) {
  await producer.send(outputs);
  await consumer.commitOffsets([next]);
}

async function workExactlyOnce(producer, outputs, { topic, partition, offset }) {
  const transaction = await producer.transaction();
  await transaction.send(outputs);
  await transaction.sendOffsets({ consumer, topics: [{ topic, partitions: [{ partition, offset }] }] });
  await transaction.commit();
}

function outputOf({ key, value, offset, timestamp, headers }, partition) {
  const hops = Number(headers?.['saga-hops'] ?? 0);
  return {
    partition,
    key,
    value: recode(value),
    headers: {
      ce_specversion: '1.0',
      ce_type: 'bench.done',
      ce_source: '/sagafleet/default/bench',
      ce_id: `${told.input}/${partition}/${offset}/${timestamp}/${told.group}/done/0`,
      'saga-hops': String(hops + 1),
    },
  };
}

function recode(value) {
  if (value[0] !== 0 || value.readUInt32BE(1) !== schemaId) throw new Error('a value with another schema');
  const body = type.toBuffer(type.fromBuffer(value.subarray(FRAME_BYTES)));
  const framed = Buffer.allocUnsafe(FRAME_BYTES + body.length);
  framed[0] = 0;
  framed.writeUInt32BE(schemaId, 1);
  framed.set(body, FRAME_BYTES);
  return framed;
}
