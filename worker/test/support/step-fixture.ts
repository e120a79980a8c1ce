import { createKafka, KafkaAdmin, readTopics, type KafkaConnection, type ReadRecord } from '@sagafleet/kafka';
import { AvroCodecs, RegistryClient, schemaIdOf } from '@sagafleet/registry';
import type { WorkerSettings } from '@sagafleet/schemas';
import type { Admin, Kafka, Message } from 'kafkajs';
import { inject, onTestFailed, onTestFinished } from 'vitest';
import { settingsFor } from '../../../test/support/settings.ts';
import { until } from '../../../test/support/until.ts';
import { WorkerProcess } from '../../../test/support/worker-process.ts';

/** The event of these tests. */
export const EVENT_SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Event',
  namespace: 'test',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'long' },
    { name: 'note', type: 'string', default: '' },
  ],
});

export interface FixtureOptions {
  partitions?: number;
  outputPartitions?: number;
  /** Topic settings by role. */
  topicConfig?: Partial<Record<'input' | 'output' | 'deadLetter', Record<string, string>>>;
  /** Roles that are left for the test to create. */
  without?: readonly ('input' | 'output' | 'offsets' | 'output-schema')[];
  settings?: (names: StepNames) => Partial<WorkerSettings>;
  /** Other ways for the worker to the registry and the brokers of the run. */
  registryUrl?: string;
  brokers?: string[];
}

export interface StepNames {
  name: string;
  input: string;
  output: string;
  deadLetter: string;
  group: string;
}

let created = 0;

/** A step with topics, schemas and offsets of its own in the real Kafka and registry of the run. */
export class StepFixture {
  readonly names: StepNames;
  readonly settings: WorkerSettings;
  readonly admin: KafkaAdmin;
  readonly registry: RegistryClient;
  readonly kafka: Kafka;
  readonly partitions: number;
  readonly #connection: KafkaConnection;
  readonly #options: FixtureOptions;

  private constructor(options: FixtureOptions) {
    const name = `step-${process.pid}-${++created}`;
    this.names = { name, input: `${name}-in`, output: `${name}-out`, deadLetter: `default.${name}.dlq`, group: `default.${name}` };
    this.#options = options;
    this.partitions = options.partitions ?? 3;
    this.#connection = { brokers: [inject('brokers')], tls: false, sasl: null, clientId: 'test' };
    this.settings = settingsFor(
      name,
      {
        brokers: options.brokers ?? [inject('brokers')],
        registryUrl: options.registryUrl ?? inject('registryUrl'),
      },
      options.settings?.(this.names),
    );
    this.admin = new KafkaAdmin(this.#connection, { log: silent });
    this.registry = new RegistryClient({ url: inject('registryUrl'), timeoutMs: 20_000 });
    this.kafka = createKafka(this.#connection, { log: silent, level: 'error' });
  }

  static async create(options: FixtureOptions = {}): Promise<StepFixture> {
    const fixture = new StepFixture(options);
    await fixture.admin.connect();
    onTestFinished(() => fixture.admin.close());
    const without = new Set(options.without);
    if (!without.has('input')) await fixture.createTopic('input');
    if (!without.has('output')) await fixture.createTopic('output');
    await fixture.createTopic('deadLetter');
    await fixture.registry.register(`${fixture.names.input}-value`, EVENT_SCHEMA);
    if (!without.has('output-schema')) await fixture.registry.register(`${fixture.names.output}-value`, EVENT_SCHEMA);
    if (!without.has('offsets') && !without.has('input')) await fixture.commitStart();
    return fixture;
  }

  async createTopic(role: 'input' | 'output' | 'deadLetter'): Promise<void> {
    const { partitions } = this;
    const { outputPartitions = partitions, topicConfig } = this.#options;
    await this.admin.createTopics([
      {
        name: this.names[role],
        partitions: role === 'input' ? partitions : outputPartitions,
        replicationFactor: 1,
        config: topicConfig?.[role] ?? {},
      },
    ]);
  }

  /** What provisioning does before the first worker starts. */
  async commitStart(): Promise<void> {
    const offsets = await this.admin.offsets(this.names.input);
    await this.admin.commitOffsets(
      this.names.group,
      offsets.map(({ partition, earliest }) => ({
        topic: this.names.input,
        partition,
        offset: earliest,
      })),
    );
  }

  /** Starts a worker of the step; it ends with the test. */
  async startWorker(env: Record<string, string> = {}): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start(this.settings, env);
    onTestFinished(() => worker.remove());
    onTestFailed(() => console.error(`worker ${worker.pid} wrote:\n${worker.output.slice(-5_000)}`));
    return worker;
  }

  /** An encoder of framed values for the schema of a topic. */
  async encoderOf(topic: string): Promise<(event: unknown) => Buffer> {
    const encoder = await new AvroCodecs(this.registry).loadEncoder({ kind: 'subject', subject: `${topic}-value`, version: 'latest' });
    return (event) => encoder.encode(event);
  }

  /** Messages `{id, amount}` with the id as key. */
  async events(ids: readonly string[], from = 0): Promise<Message[]> {
    const encode = await this.encoderOf(this.names.input);
    return ids.map((id, at) => ({ key: id, value: encode({ id, amount: BigInt(from + at), note: '' }) }));
  }

  async send(messages: readonly Message[], { topic = this.names.input, transactional = false } = {}): Promise<void> {
    const producer = this.kafka.producer(
      transactional
        ? { transactionalId: `${this.names.name}-test`, idempotent: false, allowAutoTopicCreation: false }
        : { allowAutoTopicCreation: false },
    );
    await producer.connect();
    try {
      const sink = transactional ? await producer.transaction() : producer;
      for (let at = 0; at < messages.length; at += 500) await sink.send({ topic, messages: messages.slice(at, at + 500) });
      if ('commit' in sink) await sink.commit();
    } finally {
      await producer.disconnect();
    }
  }

  /** Every committed record of a topic, in order within each partition. */
  async read(topic: string): Promise<ReadRecord[]> {
    const records: ReadRecord[] = [];
    await readTopics({
      connection: this.#connection,
      topics: [topic],
      until: 'end',
      log: silent,
      onRecord: (record) => {
        records.push(record);
      },
    });
    return records;
  }

  async decode(record: ReadRecord): Promise<unknown> {
    const decoder = await new AvroCodecs(this.registry).loadDecoder(schemaIdOf(record.value!), null);
    return decoder.decode(record.value!);
  }

  /** By partition: how far behind the end of the input the group's committed offset is. */
  async lag(): Promise<bigint[]> {
    const ends = await this.admin.offsets(this.names.input);
    const committed = await this.admin.committedOffsets(this.names.group, [this.names.input]);
    return ends.map(({ partition, latest }) => latest - (committed.find((each) => each.partition === partition)?.offset ?? 0n));
  }

  /** The group is at the end of its input, and what it wrote can be read: a commit shows in one topic before it does in another. */
  async drained(deadlineMs?: number): Promise<void> {
    await until('the group to be at the end of its input', async () => (await this.lag()).every((lag) => lag === 0n), deadlineMs);
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      await until('its transactions to be over', async () => !(await this.#hasOpenTransaction(admin)), deadlineMs);
    } finally {
      await admin.disconnect();
    }
  }

  /** kafkajs' admin tells the last stable offset, ours the high watermark. */
  async #hasOpenTransaction(admin: Admin): Promise<boolean> {
    for (const topic of [this.names.output, this.names.deadLetter]) {
      const stable = await admin.fetchTopicOffsets(topic);
      const ends = await this.admin.offsets(topic);
      if (ends.some(({ partition, latest }) => stable.find((each) => each.partition === partition)?.offset !== String(latest))) return true;
    }
    return false;
  }
}

/** Headers as text, doubles lost. */
export function headersOf({ headers }: ReadRecord): Record<string, string> {
  return Object.fromEntries(headers.map(([name, value]) => [name, value?.toString() ?? '']));
}

export function idsFrom(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}-${at}`);
}

function silent(): void {}
