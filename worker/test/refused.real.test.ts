import { expect, test } from 'vitest';
import { headersOf, StepFixture } from './support/step-fixture.ts';

test('a record without a key for a compacted topic becomes a dead letter, and the next one comes out', async () => {
  const step = await StepFixture.create({ partitions: 1, topicConfig: { output: { 'cleanup.policy': 'compact' } } });
  await step.startWorker();
  const [first, second] = await step.events(['a', 'b']);
  await step.send([{ ...first!, key: null }, second!]);
  await step.drained();
  expect((await step.read(step.names.output)).map(({ key }) => key?.toString())).toEqual(['b']);
  const [deadLetter] = await step.read(step.names.deadLetter);
  expect(Object.fromEntries(deadLetter!.headers.map(([name, value]) => [name, value?.toString()]))).toMatchObject({
    'sagafleet-stage': 'produce',
    'sagafleet-error-class': 'permanent',
    'sagafleet-error-message': expect.stringContaining('without a key') as string,
  });
});

test('a dead-letter topic that is compacted gets the place of a record without a key, and the next one comes out', async () => {
  const step = await StepFixture.create({ partitions: 1, topicConfig: { deadLetter: { 'cleanup.policy': 'compact' } } });
  await step.startWorker();
  await step.send([{ key: null, value: Buffer.from('noise') }, ...(await step.events(['a']))]);
  await step.drained();
  const letters = await step.read(step.names.deadLetter);
  expect(letters.map(({ key, value }) => [String(key), value])).toEqual([[`${step.names.input}/0/0`, null]]);
  expect(headersOf(letters[0]!)['sagafleet-stub']).toContain('without a key');
  expect((await step.read(step.names.output)).map(({ key }) => String(key))).toEqual(['a']);
});
