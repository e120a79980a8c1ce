import type { ReadRecord } from '@sagafleet/kafka';
import { WORKER_ENV } from '@sagafleet/schemas';
import type { Message } from 'kafkajs';
import { expect, inject, onTestFinished, test } from 'vitest';
import { AuthProxy } from '../../test/support/auth-proxy.ts';
import { emitTo } from '../../test/support/settings.ts';
import { headersOf, idsFrom, StepFixture, type FixtureOptions } from './support/step-fixture.ts';

const MIB = 1024 * 1024;
/** Noise in which no stretch repeats, the same in each run. */
function noise(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = 12_345;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    buffer[at] = state >>> 16;
  }
  buffer[0] = 0xff;
  return buffer;
}

interface Poison {
  message: (step: StepFixture) => Promise<Message> | Message;
  stage: string;
  error: RegExp;
  schemaId?: boolean;
  options?: FixtureOptions;
}

/** Each poison comes with these. */
const OWN_HEADERS = { own: 'kept', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
/** Of 1,048,588 bytes for a batch 61 are its head and 89 the record's lengths, key and headers. */
const LARGEST_VALUE_BYTES = 1_048_588 - 61 - 89;

const limitOf = (bytes: number) => ({ 'max.message.bytes': String(bytes) });
const eventOf =
  (id: string, amount: bigint, note = '') =>
  async (step: StepFixture): Promise<Message> => ({ key: id, value: (await step.encoderOf(step.names.input))({ id, amount, note }) });

const POISONS: Record<string, Poison> = {
  'no magic byte': { message: () => ({ key: 'k', value: Buffer.from('{"id":"a"}') }), stage: 'decode', error: /starts with byte 123/ },
  'empty value': { message: () => ({ key: 'k', value: Buffer.alloc(0) }), stage: 'decode', error: /empty/ },
  'four bytes': { message: () => ({ key: 'k', value: Buffer.from([0, 0, 0, 1]) }), stage: 'decode', error: /4 bytes/ },
  'a schema id that the registry does not hold': {
    message: () => ({ key: 'k', value: Buffer.from([0, 0x7f, 0xff, 0xff, 0xfe, 1, 2]) }),
    stage: 'decode',
    error: /2147483646/,
    schemaId: true,
  },
  'truncated Avro': {
    message: async (step) => {
      const { key, value } = await eventOf('order', 5n, 'long enough to be cut')(step);
      return { key: key!, value: (value as Buffer).subarray(0, 12) };
    },
    stage: 'decode',
    error: /id|amount|note|end/,
    schemaId: true,
  },
  'bytes after the event': {
    message: async (step) => {
      const { key, value } = await eventOf('order', 5n)(step);
      return { key: key!, value: Buffer.concat([value as Buffer, Buffer.from('more')]) };
    },
    stage: 'decode',
    error: /./,
    schemaId: true,
  },
  '10 MB of noise': {
    message: () => ({ key: 'k', value: noise(10_000_000) }),
    stage: 'decode',
    error: /starts with byte 255/,
    options: { topicConfig: { input: limitOf(16 * MIB), deadLetter: limitOf(16 * MIB + 65_536) } },
  },
  'the largest record that a default topic takes': {
    message: async (step) => {
      const larger = { key: 'k', value: noise(LARGEST_VALUE_BYTES + 1), headers: OWN_HEADERS };
      await expect(step.send([larger])).rejects.toThrow('larger than the max message size');
      return { key: 'k', value: noise(LARGEST_VALUE_BYTES) };
    },
    stage: 'decode',
    error: /starts with byte 255/,
    options: { topicConfig: { deadLetter: limitOf(1_048_588 + 65_536) } },
  },
  'an expression that fails on this record': {
    message: eventOf('order', 0n),
    stage: 'encode',
    error: /zero/,
    schemaId: true,
    options: {
      settings: ({ output }) => ({
        outcomes: { done: { reject: null, emit: [emitTo(output, { event: "merge(event, {'amount': 100 / event.amount})" })] } },
      }),
    },
  },
  'an outcome that the step does not declare': {
    message: eventOf('order', 0n),
    stage: 'handle',
    error: /declares done/,
    schemaId: true,
    options: { settings: () => ({ handler: { kind: 'cel', outcome: "event.amount == 0 ? 'none' : 'done'" } }) },
  },
  'an output that does not fit its schema': {
    message: eventOf('order', 0n),
    stage: 'encode',
    error: /amount/,
    schemaId: true,
    options: {
      settings: ({ output }) => ({
        outcomes: {
          done: {
            reject: null,
            emit: [emitTo(output, { event: "merge(event, {'amount': event.amount == 0 ? dyn('nothing') : dyn(1)})" })],
          },
        },
      }),
    },
  },
  'an output larger than its topic takes': {
    message: eventOf('order', 0n, noise(60_000).toString('base64')),
    stage: 'produce',
    error: /max\.message\.bytes/,
    schemaId: true,
    options: { topicConfig: { output: limitOf(50_000) } },
  },
  'an output larger than its topic takes, which stores it uncompressed': {
    message: eventOf('order', 0n, 'x'.repeat(60_000)),
    stage: 'produce',
    error: /max\.message\.bytes/,
    schemaId: true,
    options: { topicConfig: { output: { ...limitOf(50_000), 'compression.type': 'uncompressed' } } },
  },
  'an event that passed too many steps': {
    message: async (step) => ({ ...(await eventOf('order', 1n)(step)), headers: { 'saga-hops': '64' } }),
    stage: 'encode',
    error: /loop/,
    schemaId: true,
  },
};

test.each(Object.entries(POISONS))('%s becomes one dead letter, everything else flows in order', async (_, poison) => {
  const step = await StepFixture.create({ partitions: 1, ...poison.options });
  const good = (await step.events(idsFrom('order', 20), 1)).map((event) => ({ ...event, key: 'same' }));
  const bad = await poison.message(step);
  bad.headers = { ...bad.headers, ...OWN_HEADERS };
  await step.send(good.slice(0, 10));
  await step.send([bad]);
  await step.send(good.slice(10));
  const worker = await step.startWorker();
  await step.drained();

  const outputs = await step.read(step.names.output);
  expect(await idsOf(step, outputs)).toEqual(idsFrom('order', 20));
  const [letter, ...others] = await step.read(step.names.deadLetter);
  expect(others).toEqual([]);
  const [original] = (await step.read(step.names.input)).filter(({ offset }) => offset === 10n);
  expect(letter!.key).toEqual(original!.key);
  expect(letter!.value!.equals(original!.value!)).toBe(true);
  expect(letter!.headers.slice(0, original!.headers.length)).toEqual(original!.headers);
  expectContractHeaders(step, letter!, original!, poison);
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});

function expectContractHeaders(step: StepFixture, letter: ReadRecord, original: ReadRecord, poison: Poison): void {
  const headers = headersOf(letter);
  expect(headers).toMatchObject({
    own: 'kept',
    'sagafleet-original-topic': step.names.input,
    'sagafleet-original-partition': '0',
    'sagafleet-original-offset': '10',
    'sagafleet-original-timestamp': String(original.timestampMs),
    'sagafleet-group': step.names.group,
    'sagafleet-step': step.names.name,
    'sagafleet-attempt': '1',
    'sagafleet-stage': poison.stage,
    'sagafleet-error-class': 'permanent',
    'sagafleet-error-message': expect.stringMatching(poison.error) as string,
    'sagafleet-trace-id': '0af7651916cd43dd8448eb211c80319c',
    'sagafleet-replay-count': '0',
  });
  expect('sagafleet-schema-id' in headers).toBe(poison.schemaId ?? false);
  expect(Math.abs(Date.parse(headers['sagafleet-first-failure']!) - letter.timestampMs)).toBeLessThan(10_000);
}

async function idsOf(step: StepFixture, records: readonly ReadRecord[]): Promise<string[]> {
  return Promise.all(records.map(async (record) => ((await step.decode(record)) as { id: string }).id));
}

/** apache/kafka#4473: what reads and writes timestamps in microseconds gets them refused by the next broker. */
test('a timestamp far ahead stays in a header, and what comes of the record has one that is taken', async () => {
  const step = await StepFixture.create({
    partitions: 1,
    topicConfig: { input: { 'message.timestamp.after.max.ms': '9223372036854775807' } },
  });
  const sane = Date.now();
  const [event] = await step.events(['ahead']);
  const times = { microseconds: `${sane}000`, 'long ago': '1', zero: '0', none: '-1' };
  const timestamps = Object.values(times);
  await step.send(
    timestamps.flatMap((timestamp) => [
      { ...event!, timestamp },
      { key: 'k', value: Buffer.from([7]), timestamp },
    ]),
  );
  await step.startWorker();
  await step.drained();

  const [outputs, letters] = [await step.read(step.names.output), await step.read(step.names.deadLetter)];
  for (const { timestampMs } of [...outputs, ...letters]) expect(Math.abs(timestampMs - sane)).toBeLessThan(60_000);
  expect(outputs.map((output) => headersOf(output)['ce_id']!.split('/')[3])).toEqual(timestamps);
  expect(letters.map((letter) => headersOf(letter)['sagafleet-original-timestamp'])).toEqual(timestamps);
});

test('a topic that stamps records itself makes no difference', async () => {
  const logAppendTime = { 'message.timestamp.type': 'LogAppendTime' };
  const step = await StepFixture.create({
    partitions: 1,
    topicConfig: { input: logAppendTime, output: logAppendTime, deadLetter: logAppendTime },
  });
  const [event] = await step.events(['a']);
  await step.send([
    { ...event!, timestamp: '1' },
    { key: 'k', value: Buffer.from([7]), timestamp: '1' },
  ]);
  await step.startWorker();
  await step.drained();
  const [[output], [letter], inputs] = [
    await step.read(step.names.output),
    await step.read(step.names.deadLetter),
    await step.read(step.names.input),
  ];
  expect(headersOf(output!)['ce_id']!.split('/')[3]).toBe(String(inputs[0]!.timestampMs));
  expect(headersOf(letter!)['sagafleet-original-timestamp']).toBe(String(inputs[1]!.timestampMs));
});

/** spring-projects/spring-kafka#1994: such a record was tried again for ever. */
test('a dead letter that fits its topic only without our headers goes without them', async () => {
  const step = await StepFixture.create({ partitions: 1 });
  const worker = await step.startWorker();
  await step.send([{ key: 'k', value: noise(LARGEST_VALUE_BYTES), headers: OWN_HEADERS }]);
  await step.send(await step.events(['after']));
  await step.drained();
  const [original] = await step.read(step.names.input);
  const letters = await step.read(step.names.deadLetter);
  expect(letters.map(({ key, headers }) => ({ key, headers }))).toEqual([{ key: original!.key, headers: original!.headers }]);
  expect(letters[0]!.value!.equals(original!.value!)).toBe(true);
  expect(await idsOf(step, await step.read(step.names.output))).toEqual(['after']);
  expect(worker.log.filter(({ msg }) => msg === 'dead letter')).toMatchObject([{ stage: 'decode', offset: '0' }]);
});

/** On a topic that takes 3,000 bytes. */
const STUBS: Record<string, { own: string; headers: object; key: (original: ReadRecord) => string }> = {
  'whose topic takes it only without its value': {
    own: 'kept',
    key: ({ key }) => String(key),
    headers: {
      own: 'kept',
      'sagafleet-error-message': expect.stringMatching(/starts with byte 255/) as string,
      'sagafleet-stub': expect.stringContaining('left out: value') as string,
    },
  },
  'whose topic takes not even its headers': {
    own: noise(5_000).toString('base64'),
    key: ({ offset }) => `/0/${offset}`,
    headers: { 'sagafleet-stub': expect.stringContaining('left out: all but the place') as string },
  },
};

test.each(Object.entries(STUBS))('a dead letter %s is a stub that says so, and the partition goes on', async (_, { own, headers, key }) => {
  const step = await StepFixture.create({ partitions: 1, topicConfig: { deadLetter: limitOf(3_000) } });
  const worker = await step.startWorker();
  await step.send([
    ...(await step.events(['before'])),
    { key: 'k', value: noise(5_000), headers: { ...OWN_HEADERS, own } },
    ...(await step.events(['after'])),
  ]);
  await step.drained();
  const [original] = (await step.read(step.names.input)).filter(({ offset }) => offset === 1n);
  const letters = await step.read(step.names.deadLetter);
  expect(letters.map(({ value }) => value)).toEqual([null]);
  expect(String(letters[0]!.key).endsWith(key(original!))).toBe(true);
  expect(headersOf(letters[0]!)).toMatchObject({
    'sagafleet-original-topic': step.names.input,
    'sagafleet-original-partition': '0',
    'sagafleet-original-offset': '1',
    'sagafleet-original-timestamp': String(original!.timestampMs),
    'sagafleet-stage': 'decode',
    ...headers,
  });
  expect(await idsOf(step, await step.read(step.names.output))).toEqual(['before', 'after']);
  expect(worker.log.filter(({ msg }) => msg === 'dead letter')).toMatchObject([
    { offset: '1', stub: headersOf(letters[0]!)['sagafleet-stub'] },
  ]);
});

test('a dead-letter topic that takes no record at all holds the partition and says what to change', async () => {
  const step = await StepFixture.create({ partitions: 1, topicConfig: { deadLetter: limitOf(100) } });
  const worker = await step.startWorker();
  await step.send([{ key: 'k', value: noise(5_000) }, ...(await step.events(['after']))]);
  await worker.logged('a dead letter that only names its record was rejected');
  expect(await step.lag()).toEqual([2n]);

  await step.admin.alterTopicConfig(step.names.deadLetter, limitOf(100_000));
  await step.drained();
  expect(await step.read(step.names.deadLetter)).toHaveLength(1);
  expect(await step.read(step.names.output)).toHaveLength(1);
});

test('behind basic authentication a schema id that the registry does not hold is one dead letter, too', async () => {
  const registry = await AuthProxy.open(inject('registryUrl'));
  onTestFinished(() => registry.close());
  const step = await StepFixture.create({ partitions: 1, registryUrl: registry.url });
  const { username, password } = registry.credentials;
  const worker = await step.startWorker({ [WORKER_ENV.registryUsername]: username, [WORKER_ENV.registryPassword]: password });
  await step.send([
    ...(await step.events(['before'])),
    { key: 'k', value: Buffer.from([0, 0x7f, 0xff, 0xff, 0xfe, 1, 2]) },
    ...(await step.events(['after'])),
  ]);
  await step.drained();
  expect(await idsOf(step, await step.read(step.names.output))).toEqual(['before', 'after']);
  const letters = await step.read(step.names.deadLetter);
  expect(letters.map((letter) => headersOf(letter)['sagafleet-error-message'])).toEqual([expect.stringContaining('2147483646')]);
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});
