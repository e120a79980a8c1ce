/** That the worker uses kafkajs where its use matters, each beside a fact of docs/kafkajs.md. */
import { Connections, createKafka, NO_MEMBER, RecordBatchBuilder, TransactionalProducers } from '@sagafleet/kafka';
import { pino } from 'pino';
import { expect, inject, onTestFinished, test } from 'vitest';
import { API, KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { until } from '../../test/support/until.ts';
import type { Assignment, FetchedBatch, GroupMember, OutputRecord, TaskProducer } from '../src/driver.ts';
import { KafkajsAppendingProducer } from '../src/kafka/appending-producer.ts';
import { KafkajsDriver } from '../src/kafka/driver.ts';
import { createTransactionalProducer } from '../src/kafka/producers.ts';
import { removeFromGroup } from './support/remove-from-group.ts';
import { idsFrom, StepFixture } from './support/step-fixture.ts';

const log = pino({ level: 'silent' });
const connection = () => ({ brokers: [inject('brokers')], tls: false, sasl: null, clientId: 'test' });

function connectionsThrough(brokers: readonly string[]): Connections {
  const connections = new Connections(createKafka({ ...connection(), brokers: [...brokers] }, { log: () => {}, patienceMs: 5_000 }));
  onTestFinished(() => connections.close());
  return connections;
}

interface Joined {
  member: GroupMember;
  assignments: Assignment[];
  batches: FetchedBatch[];
}

/** A member of the step's group that takes what it is given and never works it. */
async function join(step: StepFixture, { brokers }: { brokers: readonly string[] } = connection()): Promise<Joined> {
  const { names, settings } = step;
  const driver = new KafkajsDriver({
    connection: { ...connection(), brokers: [...brokers] },
    group: names.group,
    topics: [names.input],
    outputs: [names.output],
    exactlyOnce: true,
    log,
    maxBatchBytes: 1_000_000,
    sessionTimeoutMs: settings.kafka.sessionTimeoutMs,
    transactionTimeoutMs: settings.delivery.timeoutMs,
  });
  const [assignments, batches]: [Assignment[], FetchedBatch[]] = [[], []];
  const member = driver.member({
    onAssigned: (assignment) => {
      assignments.push(assignment);
    },
    onBatch: (batch) => {
      batches.push(batch);
    },
    isMemoryFull: () => false,
    knownPositions: () => [],
    onOutOfRange: () => undefined,
    onRecreated: () => undefined,
    onUnreadable: () => undefined,
    onCrash: () => undefined,
  });
  await member.join();
  member.seek(names.input, 0, 0n);
  member.resume([names.input], 0);
  onTestFinished(async () => {
    await member.leave([]);
    await driver.close();
  });
  return { member, assignments, batches };
}

test('work that does not end holds up nobody who joins', async () => {
  const step = await StepFixture.create({ partitions: 2 });
  const first = await join(step);
  await step.send(await step.events(idsFrom('event', 10)));
  await until('something to work on', () => first.batches.length > 0);
  const second = await join(step);
  await until('both to share', () => first.assignments.at(-1)!.tasks.size === 1 && second.assignments.at(-1)!.tasks.size === 1, 3_000);
});

test('a member that the coordinator does not know any more sends no heartbeats, and joins again also where its join is lost', async () => {
  const step = await StepFixture.create();
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  const { member, assignments } = await join(step, proxy);
  // The first is refused, since it is that of the member which is unknown
  let count = 0;
  const joins = proxy.hold(({ api }) => api === API.joinGroup && ++count > 1);
  await removeFromGroup(step, assignments[0]!.memberId);
  await until('it to join again', () => joins.requests.length > 0);

  // A coordinator that is back from a crash may know it as it was, and a heartbeat would keep that member alive
  let heartbeats = 0;
  const stopLooking = proxy.onAnswer(({ api }) => {
    if (api === API.heartbeat) heartbeats++;
  });
  await expect(member.proveMembership()).rejects.toMatchObject({ code: 'not-a-member' });
  stopLooking();
  expect(heartbeats).toBe(0);

  await proxy.shut();
  joins.release();
  await proxy.open();
  await until('it to be a member', () => assignments.length === 2);
  await member.proveMembership();
});

const recordTo = (topic: string, partition: number): OutputRecord => ({
  topic,
  partition,
  key: null,
  value: null,
  constantHeaders: [],
  headers: [],
});

test('an append that fails leaves one that is on its way to another partition alone', async () => {
  const step = await StepFixture.create();
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  const producer = new KafkajsAppendingProducer(connectionsThrough(proxy.brokers));
  onTestFinished(() => producer.close());
  const writes = proxy.hold(({ api }) => api === API.produce);
  const slow = producer.append(recordTo(step.names.input, 1));
  await until('a write to be on its way', () => writes.requests.length === 1);
  await expect(producer.append(recordTo(`${step.names.input}-missing`, 0))).rejects.toMatchObject({ consequence: 'systemic' });
  writes.release();
  expect(await slow).toBe('0');
});

async function openProducer(connections: Connections, { names }: StepFixture, task: number): Promise<TaskProducer> {
  const producers = producersOf(connections, names);
  return createTransactionalProducer(producers, {
    transactionalId: `${names.name}.${task}`,
    group: names.group,
    member: { membership: NO_MEMBER },
    throwIfOver: () => undefined,
    inputs: [],
    isBehind: () => false,
    toldPosition: () => null,
    metadataOf: () => '',
  });
}

const ofConnections = new WeakMap<Connections, TransactionalProducers>();

/** One for all tasks of a process. */
function producersOf(connections: Connections, { group, output }: StepFixture['names']): TransactionalProducers {
  const producers =
    ofConnections.get(connections) ?? new TransactionalProducers(connections, { group, outputs: [output], transactionTimeoutMs: 15_000 });
  ofConnections.set(connections, producers);
  return producers;
}

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

test('a thousand producers share a few connections, which are closed in the middle of a write', async () => {
  const step = await StepFixture.create();
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  const before = openSockets();
  const connections = connectionsThrough(proxy.brokers);
  const producers = await Promise.all(Array.from({ length: 1_000 }, (_, task) => openProducer(connections, step, task)));
  // Each has an end here and one in the proxy, which has another to the broker
  expect((openSockets() - before) / 3).toBeLessThanOrEqual(8);
  const writes = proxy.hold(({ api }) => api === API.produce);
  await producers[0]!.activate!();
  const transaction = await producers[0]!.begin();
  const sending = transaction
    .send([{ topic: step.names.output, partition: 0, records: RecordBatchBuilder.of([recordTo(step.names.output, 0)]) }])
    .catch(() => undefined);
  await until('a write to be on its way', () => writes.requests.length === 1);
  await connections.close();
  await sending;
  writes.release();
  await until('every connection to be closed', () => openSockets() <= before);
});

test('a producer that is discarded withdraws what was not sent, and ends when what was sent is answered', async () => {
  const step = await StepFixture.create();
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  const producer = await openProducer(connectionsThrough(proxy.brokers), step, 0);
  await producer.activate!();
  const held = proxy.hold(({ api }) => api === API.addPartitionsToTxn);
  const transaction = await producer.begin();
  const sending = transaction
    .send([{ topic: step.names.output, partition: 0, records: RecordBatchBuilder.of([recordTo(step.names.output, 0)]) }])
    .catch((error: Error) => error);
  await until('the transaction to begin', () => held.requests.length === 1);
  let isDiscarded = false;
  const discarding = producer.discard().then(() => {
    isDiscarded = true;
  });
  expect(isDiscarded).toBe(false);
  const produced = proxy.hold(({ api }) => api === API.produce);
  held.release();
  await discarding;
  expect(await sending).toBeInstanceOf(Error);
  expect(produced.requests).toEqual([]);
});
