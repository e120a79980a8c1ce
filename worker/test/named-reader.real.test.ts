import { expect, test } from 'vitest';
import { idsFrom, StepFixture } from './support/step-fixture.ts';

const WIDER_SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Event',
  namespace: 'test',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'long' },
    { name: 'channel', type: 'string', default: 'web' },
  ],
});

/** All four tasks meet the reader schema and two ids for the first time, at once. */
test('two writers of an input with a named reader schema: every record is passed on', async () => {
  const step = await StepFixture.create({
    partitions: 4,
    settings: ({ input }) => ({
      inputs: [{ topic: input, format: 'avro', schema: { kind: 'subject', subject: `${input}-value`, version: 'latest' } }],
    }),
  });
  const second = `${step.names.input}-second`;
  await step.registry.register(`${second}-value`, WIDER_SCHEMA);
  const encoders = [await step.encoderOf(step.names.input), await step.encoderOf(second)];
  const ids = idsFrom('order', 100);
  await step.send(ids.map((id, at) => ({ key: id, partition: at % 4, value: encoders[at % 2]!({ id, amount: BigInt(at) }) })));
  const worker = await step.startWorker();
  await step.drained();

  expect(await step.read(step.names.deadLetter)).toEqual([]);
  const outputs = await step.read(step.names.output);
  expect(outputs.map(({ key }) => String(key)).toSorted()).toEqual(ids.toSorted());
  expect(worker.log.filter(({ msg }) => msg === 'task starts again')).toEqual([]);
});
