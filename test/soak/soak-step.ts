import { createKafka, KafkaAdmin, type KafkaConnection } from '@sagafleet/kafka';
import { findFreePort, type Platform, startPlatform } from '@sagafleet/local';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import type { Kafka, Message, Producer } from 'kafkajs';
import { DELIVERY, settingsFor } from '../support/settings.ts';
import { WatchedWorker } from './watched-worker.ts';

const PARTITIONS = 12;
const SESSION_TIMEOUT_MS = 10_000;
const REGISTRY_TIMEOUT_MS = 20_000;
const MIB = 1024 * 1024;
/** Records are deleted soon after they were read: 24 partitions of at most three segments each. */
const SMALL = { 'segment.bytes': String(8 * MIB), 'retention.bytes': String(8 * MIB) };
const DELETING_SOON = { 'log.retention.check.interval.ms': '2000', 'log.segment.delete.delay.ms': '1000' };

const EVENT_SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Event',
  namespace: 'soak',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'customer', type: 'string' },
    { name: 'sequence', type: 'long' },
    { name: 'amount', type: 'double' },
  ],
});
const EVENTS = 500;

export async function startSoakPlatform(onNote: (text: string) => void): Promise<Platform> {
  return startPlatform({
    env: process.env,
    kafkaPort: await findFreePort(),
    registryPort: await findFreePort(),
    brokerProperties: DELETING_SOON,
    onProgress: onNote,
    onCrash: ({ message }) => onNote(message),
  });
}

/** A step that passes events on, with topics of its own, and its one worker in view. */
export class SoakStep {
  readonly worker: WatchedWorker;
  readonly kafka: Kafka;
  readonly group: string;
  readonly input: string;
  readonly #admin: KafkaAdmin;
  readonly #producer: Producer;
  /** The same ones again and again, for every partition. */
  readonly #records: Message[];
  #sent = 0;
  /** Of committed offsets: markers of transactions take none in an input that is written without. */
  #worked = 0;

  private constructor(parts: {
    name: string;
    worker: WatchedWorker;
    kafka: Kafka;
    admin: KafkaAdmin;
    producer: Producer;
    values: Buffer[];
  }) {
    const { name, worker, kafka, admin, producer, values } = parts;
    this.worker = worker;
    this.kafka = kafka;
    this.group = `default.${name}`;
    this.input = `${name}-in`;
    this.#admin = admin;
    this.#producer = producer;
    this.#records = values.map((value, at) => ({ key: `key-${at}`, value }));
  }

  static async start(platform: Platform, name: string): Promise<SoakStep> {
    const brokers = platform.brokers.split(',');
    const connection: KafkaConnection = { brokers, tls: false, sasl: null, clientId: 'soak' };
    const kafka = createKafka(connection, { log: () => {}, level: 'error' });
    const admin = new KafkaAdmin(connection, { log: () => {} });
    await admin.connect();
    const settings = settingsFor(
      name,
      { brokers, registryUrl: platform.registryUrl },
      {
        delivery: { ...DELIVERY, timeoutMs: 60_000 },
        kafka: { brokers, tls: false, sasl: null, sessionTimeoutMs: SESSION_TIMEOUT_MS },
      },
    );
    const [input, output] = [`${name}-in`, `${name}-out`];
    await admin.createTopics(
      [input, output, settings.deadLetterTopic].map((topic) => ({
        name: topic,
        partitions: PARTITIONS,
        replicationFactor: 1,
        config: SMALL,
      })),
    );
    await admin.commitOffsets(
      settings.group,
      [...Array(PARTITIONS).keys()].map((partition) => ({ topic: input, partition, offset: 0n })),
    );
    const values = await encodedEvents(platform.registryUrl, [input, output]);
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
    await producer.connect();
    const worker = await WatchedWorker.start(platform, settings);
    return new SoakStep({ name, worker, kafka, admin, producer, values });
  }

  /** Records in the input that the group has not worked yet. */
  get backlog(): number {
    return this.#sent - this.#worked;
  }

  get sent(): number {
    return this.#sent;
  }

  get worked(): number {
    return this.#worked;
  }

  /** As many records to each partition, at most 500. */
  async send(perPartition: number): Promise<void> {
    const records = this.#records.slice(0, perPartition);
    const messages = [...Array(PARTITIONS).keys()].flatMap((partition) => records.map((record) => ({ ...record, partition })));
    await this.#producer.send({ topic: this.input, messages });
    this.#sent += records.length * PARTITIONS;
  }

  /** Asks how far the group is. */
  async refresh(): Promise<void> {
    const committed = await this.#admin.committedOffsets(this.group, [this.input]);
    this.#worked = committed.reduce((sum, { offset }) => sum + Number(offset), 0);
  }

  async stop(): Promise<void> {
    await this.worker.stop();
    await this.#producer.disconnect();
    await this.#admin.close();
  }
}

async function encodedEvents(registryUrl: string, topics: readonly string[]): Promise<Buffer[]> {
  const registry = new RegistryClient({ url: registryUrl, timeoutMs: REGISTRY_TIMEOUT_MS });
  const subjects = topics.map((topic) => `${topic}-value`);
  for (const subject of subjects) await registry.register(subject, EVENT_SCHEMA);
  const encoder = await new AvroCodecs(registry).loadEncoder({ kind: 'subject', subject: subjects[0]!, version: 'latest' });
  return Array.from({ length: EVENTS }, (_, at) =>
    encoder.encode({
      id: `event-${String(at).padStart(32, '0')}`,
      customer: `customer-${String(at).padStart(24, '0')}`,
      sequence: BigInt(at),
      amount: at / 100,
    }),
  );
}
