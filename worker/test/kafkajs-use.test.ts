/** That the worker uses kafkajs where its use matters, each beside a fact of docs/kafkajs.md. */
import { createRequire } from 'node:module';
import { createKafka, RecordBatchBuilder } from '@sagafleet/kafka';
import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { API, KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { until } from '../../test/support/until.ts';
import type { Assignment, FetchedBatch, GroupMember, OutputRecord, TaskProducer } from '../src/driver.ts';
import { KafkajsAppendingProducer } from '../src/kafka/appending-producer.ts';
import { KafkajsDriver } from '../src/kafka/driver.ts';
import { createTransactionalProducer } from '../src/kafka/producers.ts';
import { idsFrom, StepFixture } from './support/step-fixture.ts';

const log = pino({ level: 'silent' });
const connection = () => ({ brokers: [inject('brokers')], tls: false, sasl: null, clientId: 'test' });
const clientThrough = (brokers: readonly string[]) => createKafka({ ...connection(), brokers: [...brokers] }, { log: () => {}, patienceMs: 5_000 });

interface Joined { member: GroupMember; assignments: Assignment[]; batches: FetchedBatch[] }

/** A member of the step's group that takes what it is given and never works it. */
async function join(step: StepFixture): Promise<Joined> {
  const { names, settings } = step;
  const driver = new KafkajsDriver({
    connection: connection(), group: names.group, topics: [names.input], exactlyOnce: true, log,
    sessionTimeoutMs: settings.kafka.sessionTimeoutMs, transactionTimeoutMs: settings.delivery.timeoutMs,
  });
  const [assignments, batches]: [Assignment[], FetchedBatch[]] = [[], []];
  const member = driver.member({
    onAssigned: (assignment) => { assignments.push(assignment); },
    onBatch: (batch) => batches.push(batch) > 0,
    knownPositions: () => [],
    onOutOfRange: () => undefined,
    onCrash: () => undefined,
  });
  await member.join();
  onTestFinished(async () => {
    await member.leave([]);
    await driver.close();
  });
  return { member, assignments, batches };
}

test('a leader that moves is one more assignment, of the next generation', async () => {
  const step = await StepFixture.create();
  const { assignments } = await join(step);
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/broker') as { prototype: { fetch(request: object): Promise<unknown> } };
  const { fetch } = prototype;
  prototype.fetch = async () => {
    prototype.fetch = fetch;
    throw Object.assign(new Error('moved'), { type: 'NOT_LEADER_FOR_PARTITION' });
  };
  await until('the member to join again', () => assignments.length === 2);
  expect(assignments[1]).toEqual({ ...assignments[0]!, generation: assignments[0]!.generation + 1 });
});

test('work that does not end holds up nobody who joins', async () => {
  const step = await StepFixture.create({ partitions: 2 });
  const first = await join(step);
  await step.send(await step.events(idsFrom('event', 10)));
  await until('something to work on', () => first.batches.length > 0);
  const second = await join(step);
  await until('both to share', () => first.assignments.at(-1)!.tasks.size === 1 && second.assignments.at(-1)!.tasks.size === 1, 3_000);
});

const recordTo = (topic: string, partition: number): OutputRecord => ({ topic, partition, key: null, value: null, constantHeaders: [], headers: [] });

test('an append that fails leaves one that is on its way to another partition alone', async () => {
  const step = await StepFixture.create();
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  const producer = new KafkajsAppendingProducer(clientThrough(proxy.brokers));
  onTestFinished(() => producer.close());
  const writes = proxy.hold(({ api }) => api === API.produce);
  const slow = producer.append(recordTo(step.names.input, 1));
  await until('a write to be on its way', () => writes.requests.length === 1);
  await expect(producer.append(recordTo(`${step.names.input}-missing`, 0))).rejects.toMatchObject({ consequence: 'systemic' });
  writes.release();
  expect(await slow).toBe('0');
});

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

test('producers that are discarded, also in the middle of a write, leave no connection behind', async () => {
  const step = await StepFixture.create();
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  const before = openSockets();
  const options = { group: step.names.group, topics: [step.names.input], timeoutMs: 15_000, throwIfOver: () => undefined };
  const producers: TaskProducer[] = [];
  for (const task of [0, 1, 2]) {
    producers.push(await createTransactionalProducer(clientThrough(proxy.brokers), { transactionalId: `${step.names.name}.${task}`, ...options }));
  }
  const writes = proxy.hold(({ api }) => api === API.produce);
  const transaction = await producers[0]!.begin();
  const sending = transaction.send([{ topic: step.names.output, partition: 0, records: RecordBatchBuilder.of([recordTo(step.names.output, 0)]) }]).catch(() => undefined);
  await until('a write to be on its way', () => writes.requests.length === 1);
  expect(openSockets()).toBeGreaterThan(before);
  const discarding = producers.map((producer) => producer.discard());
  writes.release();
  await Promise.all([...discarding, sending]);
  await until('every connection to be closed', () => openSockets() <= before);
});
