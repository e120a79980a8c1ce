import { AvroCodecs, RegistryError, type SchemaLookup } from '@sagafleet/registry';
import type { SchemaSource } from '@sagafleet/schemas';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emitTo, settingsFor } from '../../../test/support/settings.ts';
import { ListedBatch, recordsOf } from '../../test/support/listed-batch.ts';
import type { Driver, Headers, InputRecord } from '../driver.ts';
import { NO_STREAK } from '../task/breaker.ts';
import { Turns } from '../task/turns.ts';
import { OutputTopics } from './output-topics.ts';
import { type Batch, type BatchLimits, Pipeline } from './pipeline.ts';
import { compileStep } from './program.ts';
import { StageFailure } from './run-step.ts';
import { SizeLimits } from './size-limits.ts';

const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Event',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'long' },
    { name: 'next', type: ['null', 'Event'], default: null },
    { name: 'tags', type: { type: 'map', values: ['string', 'long', 'bytes'] }, default: {} },
  ],
});
const READER: SchemaSource = { kind: 'subject', subject: 'in-value', version: 'latest' };

/** Every id and subject holds the schema; a call may be held up or fail before it is answered. */
function lookup(before: Partial<Record<keyof SchemaLookup, () => Promise<void> | void>> = {}): SchemaLookup {
  const texts = { schema: SCHEMA, dependencies: [], references: [] };
  return {
    schemaById: async (id) => {
      await before.schemaById?.();
      return { id, ...texts };
    },
    latest: async (subject) => {
      await before.latest?.();
      return { id: 7, subject, version: 1, ...texts };
    },
    version: async (subject, version) => ({ id: 7, subject, version, ...texts }),
    lookup: async () => ({ id: 7, version: 1 }),
  };
}

const UNLIMITED: BatchLimits = { streak: NO_STREAK, isTripped: () => false, hasEndedWorkers: false };

interface StepOptions {
  registry?: SchemaLookup;
  outcome?: string;
  emit?: Parameters<typeof emitTo>[1];
  sizeLimits?: SizeLimits;
}

function pipelineOf({ registry = lookup(), outcome, emit = {}, sizeLimits = new SizeLimits() }: StepOptions = {}) {
  const settings = settingsFor(
    'payment',
    { brokers: [], registryUrl: '' },
    {
      inputs: [{ topic: 'in', format: 'avro', schema: READER }],
      outcomes: { done: { emit: [emitTo('out', emit)], reject: null } },
      ...(outcome === undefined ? {} : { handler: { kind: 'cel', outcome } }),
    },
  );
  const driver = {
    partitionCounts: async (topics: readonly string[]) => new Map(topics.map((topic) => [topic, 4])),
    partitionOf: () => 0,
  } as unknown as Driver;
  const codecs = new AvroCodecs(registry);
  const pipeline = new Pipeline({
    program: compileStep(settings, () => 0),
    codecs,
    topics: new OutputTopics(driver, ['out', 'dlq']),
    sizeLimits,
    newBatch: () => new ListedBatch(),
    now: () => 0,
    turns: new Turns(),
    monotonic: () => 0,
    deadLetter: { topic: 'dlq', group: 'default.payment', step: 'payment' },
  });
  return {
    codecs,
    pipeline,
    run: (records: readonly InputRecord[], limits: Partial<BatchLimits> = {}) => pipeline.run(records, { ...UNLIMITED, ...limits }),
  };
}

/** `{id: "a", amount: 1, next: null, tags: {}}`. */
const valueOf = (schemaId: number) => Buffer.from([0, 0, 0, 0, schemaId, 2, 97, 2, 0, 0]);

function recordOf(partition: number, changes: Partial<InputRecord> = {}): InputRecord {
  return {
    topic: 'in',
    partition,
    offset: '7',
    timestamp: '1700000000000',
    key: Buffer.from('a'),
    value: valueOf(1),
    headers: [],
    ...changes,
  };
}

const topicsOf = ({ outputs: { rounds } }: Batch) => rounds.flat().flatMap(({ topic, records }) => recordsOf(records).map(() => topic));

describe('tasks that meet new schemas at once', () => {
  test('two ids of one named reader schema on two partitions: no dead letter', async () => {
    const { run } = pipelineOf();
    const outputs = await Promise.all([1, 2].map((schemaId) => run([recordOf(schemaId, { value: valueOf(schemaId) })])));
    expect(outputs.map(topicsOf)).toEqual([['out'], ['out']]);
  });

  test('the reader is refreshed while its id is looked up: no dead letter', async () => {
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let latestId = 7;
    const registry = lookup({
      schemaById: () => {
        asked.resolve();
        return held.promise;
      },
    });
    const { run, codecs } = pipelineOf({
      registry: { ...registry, latest: async (subject) => ({ ...(await registry.latest(subject)), id: latestId }) },
    });
    const running = run([recordOf(0)]);
    await asked.promise;
    latestId = 8;
    await codecs.refresh();
    held.resolve();
    expect(topicsOf(await running)).toEqual(['out']);
  });
});

test('an output that is too large for its topic is a dead letter before anything is sent, and counts as one', async () => {
  const sizeLimits = new SizeLimits({ out: { maxMessageBytes: 100, compressionType: 'producer' } });
  const batch = await pipelineOf({ sizeLimits }).run([recordOf(0)]);
  expect(topicsOf(batch)).toEqual(['dlq']);
  expect(batch.streak).toMatchObject({ count: 1, causes: new Map([['produce: output-too-large', expect.anything()]]) });
});

test('a record of which something was refused becomes its dead letter, as small as it has to be, and is not processed again', async () => {
  const { pipeline, run } = pipelineOf({
    outcome: "event.amount / 0 == 1 ? 'done' : 'done'",
    sizeLimits: new SizeLimits({ dlq: { maxMessageBytes: 50, compressionType: 'producer' } }),
  });
  const [record] = [recordOf(0)];
  const { outputs } = await run([record]);
  const { stub, error } = outputs.failures.get(record)!;
  expect([error.stage, stub]).toEqual(['handle', null]);
  const again = pipeline.deadLetters(new Map([[record, new StageFailure('handle', new Error('ended its worker'))]]));
  expect(again.failures.get(record)!.error.cause).toEqual(new Error('ended its worker'));
  expect(again.rounds.flat().flatMap(({ records }) => recordsOf(records).map(({ value }) => value))).toEqual([record.value]);
});

describe('whose fault it is', () => {
  const failing = (error: Error) => () => {
    throw error;
  };
  const cases: Record<string, { options: StepOptions; gives: string[] | object }> = {
    "an id that the registry does not hold is the record's": {
      options: { registry: lookup({ schemaById: failing(new RegistryError('schema-unknown', 'no id 1')) }) },
      gives: ['dlq'],
    },
    "a registry that is unavailable is no one's": {
      options: { registry: lookup({ schemaById: failing(new RegistryError('unreachable', 'down')) }) },
      gives: { code: 'unreachable', consequence: 'systemic' },
    },
    "a reader schema that is not there yet is the step's": {
      options: { registry: lookup({ latest: failing(new RegistryError('subject-unknown', 'no subject')) }) },
      gives: { code: 'no-schema', consequence: 'systemic' },
    },
    "a reader schema that is not Avro is the step's": {
      options: { registry: lookup({ latest: failing(new RegistryError('invalid-schema', 'protobuf')) }) },
      gives: { code: 'no-schema', consequence: 'systemic' },
    },
    'an error without a class while loading is a defect of ours': {
      options: { registry: lookup({ schemaById: failing(new TypeError('x is not a function')) }) },
      gives: {
        code: 'defect',
        consequence: 'transient',
        message: expect.stringMatching('^in/0, offset 7, .*x is not a function') as string,
      },
    },
    'an error without a class while loading the reader is a defect of ours': {
      options: { registry: lookup({ latest: failing(new TypeError('x is not a function')) }) },
      gives: { code: 'defect', consequence: 'transient' },
    },
    "an expression that fails is the record's": { options: { outcome: "event.amount / 0 == 1 ? 'done' : 'done'" }, gives: ['dlq'] },
    "an outcome that is not declared is the record's": { options: { outcome: "event.id + ''" }, gives: ['dlq'] },
    "an output that does not fit is the record's": { options: { emit: { event: "merge(event, {'amount': dyn('1')})" } }, gives: ['dlq'] },
  };
  test.each(Object.entries(cases))('%s', async (_name, { options, gives }) => {
    const running = pipelineOf(options).run([recordOf(0)]);
    if (Array.isArray(gives)) expect(topicsOf(await running)).toEqual(gives);
    else await expect(running).rejects.toMatchObject(gives);
  });

  test('an error without a class in a codec is a defect of ours', async () => {
    const { run, codecs } = pipelineOf();
    const decoder = await codecs.loadDecoder(1, null);
    codecs.decoder = () =>
      Object.assign(Object.create(decoder) as typeof decoder, {
        decode: () => {
          throw new TypeError('undefined');
        },
      });
    await expect(run([recordOf(0)])).rejects.toMatchObject({ code: 'defect', consequence: 'transient' });
  });
});

describe('no record makes a defect', () => {
  const constructorTag = (depth: number) =>
    Buffer.from(
      `0000000001${'000002'.repeat(depth)}000000${'00'.repeat(depth)}0216${Buffer.from('constructor').toString('hex')}00026100`,
      'hex',
    );
  const oddBytes = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  const framed = oddBytes.map((body) => Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), body]));
  const depths = fc.oneof(fc.integer({ min: 1, max: 6_000 }), fc.constant(100_000));
  const deep = depths.map((depth) => Buffer.from(`0000000001${'000002'.repeat(depth)}000000${'00'.repeat(depth + 1)}`, 'hex'));
  const headerNames = fc.oneof(
    fc.string(),
    fc.constantFrom('saga-hops', 'saga-id', 'traceparent', 'tracestate', '__proto__', 'constructor', 'sagafleet-stage'),
  );
  const headers = fc.array(fc.tuple(headerNames, fc.option(oddBytes)), { maxLength: 5 }).map((pairs): Headers => pairs);
  const records = fc
    .record({
      value: fc.oneof(fc.constant(valueOf(1)), framed, deep, oddBytes, depths.map(constructorTag), fc.constant(null)),
      key: fc.option(oddBytes),
      headers,
      timestamp: fc.oneof(fc.constantFrom('-1', '0', '9223372036854775807'), fc.nat().map(String)),
      offset: fc.constantFrom('0', '9223372036854775807'),
    })
    .map((changes) => recordOf(0, changes));
  const steps: Record<string, StepOptions> = {
    'passed on': {},
    'looked at in every way': {
      outcome:
        "size(event.id) > record.offset || record.headers['saga-hops'] == '1' || timestamp(event.amount) == timestamp(record.timestamp) ? 'done' : event.id",
    },
    'with its fields calculated with': {
      emit: {
        event:
          "merge(event, {'amount': event.amount * event.amount - int(event.id), 'next': {'id': string(event.next), 'amount': record.timestamp * record.offset}})",
        key: 'event.tags[event.id]',
        headers: { x: 'event.id.matches(saga.id) ? record.key : string(timestamp(event.id).getFullYear())', __proto__: 'record.key' },
      },
    },
    'with its whole inside': {
      emit: { event: "{'id': event.id, 'amount': event.next.amount, 'next': event, 'tags': record.headers}", key: 'saga.id + record.key' },
    },
    'nested as deeply as can be, beside a field of a dangerous name': {
      emit: {
        event: "merge(event, {'tags': {'a': size(event.tags)}, 'next': merge(event.next, {'x': event.next.next.id})})",
        key: "event.tags['constructor']",
      },
    },
    'with values that no schema holds': {
      emit: {
        event: "{'id': event.id, 'amount': dyn(timestamp(event.amount)), 'tags': {'a': dyn(uint(event.amount)), event.id: type(event)}}",
      },
    },
  };
  test.each(Object.entries(steps))('%s', async (_name, options) => {
    const { run } = pipelineOf(options);
    await fc.assert(
      fc.asyncProperty(records, async (record) => {
        expect(topicsOf(await run([record]))).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is loaded before a record is processed alone', () => {
  test('is all that it needs: nothing has to be asked for then', async () => {
    const asked: string[] = [];
    const { pipeline, run } = pipelineOf({
      registry: lookup({
        schemaById: () => {
          asked.push('id');
        },
        latest: () => {
          asked.push('subject');
        },
      }),
    });
    await pipeline.prepare([recordOf(0)]);
    expect(asked).toContain('id');
    const before = asked.length;
    expect(topicsOf(await run([recordOf(0)]))).toEqual(['out']);
    expect(asked).toHaveLength(before);
  });

  test('is waited for where the registry is unavailable', async () => {
    const { pipeline } = pipelineOf({
      registry: lookup({
        schemaById: () => {
          throw new RegistryError('unreachable', 'no answer');
        },
      }),
    });
    await expect(pipeline.prepare([recordOf(0)])).rejects.toMatchObject({ consequence: 'systemic' });
  });

  test.each([
    ['no schema id', Buffer.from('x')],
    ['no value', null],
  ])('is nothing for a record with %s', async (_what, value) => {
    const { pipeline } = pipelineOf();
    await expect(pipeline.prepare([recordOf(0, { value })])).resolves.toBeUndefined();
  });
});
