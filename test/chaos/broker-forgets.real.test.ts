/**
 * What a broker does when a while has passed: it forgets offsets of groups that sleep (confluentinc/librdkafka#1442)
 * and transactional ids that rest (confluentinc/parallel-consumer#830), and deletes records that look old
 * (openmeterio/openmeter#5005). One broker whose while is short for all of them.
 */
import { createKafka, KafkaAdmin, readTopics, type KafkaConnection, type ReadRecord } from '@sagafleet/kafka';
import { startSession, untilReady, type Platform, type Session } from '@sagafleet/local';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import type { SagaStep, SagaStepSpec } from '@sagafleet/schemas';
import { afterAll, beforeAll, inject, test } from 'vitest';
import { startOwnBroker } from '../support/own-broker.ts';
import { until } from '../support/until.ts';

const BROKER = {
  'offsets.retention.minutes': '1',
  'offsets.retention.check.interval.ms': '500',
  'transactional.id.expiration.ms': '2000',
  'transaction.remove.expired.transaction.cleanup.interval.ms': '300',
  'log.retention.check.interval.ms': '500',
  'log.initial.task.delay.ms': '500',
};
/** The shortest that a broker forgets offsets in is a minute. */
const TEST_MS = 180_000;
const EIGHT_DAYS_MS = 8 * 86_400_000;

const TICKET = JSON.stringify({ type: 'record', name: 'Ticket', fields: [{ name: 'seat', type: 'string' }] });

let platform: Platform;
let connection: KafkaConnection;
let admin: KafkaAdmin;

beforeAll(async () => {
  platform = await startOwnBroker(BROKER);
  connection = { brokers: [platform.brokers], tls: false, sasl: null, clientId: 'test' };
  admin = new KafkaAdmin(connection, { log: silent });
  await admin.connect();
}, 60_000);

afterAll(async () => {
  await admin.close();
  await platform.stop();
});

function silent(): void {}

/** A step `{name}` from topic `{name}_sold` to `{name}_checked`, with its input topic and schema. */
class Step {
  readonly input: string;
  readonly output: string;
  readonly deadLetters: string;
  readonly group: string;
  readonly #manifest: SagaStep;

  constructor(name: string, spec: Partial<SagaStepSpec> = {}) {
    this.input = `${name}_sold`;
    this.output = `${name}_checked`;
    this.group = `default.${name}`;
    this.deadLetters = `${this.group}.dlq`;
    this.#manifest = {
      apiVersion: 'sagafleet.dev/v1alpha1',
      kind: 'SagaStep',
      metadata: { name },
      spec: { consumes: [{ topic: this.input }], outcomes: { checked: { emit: [{ topic: this.output }] } }, ...spec },
    };
  }

  async create(config: Record<string, string> = {}): Promise<void> {
    await admin.createTopics([{ name: this.input, partitions: 2, replicationFactor: 1, config }]);
    await new RegistryClient({ url: inject('registryUrl') }).register(`${this.input}-value`, TICKET);
  }

  /** As `sagafleet dev` does it; resolves when its worker is ready. */
  async start(): Promise<Session> {
    const session = await startSession(
      [this.#manifest],
      {
        kafka: platform.brokers,
        registry: inject('registryUrl'),
        ingressPort: 0,
        replicas: new Map(),
      },
      {
        env: process.env,
        reporter: { progress: silent, logLine: silent, notice: silent, crashed: silent },
      },
    );
    await untilReady(session);
    return session;
  }

  async sell(seats: readonly string[], timestampMs = Date.now()): Promise<void> {
    const registry = new RegistryClient({ url: inject('registryUrl') });
    const encoder = await new AvroCodecs(registry).loadEncoder({ kind: 'subject', subject: `${this.input}-value`, version: 'latest' });
    await this.send(
      seats.map((seat) => encoder.encode({ seat })),
      timestampMs,
    );
  }

  /** All to partition 0, in this order. */
  async send(values: readonly Buffer[], timestampMs = Date.now()): Promise<void> {
    const producer = createKafka(connection, { log: silent }).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    await producer.send({
      topic: this.input,
      messages: values.map((value) => ({ key: 'row', value, partition: 0, timestamp: String(timestampMs) })),
    });
    await producer.disconnect();
  }

  /** Seats in the output, in order. */
  async checked(): Promise<string[]> {
    const codecs = new AvroCodecs(new RegistryClient({ url: inject('registryUrl') }));
    return Promise.all(
      (await read(this.output)).map(async ({ value }) => {
        const decoder = await codecs.loadDecoder(value!.readInt32BE(1), null);
        return (decoder.decode(value!) as { seat: string }).seat;
      }),
    );
  }

  async hasChecked(count: number): Promise<void> {
    await until(`${count} seats checked by ${this.group}`, async () => (await this.checked()).length >= count);
  }

  async offset(): Promise<bigint | null> {
    const [first] = await admin.committedOffsets(this.group, [this.input]);
    return first!.offset;
  }
}

async function read(topic: string): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  await readTopics({
    connection,
    topics: [topic],
    until: 'end',
    log: silent,
    onRecord: (record) => {
      records.push(record);
    },
  });
  return records;
}

/** Resolves when the broker has forgotten offsets that a client as any other committed now, for a group without members. */
async function offsetsAreForgotten(topic: string, groupId: string): Promise<void> {
  const plain = createKafka(connection, { log: silent }).admin();
  await plain.connect();
  await plain.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '1' }] });
  await plain.disconnect();
  await until(
    `offsets of ${groupId} to be forgotten`,
    async () => (await admin.committedOffsets(groupId, [topic]))[0]!.offset === null,
    120_000,
  );
}

test.concurrent.for(['earliest', 'latest'] as const)(
  'a step from %s that sleeps longer than offsets are kept goes on where it was',
  { timeout: TEST_MS },
  async (startFrom, { expect }) => {
    const step = new Step(`sleeper_${startFrom}`, { startFrom });
    await step.create();
    const first = await step.start();
    await step.sell(['a', 'b', 'c']);
    await step.hasChecked(3);
    await first.stop();
    await step.sell(['d']);
    await offsetsAreForgotten(step.input, `control.${startFrom}`);
    const second = await step.start();
    await step.hasChecked(4);
    await step.sell(['e']);
    await step.hasChecked(5);
    await second.stop();
    expect(await step.checked()).toEqual(['a', 'b', 'c', 'd', 'e']);
  },
);

test.concurrent(
  'a transactional id that the broker forgot costs neither a record nor a dead letter',
  { timeout: TEST_MS },
  async ({ expect }) => {
    const step = new Step('rester');
    await step.create();
    const session = await step.start();
    await step.sell(['a']);
    await step.hasChecked(1);
    await until(
      'the transactional id to be forgotten',
      async () => (await read('__transaction_state')).findLast(({ key }) => key!.includes(`sagafleet.${step.group}.0`))?.value === null,
    );
    await step.sell(['b']);
    await step.hasChecked(2);
    await until('the offset to move', async () => (await step.offset()) === 2n);
    await session.stop();
    expect(await step.checked()).toEqual(['a', 'b']);
    expect(await read(step.deadLetters)).toEqual([]);
  },
);

test.concurrent('what comes of an old record is not as old', { timeout: TEST_MS }, async ({ expect }) => {
  const step = new Step('archive');
  await step.create({ 'retention.ms': '-1' });
  const session = await step.start();
  const soldAt = Date.now() - EIGHT_DAYS_MS;
  await step.send([Buffer.from([1])], soldAt);
  await step.sell(['a'], soldAt);
  await step.hasChecked(1);

  const control = new Step('control');
  await control.create();
  await control.send([Buffer.from([1])], soldAt);
  await until('a record as old to be deleted', async () => (await admin.offsets(control.input))[0]!.earliest === 1n);
  expect(await step.checked()).toEqual(['a']);
  const [letter] = await read(step.deadLetters);
  expect(letter).toMatchObject({ value: Buffer.from([1]) });
  expect(letter!.headers).toContainEqual(['sagafleet-original-timestamp', Buffer.from(String(soldAt))]);
  expect(Math.abs(letter!.timestampMs - Date.now())).toBeLessThan(TEST_MS);
  await session.stop();
});
