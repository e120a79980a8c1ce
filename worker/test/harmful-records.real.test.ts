/** Records that end their worker, keep its event loop, or take long. */
import type { ReadRecord } from '@sagafleet/kafka';
import { DEAD_LETTER_HEADERS as NAMES } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { until } from '../../test/support/until.ts';
import type { WorkerProcess } from '../../test/support/worker-process.ts';
import { headersOf, idsFrom, StepFixture } from './support/step-fixture.ts';

type Harm = 'kill' | 'block' | 'throw' | 'slow';

const PRELOAD = new URL('./preloads/harmful-records.ts', import.meta.url).href;
const start = (step: StepFixture, harm: Harm, slowMs = 0): Promise<WorkerProcess> =>
  step.startWorker({ NODE_OPTIONS: `--import=${PRELOAD}`, SAGAFLEET_TEST_HARM: harm, SAGAFLEET_TEST_SLOW_MS: String(slowMs) });

const BEFORE = idsFrom('before', 40);
const AFTER = idsFrom('after', 40);
/** Once in a batch, once in a smaller one, then twice alone. */
const ENDED_WORKERS = 4;

/** Others are in its own partition, and in those that a worker processes beside it. */
async function stepWithOne(): Promise<StepFixture> {
  const step = await StepFixture.create({ partitions: 3 });
  await step.send(await step.events([...BEFORE, 'harmful', ...AFTER]));
  return step;
}

async function expectDeadLetter(step: StepFixture, others: readonly string[] = []): Promise<void> {
  const keysOf = (records: readonly ReadRecord[]) => records.map(({ key }) => String(key));
  expect(keysOf(await step.read(step.names.output)).sort()).toEqual([...BEFORE, ...AFTER, ...others].sort());
  const letters = await step.read(step.names.deadLetter);
  expect(keysOf(letters)).toEqual(['harmful']);
  expect(headersOf(letters[0]!)).toMatchObject({
    [NAMES.stage]: 'handle',
    [NAMES.errorCode]: 'ended-worker',
    [NAMES.errorMessage]: expect.stringContaining('3 workers ended while they processed this record') as string,
  });
}

test('a record that kills its worker, twice alone, is a dead letter, and nothing else is', { timeout: 120_000 }, async () => {
  const step = await stepWithOne();
  const others: string[] = [];
  for (let nth = 1; nth <= ENDED_WORKERS; nth++) {
    // So that each worker has records of other tasks in hand when it ends
    const more = idsFrom(`round-${nth}`, 30);
    await step.send(await step.events(more));
    others.push(...more);
    expect(await (await start(step, 'kill')).ended).toEqual({ code: null, signal: 'SIGKILL' });
  }
  await start(step, 'kill');
  await step.drained(60_000);
  await expectDeadLetter(step, others);
});

test('one that comes alone is a dead letter after the third worker that it ends', { timeout: 120_000 }, async () => {
  const step = await StepFixture.create({ partitions: 3 });
  await step.send(await step.events(['harmful']));
  for (let nth = 1; nth <= 3; nth++) expect(await (await start(step, 'kill')).ended).toEqual({ code: null, signal: 'SIGKILL' });
  await step.send(await step.events([...BEFORE, ...AFTER]));
  await start(step, 'kill');
  await step.drained(60_000);
  await expectDeadLetter(step);
});

test('one at which sagafleet has a defect ends as many processes at most, each after three tries', { timeout: 120_000 }, async () => {
  const step = await stepWithOne();
  const drained = step.drained(100_000).then(() => null);
  let nth = 0;
  for (let ended; ended !== null; nth++) {
    const worker = await start(step, 'throw');
    ended = await Promise.race([worker.ended, drained]);
    if (ended === null) break;
    expect(ended).toEqual({ code: 1, signal: null });
    expect(worker.log.filter(({ msg }) => msg === 'task starts again').length).toBeGreaterThanOrEqual(2);
  }
  // Tries of one process take fewer records each time, and may leave it the first one
  expect([ENDED_WORKERS - 1, ENDED_WORKERS]).toContain(nth);
  await expectDeadLetter(step);
});

test(
  'one that keeps the event loop for longer than a session passes from worker to worker, and is a dead letter in the end',
  { timeout: 200_000 },
  async () => {
    const step = await stepWithOne();
    await Promise.all([start(step, 'block'), start(step, 'block')]);
    await step.drained(150_000);
    await expectDeadLetter(step);
  },
);

test.each([
  { slowMs: 13, count: 1_400 },
  { slowMs: 100, count: 200 },
])(
  'two workers share $count records of $slowMs ms, longer in all than a session, and neither loses a task over it',
  { timeout: 120_000 },
  async ({ slowMs, count }) => {
    const step = await StepFixture.create({ partitions: 2 });
    const ids = idsFrom('harmful', count);
    const workers = await Promise.all([start(step, 'slow', slowMs), start(step, 'slow', slowMs)]);
    await Promise.all(workers.map((worker) => worker.ready()));
    await until('each to have a task', async () =>
      (await Promise.all(workers.map((worker) => worker.tasks()))).every(({ length }) => length === 1),
    );
    await step.send(await step.events(ids));
    await step.drained(90_000);
    expect((await step.read(step.names.output)).map(({ key }) => String(key)).sort()).toEqual(ids.sort());
    expect(workers.flatMap(({ log }) => log.filter(({ msg }) => msg === 'task starts again'))).toEqual([]);
  },
);
