import { expect, test } from 'vitest';
import { StepFixture } from './support/step-fixture.ts';

test('a record without a key for a compacted topic becomes a dead letter, and the next one comes out', async () => {
  const step = await StepFixture.create({ partitions: 1, topicConfig: { output: { 'cleanup.policy': 'compact' } } });
  await step.startWorker();
  const [first, second] = await step.events(['a', 'b']);
  await step.send([{ ...first!, key: null }, second!]);
  await step.drained();
  expect((await step.read(step.names.output)).map(({ key }) => key?.toString())).toEqual(['b']);
  const [deadLetter] = await step.read(step.names.deadLetter);
  expect(Object.fromEntries(deadLetter!.headers.map(([name, value]) => [name, value?.toString()]))).toMatchObject({
    'sagafleet-stage': 'produce', 'sagafleet-error-class': 'permanent', 'sagafleet-error-message': expect.stringContaining('without a key') as string,
  });
});
