/** A null value is not an empty one (redpanda-data/connect#3660, dapr/components-contrib#3510). */
import { expect, test } from 'vitest';
import { emitTo } from '../../test/support/settings.ts';
import { freePort } from '../../test/support/worker-process.ts';
import { headersOf, StepFixture, type FixtureOptions } from './support/step-fixture.ts';

/** No registry answers there, so that whatever needs one stops the partition. */
const withoutRegistry = async (options: FixtureOptions = {}): Promise<StepFixture> =>
  StepFixture.create({ partitions: 1, ...options, registryUrl: `http://127.0.0.1:${await freePort()}` });

const changing = (event: string): FixtureOptions => ({
  settings: ({ output }) => ({ outcomes: { done: { reject: null, emit: [emitTo(output, { event })] } } }),
});

test('a null value passes as null under its key, an empty one becomes a dead letter of no bytes, and neither needs a registry', async () => {
  const step = await withoutRegistry();
  await step.send([
    { key: 'gone', value: null },
    { key: 'hollow', value: Buffer.alloc(0) },
  ]);
  await step.startWorker();
  await step.drained();
  expect(await step.read(step.names.output)).toMatchObject([{ key: Buffer.from('gone'), value: null }]);
  expect(await step.read(step.names.deadLetter)).toMatchObject([{ key: Buffer.from('hollow'), value: Buffer.alloc(0) }]);
});

test.each(["merge(event, {'note': 'seen'})", "{'id': event.id, 'amount': 1}"])(
  'a null value of which %s reads fields becomes a dead letter of null',
  async (event) => {
    const step = await withoutRegistry(changing(event));
    await step.send([{ key: 'gone', value: null }]);
    await step.startWorker();
    await step.drained();
    const [letter] = await step.read(step.names.deadLetter);
    expect(letter).toMatchObject({ key: Buffer.from('gone'), value: null });
    expect(headersOf(letter!)).toMatchObject({ 'sagafleet-error-class': 'permanent', 'sagafleet-stage': 'encode' });
    expect(await step.read(step.names.output)).toEqual([]);
  },
);

test('an expression may make an event of a null value', async () => {
  const step = await StepFixture.create({ partitions: 1, ...changing("event == null ? {'id': record.key, 'amount': 0} : event") });
  await step.send([{ key: 'gone', value: null }]);
  await step.startWorker();
  await step.drained();
  const [output] = await step.read(step.names.output);
  expect(await step.decode(output!)).toEqual({ id: 'gone', amount: 0n, note: '' });
});
