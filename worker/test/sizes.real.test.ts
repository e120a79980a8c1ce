import type { TopicLimitSettings } from '@sagafleet/schemas';
import type { Message } from 'kafkajs';
import { expect, test } from 'vitest';
import { DELIVERY, emitTo } from '../../test/support/settings.ts';
import { until } from '../../test/support/until.ts';
import type { WorkerProcess } from '../../test/support/worker-process.ts';
import { headersOf, idsFrom, StepFixture, type StepNames } from './support/step-fixture.ts';

const LARGE_AT = 137;
const limitOf = (bytes: number, compressionType = 'producer') => ({
  'max.message.bytes': String(bytes),
  'compression.type': compressionType,
});
const told = (maxMessageBytes: number, compressionType = 'producer'): TopicLimitSettings => ({ maxMessageBytes, compressionType });
const atLeastOnce = { delivery: { ...DELIVERY, guarantee: 'AtLeastOnce' as const } };

/** Characters in which no stretch repeats, the same in each run. */
function noise(length: number): string {
  let state = 12_345;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return String.fromCharCode(0x4e00 + ((state >>> 16) % 20_000));
  }).join('');
}

/** Records with notes, at their places; the others are small. */
async function events(step: StepFixture, count: number, notes: Record<number, string> = {}): Promise<Message[]> {
  const encode = await step.encoderOf(step.names.input);
  return idsFrom('order', count).map((id, at) => ({ key: id, value: encode({ id, amount: BigInt(at), note: notes[at] ?? '' }) }));
}

const keysOf = async (step: StepFixture, topic: string) => (await step.read(topic)).map(({ key }) => String(key));
const sorted = (keys: readonly string[]) => [...keys].sort();
const without = (count: number, ...left: number[]) => idsFrom('order', count).filter((_, at) => !left.includes(at));
const refusalsIn = (worker: WorkerProcess) =>
  worker.log.filter(({ msg }) => msg === 'batch rejected by the broker, sending it in another form').length;

/** One record of 400 has a value of 180 kB, which no codec makes small. */
const CASES: Record<string, { settings: (names: StepNames) => object; topic?: Record<string, string>; starts: number }> = {
  'at least once, with the limit found out by sending': { settings: () => atLeastOnce, starts: 1 },
  'at least once, with the limit told': {
    settings: ({ output }) => ({ ...atLeastOnce, topicLimits: { [output]: told(50_000) } }),
    starts: 1,
  },
  'at least once, with a limit that was lowered since it was told': {
    settings: ({ output }) => ({ ...atLeastOnce, topicLimits: { [output]: told(1_048_588) } }),
    starts: 1,
  },
  'at least once, on a topic that stores batches plain': {
    settings: ({ output }) => ({ ...atLeastOnce, topicLimits: { [output]: told(50_000, 'uncompressed') } }),
    topic: limitOf(50_000, 'uncompressed'),
    starts: 1,
  },
  'at least once, on a topic with gzip': {
    settings: ({ output }) => ({ ...atLeastOnce, topicLimits: { [output]: told(50_000, 'gzip') } }),
    topic: limitOf(50_000, 'gzip'),
    starts: 1,
  },
  'exactly once, with the limit told': { settings: ({ output }) => ({ topicLimits: { [output]: told(50_000) } }), starts: 1 },
  'exactly once, with the limit found out by sending': { settings: () => ({}), starts: 2 },
};

test.each(Object.entries(CASES))(
  'of 400 records one is too large for the output, %s: 399 come out and one is a dead letter, each once',
  async (_, { settings, topic = limitOf(50_000), starts }) => {
    const step = await StepFixture.create({ partitions: 1, outputPartitions: 3, topicConfig: { output: topic }, settings });
    await step.send(await events(step, 400, { [LARGE_AT]: noise(60_000) }));
    const worker = await step.startWorker();
    await step.drained();
    expect(sorted(await keysOf(step, step.names.output))).toEqual(sorted(without(400, LARGE_AT)));
    const letters = await step.read(step.names.deadLetter);
    expect(letters.map(({ key }) => String(key))).toEqual([`order-${LARGE_AT}`]);
    expect(headersOf(letters[0]!)).toMatchObject({
      'sagafleet-stage': 'produce',
      'sagafleet-error-message': expect.stringContaining('max.message.bytes') as string,
    });
    expect(worker.log.filter(({ msg }) => msg === 'dead letter')).toMatchObject([{ stage: 'produce', offset: String(LARGE_AT) }]);
    expect(refusalsIn(worker)).toBe(starts - 1);
  },
);

test('a limit that is lowered while the step runs costs no record, and multiplies none', async () => {
  const step = await StepFixture.create({
    partitions: 2,
    outputPartitions: 3,
    settings: ({ output }) => ({ ...atLeastOnce, topicLimits: { [output]: told(1_048_588) } }),
  });
  await step.startWorker();
  const messages = await events(step, 2_000, { 50: noise(3_000), 500: noise(60_000), 1_500: 'x'.repeat(40_000) });
  await step.send(messages.slice(0, 100));
  await step.drained();
  await step.admin.alterTopicConfig(step.names.output, { 'max.message.bytes': '20000' });
  await step.send(messages.slice(100));
  await step.drained();
  expect(sorted(await keysOf(step, step.names.output))).toEqual(sorted(without(2_000, 500)));
  expect(await keysOf(step, step.names.deadLetter)).toEqual(['order-500']);
});

test('a record of which one of two outputs is too large is a dead letter and has no output, where the limit was told', async () => {
  const other = (output: string) => `${output}-other`;
  const step = await StepFixture.create({
    partitions: 1,
    outputPartitions: 2,
    settings: ({ output }) => ({
      ...atLeastOnce,
      topicLimits: { [output]: told(1_048_588), [other(output)]: told(20_000) },
      outcomes: {
        done: {
          reject: null,
          emit: [emitTo(output), emitTo(other(output), { schema: { kind: 'subject', subject: `${output}-value`, version: 'latest' } })],
        },
      },
    }),
  });
  await step.admin.createTopics([{ name: other(step.names.output), partitions: 3, replicationFactor: 1, config: limitOf(20_000) }]);
  await step.send(await events(step, 300, { 10: noise(20_000), 200: noise(30_000) }));
  await step.startWorker();
  await step.drained();
  for (const topic of [step.names.output, other(step.names.output)])
    expect(sorted(await keysOf(step, topic))).toEqual(sorted(without(300, 10, 200)));
  expect(await keysOf(step, step.names.deadLetter)).toEqual(['order-10', 'order-200']);
});

test('records that come out in several batches, a small one of many refused, keep their order', async () => {
  const step = await StepFixture.create({
    partitions: 1,
    topicConfig: { input: limitOf(4_000_000), output: limitOf(300_000) },
    settings: () => atLeastOnce,
  });
  const large = Object.fromEntries([20, 40, 60, 80].map((at) => [at, noise(80_000)]));
  await step.send(
    (await events(step, 100, { ...large, 70: noise(240_000) })).map((message) => ({
      ...message,
      headers: { id: String(message.key) },
      key: 'same',
    })),
  );
  await step.startWorker();
  await step.drained();
  const ids = await Promise.all(
    (await step.read(step.names.output)).map(async (record) => ((await step.decode(record)) as { id: string }).id),
  );
  expect(ids).toEqual(without(100, 70));
  expect((await step.read(step.names.deadLetter)).map((letter) => headersOf(letter)['id'])).toEqual(['order-70']);
});

test('records without a key for a compacted topic become dead letters in order, and nothing else is multiplied', async () => {
  const step = await StepFixture.create({
    partitions: 1,
    outputPartitions: 2,
    topicConfig: { output: { 'cleanup.policy': 'compact' } },
    settings: () => atLeastOnce,
  });
  const keyless = [3, 4, 100, 250];
  await step.send(
    (await events(step, 300)).map((message, at) => ({
      ...message,
      headers: { id: String(message.key) },
      ...(keyless.includes(at) ? { key: null } : {}),
    })),
  );
  await step.startWorker();
  await step.drained();
  expect(sorted(await keysOf(step, step.names.output))).toEqual(sorted(without(300, ...keyless)));
  expect((await step.read(step.names.deadLetter)).map((letter) => headersOf(letter)['id'])).toEqual(keyless.map((at) => `order-${at}`));
});

test('a dead letter is as much of its record as its topic was told to take', async () => {
  const step = await StepFixture.create({
    partitions: 1,
    topicConfig: { deadLetter: limitOf(3_000) },
    settings: () => ({}),
  });
  Object.assign(step.settings, { ...atLeastOnce, topicLimits: { [step.names.deadLetter]: told(3_000) } });
  const noiseOf = (bytes: number) => Buffer.concat([Buffer.from([0xff]), Buffer.from(noise(bytes / 3))]);
  await step.send([
    { key: 'full', value: noiseOf(600) },
    { key: 'stub', value: noiseOf(9_000) },
    { key: 'place', value: noiseOf(9_000), headers: { own: noise(2_000) } },
  ]);
  const worker = await step.startWorker();
  await step.drained();
  const letters = await step.read(step.names.deadLetter);
  expect(letters.map(({ key, value }) => [String(key), value?.length])).toEqual([
    ['full', 601],
    ['stub', undefined],
    [`${step.names.input}/0/2`, undefined],
  ]);
  expect(letters.map((letter) => headersOf(letter)['sagafleet-stub'])).toEqual([
    undefined,
    expect.stringMatching(/takes no record of \d+ bytes.*left out: value/),
    expect.stringContaining('left out: all but the place'),
  ]);
  expect(refusalsIn(worker)).toBe(0);
});

test('while a dead-letter topic takes nothing at all, the other records are not written over and over', async () => {
  const step = await StepFixture.create({ partitions: 1, topicConfig: { deadLetter: limitOf(100) }, settings: () => atLeastOnce });
  await step.send([...(await events(step, 50)), { key: 'k', value: Buffer.from(noise(200)) }]);
  const worker = await step.startWorker();
  const tries = () => worker.log.filter(({ msg }) => msg === 'task starts again');
  await until('the third try', () => tries().length >= 3);
  expect(tries()[0]).toMatchObject({ reason: expect.stringContaining('a dead letter that only names its record is refused') as string });
  await step.admin.alterTopicConfig(step.names.deadLetter, { 'max.message.bytes': '100000' });
  await step.drained();
  expect(await keysOf(step, step.names.output)).toEqual(without(50));
  expect(await step.read(step.names.deadLetter)).toHaveLength(1);
});
