import {
  BatchesRefused,
  type Connections,
  HungTransaction,
  KafkaError,
  MarkersMissing,
  ProduceError,
  RecordBatchBuilder,
  type TransactionalProducers,
} from '@sagafleet/kafka';
import { describe, expect, test } from 'vitest';
import { RefusedBatch } from '../driver.ts';
import { createIdempotentProducer, createTransactionalProducer, endLeftOpen, toSendError } from './producers.ts';

const holder = { transactionalId: 'x', inputs: [], throwIfOver: () => undefined, isBehind: () => false, toldPosition: () => null };
const AS = { memberId: 'me', generation: 5 };
const member = { membership: AS };
const position = { topic: 'in', partition: 0, offset: 8n };
const batch = () => ({
  topic: 'a',
  partition: 0,
  records: RecordBatchBuilder.of([{ key: null, value: Buffer.from('x'), constantHeaders: [], headers: [] }]),
});
const brokerError = (type: string) => Object.assign(new Error(`the broker says ${type}`), { type });
const outcomeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

/** What a producer is asked for, in order. */
function producerWith(failures: Record<string, Error> = {}) {
  const steps: unknown[] = [];
  const step =
    (name: string) =>
    async (...args: unknown[]) => {
      steps.push(args.length > 0 ? [name, ...args] : name);
      if (failures[name]) throw failures[name];
    };
  const producer = {
    activate: step('activate'),
    send: step('send'),
    sendOffsets: step('sendOffsets'),
    commit: step('commit'),
    close: step('close'),
    get settled() {
      return step('settled')();
    },
  };
  const producers = { open: async () => producer, endLeftOpen: step('endLeftOpen') } as unknown as TransactionalProducers;
  return { steps, producers };
}

describe('a producer with transactions', () => {
  const open = async (failures: Record<string, Error> = {}) => {
    const { steps, producers } = producerWith(failures);
    return {
      steps,
      producer: await createTransactionalProducer(producers, {
        ...holder,
        member,
        group: 'g',
        metadataOf: ({ offset }) => `beside ${offset}`,
      }),
    };
  };

  test('writes and moves positions, with what is stored beside them, before it commits', async () => {
    const { steps, producer } = await open();
    await producer.activate!();
    const [transaction, sent] = [await producer.begin(), batch()];
    expect(transaction.isAtomic).toBe(true);
    await transaction.send([sent]);
    await transaction.sendOffsets([position]);
    await transaction.commit();
    await producer.settled!();
    await producer.discard();
    expect(steps).toEqual([
      'activate',
      ['send', [sent]],
      ['sendOffsets', 'g', AS, [{ ...position, metadata: 'beside 8' }]],
      'commit',
      'settled',
      'close',
    ]);
  });

  test('is discarded when nothing that it sent can be answered any more', async () => {
    const closing = Promise.withResolvers<void>();
    const open = async () => ({ close: () => closing.promise });
    const producer = await createTransactionalProducer({ open } as unknown as TransactionalProducers, {
      ...holder,
      member,
      group: 'g',
      metadataOf: () => '',
    });
    let isOver = false;
    const discarded = producer.discard().then(() => {
      isOver = true;
    });
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    closing.resolve();
    await discarded;
  });

  test('is discarded also where it cannot be closed', async () => {
    const { producer } = await open({ close: new Error('no broker') });
    await expect(producer.discard()).resolves.toBeUndefined();
  });

  test('that cannot see its markers is systemic, and says whether they are missing', async () => {
    const missing = await open({ settled: new MarkersMissing('markers of a/0 are missing') });
    await expect(missing.producer.settled!()).rejects.toMatchObject({
      code: 'markers-missing',
      consequence: 'systemic',
      cause: expect.any(MarkersMissing),
    });
    const away = await open({ settled: new Error('no broker') });
    await expect(away.producer.settled!()).rejects.toMatchObject({
      code: 'broker-unavailable',
      consequence: 'systemic',
      message: expect.stringContaining('no broker'),
      cause: { message: 'no broker' },
    });
  });

  test('that finds a transaction which only an administrator can end says so', async () => {
    const hung = new HungTransaction('x', { group: 'g', open: null });
    const open = async () => {
      throw hung;
    };
    const failure = outcomeOf(
      createTransactionalProducer({ open } as unknown as TransactionalProducers, { ...holder, member, group: 'g', metadataOf: () => '' }),
    );
    expect(await failure).toMatchObject({ code: 'hung-transaction', consequence: 'systemic', message: hung.message, cause: hung });
    expect(await outcomeOf(endLeftOpen(producerWith({ endLeftOpen: hung }).producers, holder))).toMatchObject({
      code: 'hung-transaction',
      cause: hung,
    });
    const other = new KafkaError('no-broker', 'no broker');
    expect(await outcomeOf(endLeftOpen(producerWith({ endLeftOpen: other }).producers, holder))).toBe(other);
  });
});

/** Connections of which each request and commit is told. */
async function atLeastOnce({ isOver = false, failure = null as Error | null } = {}) {
  const steps: string[] = [];
  const connections = {
    leaders: { look: async () => undefined, ensure: async () => undefined, leaderOf: () => ({ leader: 1, leaderEpoch: 0 }) },
    sendToAny: async () => {
      steps.push('init');
      return { producerId: '1', producerEpoch: 0 };
    },
    send: async () => {
      await new Promise(setImmediate);
      if (failure) throw failure;
      steps.push('write');
      return { batches: [] };
    },
  } as unknown as Connections;
  const producer = await createIdempotentProducer(connections, {
    member,
    throwIfOver: () => {
      if (isOver) throw new Error('the task was lost');
    },
    commitOffsets: async (as, positions) => {
      steps.push(`${as.memberId} commits ${positions.map(({ topic, offset }) => `${topic}@${offset}`).join(' ')}`);
    },
  });
  return { steps, producer };
}

describe('a producer without transactions', () => {
  test('commits its positions only when its records are written', async () => {
    const { steps, producer } = await atLeastOnce();
    const transaction = await producer.begin();
    expect(transaction.isAtomic).toBe(false);
    await Promise.all([transaction.send([batch()]), transaction.sendOffsets([position, { ...position, topic: 'other', offset: 3n }])]);
    expect(steps).toEqual(['init', 'write']);
    await transaction.commit();
    expect(steps).toEqual(['init', 'write', 'me commits in@8 other@3']);
  });

  test('commits nothing of the transaction before', async () => {
    const { steps, producer } = await atLeastOnce();
    await (await producer.begin()).sendOffsets([position]);
    await (await producer.begin()).commit();
    expect(steps).toEqual(['init', 'me commits ']);
  });

  test('is not opened for a task that was lost', async () => {
    await expect(atLeastOnce({ isOver: true })).rejects.toThrow('lost');
  });

  test('fails with what the broker says, and writes nothing once it is discarded', async () => {
    const { producer } = await atLeastOnce({ failure: new KafkaError('no-broker', 'no broker') });
    const transaction = await producer.begin();
    await expect(transaction.send([batch()])).rejects.toMatchObject({
      code: 'broker-unavailable',
      message: 'cannot write to a: no broker',
    });
    await producer.discard();
    await expect(transaction.send([batch()])).rejects.toThrow('closed');
  });
});

describe('what a broker says of a write', () => {
  const about = (type: string) => new ProduceError('b', 2, brokerError(type));
  const CASES: Record<string, { error: Error; is: object }> = {
    'that the topic is gone': {
      error: about('UNKNOWN_TOPIC_OR_PARTITION'),
      is: { code: 'topic-missing', consequence: 'systemic', message: expect.stringMatching(/^topic b does not/) },
    },
    'that some topic is not there': {
      error: brokerError('UNKNOWN_TOPIC_OR_PARTITION'),
      is: { code: 'topic-missing', message: expect.stringMatching(/^topic a, b does not/) },
    },
    'that it does not lead the partition': {
      error: about('NOT_LEADER_OR_FOLLOWER'),
      is: { code: 'broker-unavailable', consequence: 'systemic', message: expect.stringMatching(/^cannot write to a, b: .*NOT_LEADER/) },
    },
    nothing: { error: new Error('closed'), is: { code: 'broker-unavailable', message: 'cannot write to a, b: closed' } },
  };
  test.each(Object.entries(CASES))('%s', (_, { error, is }) => {
    expect(toSendError([{ topic: 'a' }, { topic: 'b' }, { topic: 'a' }], error)).toMatchObject({ ...is, cause: error });
  });

  test('that it refuses batches, as too large or for another reason, is told of each', async () => {
    const batches = [0, 1, 2].map((partition) => ({ ...batch(), partition }));
    const errors = [new ProduceError('a', 2, brokerError('INVALID_RECORD')), new ProduceError('a', 0, brokerError('MESSAGE_TOO_LARGE'))];
    const { producers } = producerWith({ send: new BatchesRefused(errors) });
    const producer = await createTransactionalProducer(producers, { ...holder, member, group: 'g', metadataOf: () => '' });
    const refusals = await (await producer.begin()).send(batches);
    expect(refusals.every((each) => each instanceof RefusedBatch)).toBe(true);
    expect(refusals).toMatchObject([
      { code: 'output-refused', consequence: 'permanent', topic: 'a', partition: 2, cause: errors[0] },
      { code: 'output-too-large', consequence: 'permanent', topic: 'a', partition: 0, cause: errors[1] },
    ]);
  });

  test('that it takes all, refuses nothing', async () => {
    const producer = await createTransactionalProducer(producerWith().producers, { ...holder, member, group: 'g', metadataOf: () => '' });
    expect(await (await producer.begin()).send([batch()])).toEqual([]);
  });
});
