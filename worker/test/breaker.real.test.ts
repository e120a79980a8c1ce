/** A step whose records nearly all become dead letters. */
import { resumeGroupOf } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { emitTo } from '../../test/support/settings.ts';
import { until } from '../../test/support/until.ts';
import type { WorkerProcess } from '../../test/support/worker-process.ts';
import { idsFrom, StepFixture, type StepNames } from './support/step-fixture.ts';

/** Of an event whose amount is 7 nothing can be made. */
const settings = ({ output }: StepNames) => ({
  stopAfter: 5,
  outcomes: { done: { emit: [emitTo(output, { event: "merge(event, {'amount': event.amount / (event.amount - 7)})" })], reject: null } },
});

const stopOf = async ({ healthUrl }: WorkerProcess) =>
  ((await (await fetch(`${healthUrl}/livez`)).json()) as { stopped: Record<string, string> }).stopped[0];

async function sendBad(step: StepFixture, ids: readonly string[]): Promise<void> {
  const encode = await step.encoderOf(step.names.input);
  await step.send(ids.map((id) => ({ key: id, value: encode({ id, amount: 7n, note: '' }) })));
}

const keysOf = async (step: StepFixture, topic: string) => (await step.read(topic)).map(({ key }) => String(key));

test(
  'stops behind the fifth dead letter in a row, tries one record in its next process, and goes on when it is resumed',
  { timeout: 120_000 },
  async () => {
    const step = await StepFixture.create({ partitions: 1, settings });
    const { output, deadLetter, input, group, name } = step.names;
    await step.send(await step.events(['good']));
    await sendBad(step, idsFrom('bad', 12));
    const first = await step.startWorker();
    await first.logged('task stopped');
    expect(await keysOf(step, deadLetter)).toEqual(idsFrom('bad', 5));
    expect(await keysOf(step, output)).toEqual(['good']);
    expect(await stopOf(first)).toMatch(/^5 dead letters in a row, 5 of them encode: evaluation \(/);
    expect(first.output).toContain(`sagafleet resume ${name}`);
    expect(await first.probe('/readyz')).toBe(true);
    expect(await first.stop()).toEqual({ code: 0, signal: null });

    const second = await (await step.startWorker()).ready();
    await second.logged('task stopped');
    expect(await stopOf(second)).toContain('the first record after the stop is a dead letter too');
    expect(await keysOf(step, deadLetter)).toEqual(idsFrom('bad', 5));

    const [stopped] = await step.admin.notedOffsets(group);
    expect(stopped).toMatchObject({ topic: input, partition: 0, offset: 6n });
    await step.admin.commitOffsets(resumeGroupOf(group), [{ topic: input, partition: 0, offset: 6n }]);
    await until('it to go on and to stop again', async () => (await keysOf(step, deadLetter)).length === 10);
    await until('it to be stopped', async () => (await stopOf(second)) !== undefined);
    expect((await step.admin.notedOffsets(group))[0]).toMatchObject({ offset: 11n });
  },
);

test('goes on where the settings changed', async () => {
  const step = await StepFixture.create({ partitions: 1, settings });
  await sendBad(step, idsFrom('bad', 8));
  const first = await step.startWorker();
  await first.logged('task stopped');
  await first.stop();
  step.settings.outcomes['done']!.emit[0]!.event = null;
  await step.startWorker();
  await step.drained();
  expect(await keysOf(step, step.names.output)).toEqual(idsFrom('bad', 8).slice(5));
});
