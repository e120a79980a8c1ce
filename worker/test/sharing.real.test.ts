import { expect, test } from 'vitest';
import { DELIVERY } from '../../test/support/settings.ts';
import { until } from '../../test/support/until.ts';
import type { WorkerProcess } from '../../test/support/worker-process.ts';
import { headersOf, idsFrom, StepFixture } from './support/step-fixture.ts';

/** Which tasks each of the workers owns; null while they do not share all of them between each other. */
async function shareOf(workers: readonly WorkerProcess[], tasks: number): Promise<number[][] | null> {
  const owned = await Promise.all(workers.map((worker) => worker.tasks()));
  const ready = await Promise.all(workers.map((worker) => worker.probe('/readyz')));
  return ready.every(Boolean) && owned.flat().sort().join() === [...Array(tasks).keys()].join() ? owned : null;
}

/** Every input became one output, and outputs of a key came in the order of their inputs. */
async function expectOnceAndInOrder(step: StepFixture): Promise<void> {
  const [inputs, outputs] = await Promise.all([step.read(step.names.input), step.read(step.names.output)]);
  const idOf = (topic: string, partition: number, offset: bigint) => `${topic}/${partition}/${offset}`;
  const wanted = inputs.map(({ topic, partition, offset }) => idOf(topic, partition, offset));
  const came = outputs.map((output) => headersOf(output)['ce_id']!.split('/').slice(0, 3).join('/'));
  expect({ outputs: came.length, distinct: new Set(came).size }).toEqual({ outputs: wanted.length, distinct: wanted.length });
  expect(new Set(came)).toEqual(new Set(wanted));
  const orderOf = (records: typeof inputs, ids: readonly string[]) =>
    Map.groupBy(
      records.map(({ key }, at) => ({ key: String(key), id: ids[at]! })),
      ({ key }) => key,
    );
  const [wantedOrder, cameOrder] = [orderOf(inputs, wanted), orderOf(outputs, came)];
  for (const [key, ids] of wantedOrder) expect(cameOrder.get(key)).toEqual(ids);
}

/** Records of 100 keys, so that each key has many. */
async function manyEvents(step: StepFixture, count: number) {
  const events = await step.events(idsFrom('event', count));
  return events.map((event, at) => ({ ...event, key: `key-${at % 100}` }));
}

test('two and three workers share the tasks evenly, and take over when one leaves', async () => {
  const step = await StepFixture.create({ partitions: 6 });
  const first = await (await step.startWorker()).ready();
  expect(await first.tasks()).toHaveLength(6);

  const second = await step.startWorker();
  const byTwo = await until('two workers to share 6 tasks', () => shareOf([first, second], 6));
  expect(byTwo.map((tasks) => tasks.length)).toEqual([3, 3]);

  const third = await step.startWorker();
  const byThree = await until('three workers to share 6 tasks', () => shareOf([first, second, third], 6));
  expect(byThree.map((tasks) => tasks.length)).toEqual([2, 2, 2]);

  expect(await second.stop()).toEqual({ code: 0, signal: null });
  const rest = await until('two workers to share again', () => shareOf([first, third], 6));
  expect(rest.map((tasks) => tasks.length)).toEqual([3, 3]);
  expect(rest[0]).toEqual(expect.arrayContaining(byThree[0]!));
});

test('a worker without a task is ready', async () => {
  const step = await StepFixture.create({ partitions: 1 });
  const workers = [await step.startWorker(), await step.startWorker()];
  const owned = await until('one task for two workers', () => shareOf(workers, 1));
  expect(owned.map((tasks) => tasks.length).sort()).toEqual([0, 1]);
});

test('a worker killed in the middle loses nothing, doubles nothing and keeps the order of each key', async () => {
  const step = await StepFixture.create({
    partitions: 4,
    settings: () => ({ delivery: { ...DELIVERY, maxRecords: 50 } }),
  });
  const workers = [await step.startWorker(), await step.startWorker()];
  await until('both workers to share', () => shareOf(workers, 4));
  const sending = step.send(await manyEvents(step, 5_000));
  await until('work to be under way', async () => (await step.read(step.names.output)).length > 200);
  expect(await workers[0]!.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  await sending;
  await step.drained();
  await expectOnceAndInOrder(step);
});

test('SIGTERM under load finishes what is under way and exits 0', async () => {
  const step = await StepFixture.create({
    partitions: 4,
    settings: () => ({ delivery: { ...DELIVERY, maxRecords: 20 } }),
  });
  const first = await (await step.startWorker()).ready();
  await step.send(await manyEvents(step, 5_000));
  await until('work to be under way', async () => (await step.read(step.names.output)).length > 0);
  expect(await first.stop()).toEqual({ code: 0, signal: null });
  expect(first.log.filter(({ level }) => level !== 'info')).toEqual([]);

  await step.startWorker();
  await step.drained();
  await expectOnceAndInOrder(step);
});

test('a worker frozen past its session writes nothing twice when it wakes', async () => {
  const step = await StepFixture.create({
    partitions: 4,
    settings: () => ({ delivery: { ...DELIVERY, maxRecords: 50 } }),
  });
  const [frozen, other] = [await step.startWorker(), await step.startWorker()];
  await until('both workers to share', () => shareOf([frozen, other], 4));
  await step.send(await manyEvents(step, 4_000));
  await until('work to be under way', async () => (await step.read(step.names.output)).length > 200);
  frozen.signal('SIGSTOP');
  await until('the other worker to own every task', () => shareOf([other], 4));
  await step.drained();
  await step.send(await manyEvents(step, 500));
  frozen.signal('SIGCONT');
  await until('both workers to share again', () => shareOf([frozen, other], 4));
  await step.drained();
  await expectOnceAndInOrder(step);
  expect(await frozen.stop()).toEqual({ code: 0, signal: null });
});

test('partitions added while running are read from their beginning, and once', async () => {
  const step = await StepFixture.create({ partitions: 2 });
  const workers = [await step.startWorker(), await step.startWorker()];
  await until('both workers to share', () => shareOf(workers, 2));
  await step.send(await step.events(idsFrom('before', 50)));
  await step.drained();
  await step.admin.growPartitions(step.names.input, 4);
  const events = await step.events(idsFrom('after', 40));
  await step.send(events.map((event, at) => ({ ...event, partition: at % 4 })));
  await until('the new partitions to be shared', () => shareOf(workers, 4));
  await step.drained();
  await workers[0]!.stop('SIGKILL');
  await until('the other worker to own every task', () => shareOf([workers[1]!], 4));
  await step.send((await step.events(idsFrom('last', 4))).map((event, at) => ({ ...event, partition: at })));
  await step.drained();
  await expectOnceAndInOrder(step);
});
