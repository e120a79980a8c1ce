import { describe, expect, test } from 'vitest';
import { FakeBrokers } from '../../test/fake-brokers.ts';
import { BatchesRefused, BatchProducer, ProduceError, sequenceAfter } from './batch-producer.ts';
import { RecordBatchBuilder } from './record-batch.ts';

const [RECORD_TOO_LARGE, REQUEST_TOO_LARGE, INVALID_RECORD] = [10, 18, 87];
const NOT_LEADER = 6;
const LOADING = 14;

const records = (...values: string[]) =>
  RecordBatchBuilder.of(values.map((value) => ({ key: null, value: Buffer.from(value), constantHeaders: [], headers: [] })));
const batch = (topic: string, partition: number, ...values: string[]) => ({ topic, partition, records: records(...values) });

/** Broker 1 leads all but the last partition of `a`. */
async function open({ brokers = new FakeBrokers() } = {}) {
  brokers.createTopic('a', [1, 1, 2]);
  brokers.createTopic('b', [1, 1]);
  return { brokers, producer: await BatchProducer.openIdempotent(brokers.connections) };
}

const logOf = ({ batches }: { batches: { firstSequence: number; count: number }[] }) =>
  batches.map(({ firstSequence, count }) => [firstSequence, count]);

describe('a producer without transactions', () => {
  test('looks for leaders, since it may follow on one that failed, and gets an id to write with', async () => {
    const { brokers, producer } = await open();
    expect(brokers.looks).toBe(1);
    await producer.send([batch('a', 0, 'x')]);
    expect(brokers.partition('a', 0).batches).toMatchObject([
      { producerId: '7', epoch: 0, firstSequence: 0, count: 1, isTransactional: false },
    ]);
    expect(brokers.apis()).toEqual(['InitProducerId', 'Produce']);
    expect(brokers.requests[1]).toMatchObject({ nodeId: 1, lane: expect.stringMatching(/^write-/), transactionalId: null });
  });

  test('is not opened where leaders cannot be looked for', async () => {
    const brokers = new FakeBrokers();
    brokers.failLook = new Error('no broker answers');
    await expect(open({ brokers })).rejects.toThrow('no broker answers');
  });

  test('waits for a coordinator that is loading', async () => {
    const brokers = new FakeBrokers();
    brokers.refuseNext('InitProducerId', LOADING);
    await open({ brokers });
    expect(brokers.apis()).toEqual(['InitProducerId', 'InitProducerId']);
  });
});

describe('sequence numbers', () => {
  test('go on with each send, by the records of the last', async () => {
    const { brokers, producer } = await open();
    await producer.send([batch('a', 0, 'x', 'y', 'z')]);
    await producer.send([batch('a', 0, 'x')]);
    await producer.send([batch('a', 0, 'x')]);
    expect(logOf(brokers.partition('a', 0))).toEqual([
      [0, 3],
      [3, 1],
      [4, 1],
    ]);
  });

  test('are those of one partition of one topic', async () => {
    const { brokers, producer } = await open();
    await producer.send([batch('a', 0, 'x', 'y'), batch('a', 1, 'x'), batch('b', 1, 'x', 'y', 'z')]);
    await producer.send([batch('b', 1, 'x'), batch('b', 0, 'x'), batch('a', 1, 'x'), batch('a', 0, 'x')]);
    expect(
      [
        ['a', 0],
        ['a', 1],
        ['b', 0],
        ['b', 1],
      ].map(([topic, partition]) => logOf(brokers.partition(topic as string, partition as number))),
    ).toEqual([
      [
        [0, 2],
        [2, 1],
      ],
      [
        [0, 1],
        [1, 1],
      ],
      [[0, 1]],
      [
        [0, 3],
        [3, 1],
      ],
    ]);
  });

  test('begin again behind the largest one', () => {
    expect([sequenceAfter(2 ** 31 - 6, 5), sequenceAfter(2 ** 31 - 1, 1), sequenceAfter(2 ** 31 - 2, 5)]).toEqual([2 ** 31 - 1, 0, 3]);
  });
});

describe('a send', () => {
  test('goes to the leader of each partition, in one request for each broker, and tells where each batch stands', async () => {
    const { brokers, producer } = await open();
    await producer.send([batch('a', 0, 'w')]);
    const produced = await producer.send([batch('a', 2, 'x'), batch('a', 0, 'y'), batch('b', 0, 'z')]);
    expect(brokers.requests.slice(-2).map(({ nodeId, partitions }) => [nodeId, partitions])).toEqual([
      [2, ['a/2']],
      [1, ['a/0', 'b/0']],
    ]);
    expect(produced.map(({ topic, partition, baseOffset }) => [topic, partition, baseOffset])).toEqual([
      ['a', 2, 0n],
      ['a', 0, 1n],
      ['b', 0, 0n],
    ]);
  });

  test('empties its batches once they are written, and leaves those as they are that are refused', async () => {
    const { brokers, producer } = await open();
    const sent = [batch('a', 0, 'x'), batch('b', 0, 'x')];
    await producer.send(sent);
    expect(sent.map((each) => each.records.count)).toEqual([0, 0]);
    brokers.partition('b', 0).errorCode = RECORD_TOO_LARGE;
    const refused = [batch('a', 0, 'x'), batch('b', 0, 'x')];
    await expect(producer.send(refused)).rejects.toThrow(BatchesRefused);
    expect(refused.map((each) => each.records.count)).toEqual([0, 1]);
  });

  test('of more than a request holds is written whole, in several', async () => {
    const { brokers, producer } = await open();
    const large = 'x'.repeat(5 * 1024 * 1024);
    const produced = await producer.send([batch('a', 0, large), batch('a', 1, large), batch('b', 0, large)]);
    expect(brokers.requests.filter(({ api }) => api === 'Produce').map(({ partitions }) => partitions)).toEqual([
      ['a/0'],
      ['a/1'],
      ['b/0'],
    ]);
    expect(produced).toHaveLength(3);
  });

  test('asks for the leaders of a topic that it does not know', async () => {
    const { brokers, producer } = await open();
    brokers.createTopic('new', [2]);
    await producer.send([batch('a', 0, 'x')]);
    const before = brokers.looks;
    await producer.send([batch('new', 0, 'x')]);
    await producer.send([batch('new', 0, 'x'), batch('a', 0, 'x')]);
    expect(brokers.looks).toBe(before + 1);
    expect(logOf(brokers.partition('new', 0))).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  test('to a topic that does not exist is refused, and writes nothing', async () => {
    const { brokers, producer } = await open();
    await expect(producer.send([batch('a', 0, 'x'), batch('none', 0, 'x')])).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' });
    expect(brokers.apis(1)).toEqual([]);
  });

  test('finds a partition that was added, and a leader that was elected, since the last look', async () => {
    const { brokers, producer } = await open();
    brokers.createTopic('grows', [1]);
    await producer.send([batch('grows', 0, 'x')]);
    brokers.createTopic('grows', [1, 2]);
    await producer.send([batch('grows', 0, 'x'), batch('grows', 1, 'x')]).catch(() => undefined);
    expect(logOf(brokers.partition('grows', 1))).toEqual([[0, 1]]);
    brokers.createTopic('elects', [null]);
    await expect(producer.send([batch('elects', 0, 'x')])).rejects.toThrow('no broker leads');
    brokers.partition('elects', 0).leader = 1;
    await producer.send([batch('elects', 0, 'x')]);
    expect(logOf(brokers.partition('elects', 0))).toEqual([[0, 1]]);
  });

  test('to a partition without a leader says which', async () => {
    const { brokers, producer } = await open();
    brokers.createTopic('elects', [1, null]);
    const failure: unknown = await producer.send([batch('elects', 0, 'x'), batch('elects', 1, 'x')]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ProduceError);
    expect(failure).toMatchObject({ name: 'ProduceError', topic: 'elects', partition: 1 });
    expect(brokers.apis(1)).toEqual([]);
  });
});

describe('each batch of an answer counts', () => {
  const SENT = [
    ['a', 0],
    ['a', 1],
    ['b', 0],
    ['a', 2],
  ] as const;
  const CASES = SENT.flatMap(([topic, partition]) =>
    (['in order', 'in reverse'] as const).map((answers) => ({ topic, partition, answers })),
  );
  const sendAll = (producer: BatchProducer) =>
    producer.send(SENT.map(([topic, partition]) => batch(topic, partition, 'x', 'y'))).catch((error: unknown) => error);

  test.each(CASES)('$topic/$partition fails, of several that are answered $answers', async ({ topic, partition, answers }) => {
    const { brokers, producer } = await open();
    brokers.answers = answers;
    brokers.partition(topic, partition).errorCode = NOT_LEADER;
    const failure = await sendAll(producer);
    expect(failure).toBeInstanceOf(ProduceError);
    expect(failure).toMatchObject({
      name: 'ProduceError',
      topic,
      partition,
      cause: { code: NOT_LEADER },
      message: expect.stringContaining(`${topic}/${partition}`),
    });
  });

  test.each(CASES)(
    '$topic/$partition is refused, of several that are answered $answers, and all others are written',
    async ({ topic, partition, answers }) => {
      const { brokers, producer } = await open();
      brokers.answers = answers;
      brokers.partition(topic, partition).errorCode = RECORD_TOO_LARGE;
      const failure = await sendAll(producer);
      expect(failure).toBeInstanceOf(BatchesRefused);
      expect(failure).toMatchObject({
        name: 'BatchesRefused',
        refused: [{ topic, partition, cause: { type: 'MESSAGE_TOO_LARGE' } }],
        message: expect.stringContaining(`${topic}/${partition}`),
      });
      expect((failure as BatchesRefused).refused).toHaveLength(1);
      // As if what was refused had never been sent
      brokers.partition(topic, partition).errorCode = 0;
      expect(await sendAll(producer)).toHaveLength(4);
      const twice = [
        [0, 2],
        [2, 2],
      ];
      expect(SENT.map((each) => logOf(brokers.partition(each[0], each[1])))).toEqual(
        SENT.map((each) => (each[0] === topic && each[1] === partition ? [[0, 2]] : twice)),
      );
    },
  );

  test('all that are refused are reported, of all brokers and requests', async () => {
    const { brokers, producer } = await open();
    for (const [topic, partition, errorCode] of [
      ['a', 0, RECORD_TOO_LARGE],
      ['a', 2, REQUEST_TOO_LARGE],
      ['b', 0, INVALID_RECORD],
    ] as const) {
      brokers.partition(topic, partition).errorCode = errorCode;
    }
    const large = 'x'.repeat(5 * 1024 * 1024);
    const failure = await producer
      .send([batch('a', 0, large), batch('a', 1, large), batch('b', 0, 'x'), batch('a', 2, 'x')])
      .catch((error: unknown) => error);
    expect((failure as BatchesRefused).refused.map(({ topic, partition }) => `${topic}/${partition}`).toSorted()).toEqual([
      'a/0',
      'a/2',
      'b/0',
    ]);
    expect(logOf(brokers.partition('a', 1))).toEqual([[0, 1]]);
  });

  test('a failure counts more than what is refused', async () => {
    const { brokers, producer } = await open();
    brokers.partition('a', 0).errorCode = RECORD_TOO_LARGE;
    brokers.partition('a', 1).errorCode = NOT_LEADER;
    expect(await sendAll(producer)).toMatchObject({ name: 'ProduceError', topic: 'a', partition: 1 });
  });

  test('also of the second request to a broker', async () => {
    const { brokers, producer } = await open();
    brokers.partition('b', 0).errorCode = NOT_LEADER;
    const large = 'x'.repeat(5 * 1024 * 1024);
    await expect(producer.send([batch('a', 0, large), batch('b', 0, large)])).rejects.toMatchObject({ topic: 'b', partition: 0 });
  });

  test('a leader that moved is an error of its partition', async () => {
    const { brokers, producer } = await open();
    await producer.send([batch('a', 0, 'x')]);
    brokers.partition('a', 0).leader = 2;
    await expect(producer.send([batch('a', 0, 'x')])).rejects.toMatchObject({ topic: 'a', partition: 0, cause: { code: NOT_LEADER } });
  });
});

describe('a producer that is closed', () => {
  test('waits for what was sent, and refuses what is asked for later', async () => {
    const { brokers, producer } = await open();
    const gate = brokers.hold('Produce');
    const sent = producer.send([batch('a', 0, 'x')]);
    await expect.poll(() => brokers.apis()).toContain('Produce');
    let isClosed = false;
    const closing = producer.close().then(() => {
      isClosed = true;
    });
    await expect(producer.send([batch('a', 1, 'x')])).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('closed'),
    });
    expect(isClosed).toBe(false);
    gate.open();
    await Promise.all([sent, closing]);
    expect(brokers.apis(1)).toEqual(['Produce']);
  });

  test('closes also after an answer that is an error', async () => {
    const { brokers, producer } = await open();
    brokers.partition('a', 0).errorCode = RECORD_TOO_LARGE;
    const gate = brokers.hold('Produce');
    const sent = expect(producer.send([batch('a', 0, 'x')])).rejects.toThrow();
    await expect.poll(() => brokers.apis()).toContain('Produce');
    const closing = producer.close();
    gate.open();
    await Promise.all([sent, closing]);
  });

  test('does not send the next request of a send that is under way', async () => {
    const { brokers, producer } = await open();
    const gate = brokers.hold('Produce');
    const large = 'x'.repeat(5 * 1024 * 1024);
    const sent = expect(producer.send([batch('a', 0, large), batch('a', 1, large)])).rejects.toThrow('closed');
    await expect.poll(() => brokers.apis()).toContain('Produce');
    const closing = producer.close();
    gate.open();
    await Promise.all([sent, closing]);
    expect(brokers.partition('a', 1).batches).toEqual([]);
  });
});
