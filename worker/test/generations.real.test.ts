/** Offsets are committed as a member (KIP-447): what that refuses, and what a rebalance does not cost. */
import { RecordBatchBuilder } from '@sagafleet/kafka';
import { pino } from 'pino';
import { expect, inject, onTestFailed, onTestFinished, test } from 'vitest';
import { API, KafkaProxy, offsetsErrorOf } from '../../test/support/kafka-proxy.ts';
import { DELIVERY } from '../../test/support/settings.ts';
import { until } from '../../test/support/until.ts';
import { WorkerProcess } from '../../test/support/worker-process.ts';
import type { Assignment, Driver } from '../src/driver.ts';
import { KafkajsDriver } from '../src/kafka/driver.ts';
import { removeFromGroup } from './support/remove-from-group.ts';
import { headersOf, idsFrom, StepFixture } from './support/step-fixture.ts';

type Guarantee = (typeof DELIVERY)['guarantee'];

const ILLEGAL_GENERATION = 22;
const OFFSETS = { ExactlyOnce: API.txnOffsetCommit, AtLeastOnce: API.offsetCommit };

async function openProxy(): Promise<KafkaProxy> {
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  return proxy;
}

/** A member that nobody works for, and its last assignment. */
async function join({ names, settings }: StepFixture, guarantee: Guarantee): Promise<{ driver: Driver; assigned: () => Assignment }> {
  const assignments: Assignment[] = [];
  const driver = new KafkajsDriver({
    connection: { brokers: settings.kafka.brokers, tls: false, sasl: null, clientId: 'test' },
    group: names.group,
    topics: [names.input],
    outputs: [names.output],
    exactlyOnce: guarantee === 'ExactlyOnce',
    log: pino({ level: 'silent' }),
    maxBatchBytes: 1_000_000,
    sessionTimeoutMs: settings.kafka.sessionTimeoutMs,
    transactionTimeoutMs: settings.delivery.timeoutMs,
  });
  const member = driver.member({
    onAssigned: (assignment) => {
      assignments.push(assignment);
    },
    onBatch: () => undefined,
    isMemoryFull: () => false,
    knownPositions: () => [],
    onOutOfRange: () => undefined,
    onRecreated: () => undefined,
    onUnreadable: () => undefined,
    onCrash: () => undefined,
  });
  await member.join();
  onTestFinished(async () => {
    await member.leave([]);
    await driver.close();
  });
  return { driver, assigned: () => assignments.at(-1)! };
}

const recordTo = (topic: string) => [
  {
    topic,
    partition: 0,
    records: RecordBatchBuilder.of([{ key: null, value: null, constantHeaders: [], headers: [] }]),
  },
];

test.each(['ExactlyOnce', 'AtLeastOnce'] as const)(
  '%s: a member that was removed commits nothing, though nobody has fenced its task',
  async (guarantee) => {
    const step = await StepFixture.create();
    const { driver, assigned } = await join(step, guarantee);
    const producer = await driver.fenceTask(0, () => undefined);
    onTestFinished(() => producer.discard());
    await producer.activate?.();
    const transaction = await producer.begin();
    await transaction.send(recordTo(step.names.output));
    const { memberId } = assigned();
    await removeFromGroup(step, memberId);
    // Also where it is a member again: it may have missed that another one had the task
    await until('it to be a member again', () => assigned().memberId !== memberId);
    const commit = async () => {
      await transaction.sendOffsets([{ topic: step.names.input, partition: 0, offset: 7n }]);
      await transaction.commit();
    };
    await expect(commit()).rejects.toMatchObject({ code: 'not-a-member', consequence: 'systemic' });
    expect(await step.admin.committedOffsets(step.names.group, [step.names.input])).toContainEqual(
      expect.objectContaining({ partition: 0, offset: 0n }),
    );
  },
);

async function startThrough(proxy: KafkaProxy, { settings }: StepFixture): Promise<WorkerProcess> {
  const worker = await WorkerProcess.start({ ...settings, kafka: { ...settings.kafka, brokers: proxy.brokers } });
  onTestFinished(() => worker.remove());
  onTestFailed(() => console.error(`worker ${worker.pid} wrote:\n${worker.output.slice(-5_000)}`));
  return worker.ready();
}

const joinsOf = (worker: WorkerProcess) => worker.log.filter(({ msg }) => msg === 'joined the group').length;

test.each([
  ['ExactlyOnce', 'before it is told of its join'],
  ['ExactlyOnce', 'after it was told of its join'],
  ['AtLeastOnce', 'before it is told of its join'],
  ['AtLeastOnce', 'after it was told of its join'],
] as const)(
  '%s: offsets of the generation before, refused to a worker %s, are committed for the tasks that it retains',
  async (guarantee, when) => {
    const step = await StepFixture.create({ partitions: 4, settings: () => ({ delivery: { ...DELIVERY, guarantee } }) });
    const [toFirst, toSecond, api] = [await openProxy(), await openProxy(), OFFSETS[guarantee]];
    const first = await startThrough(toFirst, step);
    const send = async (prefix: string, count: number) => {
      const events = await step.events(idsFrom(prefix, count));
      await step.send(events.map((event, at) => ({ ...event, partition: at % 4 })));
    };
    // The first batch of a task is noted before it is processed
    await send('before', 4);
    await step.drained();
    const answers: number[] = [];
    toFirst.onAnswer((request) => {
      if (request.api === api) answers.push(offsetsErrorOf(request));
    });
    const refencing = toFirst.hold((request) => request.api === API.initProducerId);
    const [offsets, syncs] = [toFirst.hold((request) => request.api === api), toFirst.hold((request) => request.api === API.syncGroup)];
    await send('event', 40);
    await until('commits to be on their way', () => offsets.requests.length > 0);

    // Nobody fences the tasks that move before all is said
    const fencing = toSecond.hold((request) => request.api === API.initProducerId);
    const second = startThrough(toSecond, step);
    await until('the coordinator to have counted another generation', () => syncs.requests.length > 0);
    if (when === 'after it was told of its join') {
      syncs.release();
      await until('it to be told', () => joinsOf(first) === 2);
    }
    offsets.release();
    await until('the offsets to be refused', () => answers.filter((code) => code === ILLEGAL_GENERATION).length >= 4);
    syncs.release();
    await until('those of retained tasks to be taken', () => answers.filter((code) => code === 0).length === 2);
    const retained = await first.tasks();
    expect(retained).toHaveLength(2);
    fencing.release();
    await second;
    await step.drained();
    expect(answers.filter((code) => code !== ILLEGAL_GENERATION)).toEqual([0, 0]);
    expect(refencing.requests).toEqual([]);
    expect(first.log.filter(({ msg }) => msg === 'task starts again')).toEqual([]);
    const sources = (await step.read(step.names.output)).map((record) => headersOf(record)['ce_id']!.split('/'));
    const ofRetained = sources.filter(([, partition]) => guarantee === 'ExactlyOnce' || retained.includes(Number(partition)));
    expect(new Set(ofRetained.map(([, partition, offset]) => `${partition}/${offset}`)).size).toBe(ofRetained.length);
    expect(new Set(sources.map(([, partition, offset]) => `${partition}/${offset}`)).size).toBe(44);
  },
);
