import { partitionOf } from '@sagafleet/kafka';
import { expect, test } from 'vitest';
import { DELIVERY, emitTo } from '../../test/support/settings.ts';
import { headersOf, idsFrom, StepFixture } from './support/step-fixture.ts';

test('every event is passed on once, with its key to the partition that Java clients choose, and headers', async () => {
  const step = await StepFixture.create({ partitions: 3, outputPartitions: 5 });
  await step.send(await step.events(idsFrom('order', 200)));
  const worker = await step.startWorker();
  await step.drained();

  const inputs = await step.read(step.names.input);
  const outputs = await step.read(step.names.output);
  expect(outputs.map(({ key }) => String(key)).sort()).toEqual(idsFrom('order', 200).sort());
  for (const output of outputs) {
    const input = inputs.find(({ key }) => key!.equals(output.key!))!;
    expect(output.partition).toBe(partitionOf(output.key!, 5));
    expect(await step.decode(output)).toEqual(await step.decode(input));
    expect(headersOf(output)).toEqual({
      ce_specversion: '1.0',
      ce_type: `${step.names.name}.done`,
      ce_source: `/sagafleet/default/${step.names.name}`,
      ce_id: `${input.topic}/${input.partition}/${input.offset}/${input.timestampMs}/${step.names.group}/done/0`,
      'saga-hops': '1',
    });
  }
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});

test('an event without a key keeps its partition number, a tombstone stays one', async () => {
  const step = await StepFixture.create({ partitions: 3 });
  const encode = await step.encoderOf(step.names.input);
  const value = encode({ id: 'a', amount: 1n, note: '' });
  await step.send([
    { key: null, value, partition: 2 },
    { key: 'gone', value: null, partition: 1 },
  ]);
  const worker = await step.startWorker();
  await step.drained();
  const outputs = await step.read(step.names.output);
  expect(outputs.find(({ key }) => key === null)).toMatchObject({ partition: 2, value });
  expect(outputs.find(({ key }) => key !== null)).toMatchObject({ key: Buffer.from('gone'), value: null });
  expect(outputs).toHaveLength(2);
  await worker.stop();
});

test('a CEL step chooses the outcome and maps event, key and headers', async () => {
  const step = await StepFixture.create({
    settings: ({ output }) => ({
      handler: { kind: 'cel', outcome: "event.amount >= 10 ? 'large' : 'small'" },
      outcomes: {
        large: {
          reject: null,
          emit: [
            emitTo(output, {
              event: "merge(event, {'amount': event.amount * 2, 'note': saga.id})",
              key: "'k-' + event.id",
              headers: { 'x-step': 'step.name' },
            }),
          ],
        },
        small: { reject: null, emit: [] },
      },
    }),
  });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const events = await step.events(idsFrom('order', 20));
  await step.send(events.map((event) => ({ ...event, headers: { traceparent, 'saga-hops': '3', unlisted: 'x' } })));
  const worker = await step.startWorker();
  await step.drained();
  const outputs = await step.read(step.names.output);
  expect(outputs).toHaveLength(10);
  for (const output of outputs) {
    const { id, amount, note } = (await step.decode(output)) as { id: string; amount: bigint; note: string };
    expect({ key: String(output.key), note, amount }).toEqual({ key: `k-${id}`, note: id, amount: 2n * BigInt(id.slice('order-'.length)) });
    expect(headersOf(output)).toMatchObject({
      'saga-id': id,
      'saga-hops': '4',
      traceparent,
      'x-step': step.names.name,
      ce_type: `${step.names.name}.large`,
    });
    expect(headersOf(output)).not.toHaveProperty('unlisted');
  }
  await worker.stop();
});

test('a drained group is at the end of an input that was written by transactions', async () => {
  const step = await StepFixture.create();
  const worker = await step.startWorker();
  for (let round = 0; round < 3; round++) await step.send(await step.events(idsFrom(`round-${round}`, 50)), { transactional: true });
  await step.drained();
  expect(await step.lag()).toEqual([0n, 0n, 0n]);
  expect(await step.read(step.names.output)).toHaveLength(150);
  await worker.stop();
});

test('at least once takes the same way', async () => {
  const step = await StepFixture.create({
    settings: () => ({ delivery: { ...DELIVERY, guarantee: 'AtLeastOnce', maxRecords: 50 } }),
  });
  const worker = await step.startWorker();
  await step.send(await step.events(idsFrom('order', 300)), { transactional: true });
  await step.drained();
  expect((await step.read(step.names.output)).map(({ key }) => String(key)).sort()).toEqual(idsFrom('order', 300).sort());
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});
