/**
 * A coordinator that calls a transaction complete and has left markers out (ADR 10), made at will: on a broker that does not
 * verify partitions, records and positions written with the producer's id and epoch, past the coordinator, belong to
 * an open transaction that the coordinator knows nothing of.
 */
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { until } from '../../test/support/until.ts';
import { coordinatorOf, listOffsets } from '../src/group/group-offsets.ts';
import { type BatchProducer, Connections, createKafka, type Holder, RecordBatchBuilder, TransactionalProducers } from '../src/index.ts';
import { produceRequest } from '../src/produce/produce-request.ts';
import { type Fenced, TransactionalId, writeLaneOf } from '../src/transactions/transactional-id.ts';
import { NO_MEMBER } from '../src/wire/group.ts';
import { LOG_END } from '../src/wire/offsets.ts';
import {
  addOffsetsToTxnRequest,
  addPartitionsToTxnRequest,
  type InTransaction,
  initProducerIdRequest,
  txnOffsetCommitRequest,
} from '../src/wire/transactions.ts';
import { client, connectAdmin, connection, createTopic, options, readAll, texts, uniqueName } from './cluster-under-test.ts';

const TIMEOUT_MS = 60_000;
/** Of configuration resources. */
const BROKER = 4;
const DESCRIBE_TRANSACTIONS = 65;

async function verifyPartitions(isOn: boolean): Promise<void> {
  const admin = client().admin();
  await admin.connect();
  const { brokers } = await admin.describeCluster();
  const configEntries = [{ name: 'transaction.partition.verification.enable', value: String(isOn) }];
  await admin.alterConfigs({
    validateOnly: false,
    resources: brokers.map(({ nodeId }) => ({ type: BROKER, name: String(nodeId), configEntries })),
  });
  await admin.disconnect();
}

beforeAll(() => verifyPartitions(false));
afterAll(() => verifyPartitions(true));

/** A task with one input partition and two output partitions, 0 and 1. */
class TaskOfTest {
  readonly group = uniqueName('group');
  readonly transactionalId = uniqueName('producer');
  readonly connections: Connections;
  readonly output: string;
  readonly input: string;

  private constructor(input: string, output: string, brokers: string[]) {
    this.input = input;
    this.output = output;
    this.connections = new Connections(createKafka({ ...connection, brokers }, options));
  }

  /** Its first transaction, which moves the position to 1, is in partition 0. */
  static async create(brokers = connection.brokers): Promise<TaskOfTest> {
    const task = new TaskOfTest(await createTopic(), await createTopic(2), brokers);
    onTestFinished(() => task.connections.close());
    await (await connectAdmin()).commitOffsets(task.group, [{ topic: task.input, partition: 0, offset: 0n }]);
    const producer = await task.open();
    await task.write(producer, { partition: 0, value: 'first', position: 1n });
    await producer.settled;
    return task;
  }

  async open(holder: Partial<Holder> = {}): Promise<BatchProducer> {
    const producers = new TransactionalProducers(this.connections, {
      group: this.group,
      outputs: [this.output],
      transactionTimeoutMs: TIMEOUT_MS,
    });
    const producer = await producers.open({
      transactionalId: this.transactionalId,
      inputs: [{ topic: this.input, partitions: [0] }],
      throwIfOver: () => undefined,
      isBehind: () => false,
      toldPosition: () => null,
      ...holder,
    });
    await producer.activate();
    return producer;
  }

  async write(
    producer: BatchProducer,
    { partition, value, position }: { partition: number; value: string; position: bigint },
  ): Promise<void> {
    await producer.send([{ topic: this.output, partition, records: batchOf(value) }]);
    await producer.sendOffsets(this.group, NO_MEMBER, [{ topic: this.input, partition: 0, offset: position }]);
    await producer.commit();
  }

  get id(): TransactionalId {
    const { transactionalId } = this;
    return new TransactionalId(this.connections, {
      transactionalId,
      transactionTimeoutMs: TIMEOUT_MS,
      throwIfOver: () => undefined,
      lane: writeLaneOf(transactionalId),
    });
  }

  /** In partition 1, by the present holder of the id. */
  async leaveOutputOpen(): Promise<void> {
    const identity = await this.present();
    const bytes = batchOf('second').seal(
      { producerId: BigInt(identity.producerId), producerEpoch: identity.producerEpoch, firstSequence: 0, isTransactional: true },
      Date.now(),
    );
    const { batches } = await this.connections.send(
      await this.#leader(),
      produceRequest([{ topic: this.output, partition: 1, bytes }], this.transactionalId, 5_000),
    );
    expect(batches[0]!.errorCode).toBe(0);
  }

  /** At 2. */
  async leavePositionOpen(by?: InTransaction): Promise<void> {
    const inTransaction = by ?? (await this.present());
    await this.connections.send(
      await coordinatorOf(this.connections, this.group),
      txnOffsetCommitRequest({
        ...inTransaction,
        groupId: this.group,
        membership: NO_MEMBER,
        positions: [{ topic: this.input, partition: 0, offset: 2n }],
      }),
    );
  }

  /** As a taker that ends before it has ended the transaction. */
  async beginEnding({ identity, coordinator }: Fenced): Promise<void> {
    const [transaction, to] = [
      { ...identity, transactionalId: this.transactionalId },
      { nodeId: coordinator, lane: writeLaneOf(this.transactionalId) },
    ];
    await this.connections.send(to, addPartitionsToTxnRequest({ ...transaction, topics: [{ topic: this.output, partitions: [1] }] }));
    await this.connections.send(to, addOffsetsToTxnRequest({ ...transaction, groupId: this.group }));
  }

  /** As a client that knows nothing of purposes. */
  async fencePlainly(): Promise<void> {
    await this.connections.send(
      await this.#leader(),
      initProducerIdRequest({ transactionalId: this.transactionalId, timeoutMs: TIMEOUT_MS, expected: null }),
    );
  }

  /** What readers see of the second transaction, and whether they stand before it. */
  async seen(): Promise<{ values: (string | null)[]; position: bigint; isStuck: boolean }> {
    const [stable, end] = await Promise.all(
      [true, false].map((isCommitted) => listOffsets(this.connections, this.output, { time: LOG_END, isCommitted })),
    );
    const [committed] = await (await connectAdmin()).committedOffsets(this.group, [this.input]);
    return { values: texts(await readAll(this.output)).sort(), position: committed!.offset!, isStuck: stable!.get(1)! < end!.get(1)! };
  }

  /** The present holder of the id. */
  async present(): Promise<InTransaction> {
    const { transactionalId } = this;
    const found = (await this.id.describe((await this.#leader()).nodeId))!;
    return { transactionalId, producerId: String(found.producerId), producerEpoch: found.producerEpoch };
  }

  /** Of the second partition of the output; also the coordinator, as there is one broker. */
  async #leader(): Promise<{ nodeId: number; lane: string }> {
    await this.connections.leaders.look([this.output]);
    return { nodeId: this.connections.leaders.leaderOf(this.output, 1)!.leader, lane: 'test' };
  }
}

const batchOf = (value: string) =>
  RecordBatchBuilder.of([{ key: null, value: Buffer.from(value), constantHeaders: [], headers: [['source', 'in/0/1']] }]);

const COMMITTED = { values: ['first', 'second'], position: 2n, isStuck: false };
const ABORTED = { values: ['first'], position: 1n, isStuck: false };

interface Case {
  happens(task: TaskOfTest): Promise<void>;
  holder?: Partial<Holder>;
  then: typeof COMMITTED;
}

/** A transaction whose markers are missing in every partition but the one of the first, as after the kill of a broker. */
const leaveOpen = async (task: TaskOfTest): Promise<void> => {
  await task.leaveOutputOpen();
  await task.leavePositionOpen();
};

/** The last transaction was not ended by its holder: its end, by the next one, reaches partition 0 alone. */
const leaveOpenAndUnended = async (task: TaskOfTest): Promise<void> => {
  const producer = await task.open();
  await producer.send([{ topic: task.output, partition: 0, records: batchOf('never') }]);
  await leaveOpen(task);
};

const CASES: Record<string, Case> = {
  'an output is committed': { happens: (task) => task.leaveOutputOpen(), then: { ...COMMITTED, position: 1n } },
  'a position is committed': { happens: (task) => task.leavePositionOpen(), then: { ...COMMITTED, values: ['first'] } },
  'both are committed': { happens: leaveOpen, then: COMMITTED },
  'both are aborted where their holder had not ended them': { happens: leaveOpenAndUnended, then: ABORTED },
  'a taker that ended before it looked does not hide a commit': {
    happens: async (task) => {
      await leaveOpen(task);
      for (let taker = 0; taker < 3; taker++) await task.id.takeOver();
    },
    then: COMMITTED,
  },
  'a taker that ended before it looked does not hide an abort': {
    happens: async (task) => {
      await leaveOpenAndUnended(task);
      for (let taker = 0; taker < 3; taker++) await task.id.takeOver();
    },
    then: ABORTED,
  },
  'a commit that a taker had begun is ended, not aborted': {
    happens: async (task) => {
      await leaveOpen(task);
      await task.beginEnding(await task.id.takeOver());
    },
    then: COMMITTED,
  },
  'an abort that a taker had begun is one in the end': {
    happens: async (task) => {
      await leaveOpenAndUnended(task);
      await task.beginEnding(await task.id.takeOver());
    },
    then: ABORTED,
  },
  'after a client that hides how it ended, what is known to be committed is': {
    happens: async (task) => {
      await leaveOpen(task);
      await task.fencePlainly();
    },
    holder: { isBehind: ([source]) => source![1]!.toString() === 'in/0/1' },
    then: COMMITTED,
  },
  'after a client that hides how it ended, a position that a member told is committed': {
    happens: async (task) => {
      await task.leavePositionOpen();
      await task.fencePlainly();
    },
    holder: { toldPosition: () => 2n },
    then: { ...COMMITTED, values: ['first'] },
  },
  'what the coordinator aborted is committed where its input is known to be': {
    happens: leaveOpenAndUnended,
    holder: { isBehind: ([source]) => source![1]!.toString() === 'in/0/1' },
    then: COMMITTED,
  },
  'what the coordinator aborted is committed where a member told its position': {
    happens: leaveOpenAndUnended,
    holder: { toldPosition: () => 2n },
    then: COMMITTED,
  },
  'after a client that hides how it ended, what nobody has seen is aborted': {
    happens: async (task) => {
      await leaveOpen(task);
      await task.fencePlainly();
    },
    then: ABORTED,
  },
};

test.each(Object.entries(CASES))('%s', async (_, { happens, holder = {}, then }) => {
  const task = await TaskOfTest.create();
  await happens(task);
  const producer = await task.open(holder);
  expect(await task.seen()).toEqual(then);
  // What follows is not in the way of it, nor a transaction of the next that is never ended
  await task.write(producer, { partition: 1, value: 'third', position: 3n });
  await producer.settled;
  await (await task.open()).send([{ topic: task.output, partition: 1, records: batchOf('never') }]);
  await task.open();
  expect(await task.seen()).toEqual({ values: [...then.values, 'third'], position: 3n, isStuck: false });
});

test('where nothing is open no transaction is made, which would be lag for the steps that follow', async () => {
  const task = await TaskOfTest.create();
  const ends = () => listOffsets(task.connections, task.output, { time: LOG_END, isCommitted: false });
  const before = await ends();
  await task.open();
  expect(await ends()).toEqual(before);
});

test('a worker that lives learns that a marker is missing before its next transaction', async () => {
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  const task = await TaskOfTest.create(proxy.brokers);
  const producer = await task.open();
  const holder = await task.present();
  const looks = proxy.hold(({ api }) => api === DESCRIBE_TRANSACTIONS);
  await task.write(producer, { partition: 0, value: 'second', position: 2n });
  await until('the markers', async () => (await task.seen()).position === 2n);
  await task.leavePositionOpen(holder);
  looks.release();
  await expect(producer.settled).rejects.toThrow('complete');
  await expect(producer.send([{ topic: task.output, partition: 0, records: batchOf('third') }])).rejects.toThrow('complete');
  await task.open();
  expect(await task.seen()).toEqual(COMMITTED);
});

test('positions that a producer of another id holds are left to an administrator', async () => {
  const [task, other] = [await TaskOfTest.create(), await TaskOfTest.create()];
  await task.leavePositionOpen(await other.present());
  await expect(task.open()).rejects.toThrow(/kafka-transactions\.sh .*__consumer_offsets/);
});
