import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import {
  BatchesRefused,
  BatchProducer,
  Connections,
  RecordBatchBuilder,
  TransactionalProducers,
  type PartitionBatch,
} from '../src/index.ts';
import { client, connectAdmin, createTopic, readAll, readUntil, uniqueName } from './cluster-under-test.ts';

const OPEN: Record<string, (connections: Connections) => Promise<BatchProducer>> = {
  'an idempotent producer': (connections) => BatchProducer.openIdempotent(connections),
  'a transaction': async (connections) => {
    const [admin, group] = [await connectAdmin(), uniqueName('group')];
    // A broker that just started makes the topic of the offsets when it is first asked for one
    await admin.committedOffsets(group, [await createTopic()]);
    const producers = new TransactionalProducers(connections, { group, outputs: [], transactionTimeoutMs: 15_000 });
    const producer = await producers.open({
      transactionalId: uniqueName('producer'),
      inputs: [],
      throwIfOver: () => {},
      isBehind: () => false,
      toldPosition: () => null,
    });
    await producer.activate();
    return producer;
  },
};

async function open(kind: string): Promise<BatchProducer> {
  const connections = new Connections(client());
  onTestFinished(() => connections.close());
  return OPEN[kind]!(connections);
}

const batchTo = (topic: string, partition: number, values: readonly string[], key: string | null = 'k'): PartitionBatch => ({
  topic,
  partition,
  records: RecordBatchBuilder.of(
    values.map((value) => ({ key: key === null ? null : Buffer.from(key), value: Buffer.from(value), constantHeaders: [], headers: [] })),
  ),
});

/** Which partitions are refused. */
async function refusedOf(sending: Promise<unknown>): Promise<string[]> {
  const error = await sending.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BatchesRefused);
  return (error as BatchesRefused).refused
    .map(({ topic, partition, cause }) => `${topic}/${partition} ${(cause as { type: string }).type}`)
    .sort();
}

test.each(Object.keys(OPEN))('%s writes what else it sent, and goes on with parts of a batch that is refused', async (kind) => {
  const [topic, compacted] = [
    await createTopic(2, { 'max.message.bytes': '10000' }),
    await createTopic(1, { 'cleanup.policy': 'compact' }),
  ];
  const producer = await open(kind);
  // Sequences that begin with what is refused, and that go on after it
  for (const round of ['a', 'b']) {
    const large = batchTo(topic, 0, [`${round}1`, `${round}2`, round.repeat(20_000), `${round}3`]);
    const keyless = batchTo(compacted, 0, [`${round}1`], null);
    expect(await refusedOf(producer.send([large, batchTo(topic, 1, [`${round}1`]), keyless]))).toEqual(
      [`${topic}/0 MESSAGE_TOO_LARGE`, `${compacted}/0 INVALID_RECORD`].sort(),
    );
    for (const records of large.records.split(5_000)) {
      const sending = producer.send([{ topic, partition: 0, records }]);
      if (records.bytes > 10_000) expect(await refusedOf(sending)).toEqual([`${topic}/0 MESSAGE_TOO_LARGE`]);
      else await sending;
    }
    await producer.send([batchTo(compacted, 0, [`${round}2`]), batchTo(topic, 1, [`${round}2`])]);
  }
  if (kind === 'a transaction') {
    await producer.commit();
    await producer.settled;
  }
  await readUntil(compacted, 'b2');
  const valuesOf = (records: { partition: number; value: Buffer | null }[], partition: number) =>
    records.filter((record) => record.partition === partition).map(({ value }) => String(value));
  const records = await readAll(topic);
  expect(valuesOf(records, 0)).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3']);
  expect(valuesOf(records, 1)).toEqual(['a1', 'a2', 'b1', 'b2']);
  expect(valuesOf(await readAll(compacted), 0)).toEqual(['a2', 'b2']);
  await producer.close();
});

/** The broker changes them before it looks at their size again. */
test.each(['gzip', 'uncompressed', 'lz4'])(
  'what only its size as it is stored with %s makes too large is refused without a trace, too',
  async (codec) => {
    const topic = await createTopic(1, { 'max.message.bytes': '10000', 'compression.type': codec });
    const producer = await open('an idempotent producer');
    // Repeated at a distance that only zstd sees
    const stretch = randomBytes(4_000).toString('hex') + ' '.repeat(70_000);
    const large = batchTo(topic, 0, [stretch.repeat(40)]);
    large.records.compress('zstd');
    expect(large.records.bytes).toBeLessThan(10_000);
    expect(await refusedOf(producer.send([large]))).toEqual([`${topic}/0 MESSAGE_TOO_LARGE`]);
    await producer.send([batchTo(topic, 0, ['after'])]);
    expect((await readAll(topic)).map(({ value }) => String(value))).toEqual(['after']);
    await producer.close();
  },
);
