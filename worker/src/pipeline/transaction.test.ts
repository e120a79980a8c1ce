import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ListedBatch, recordsOf } from '../../test/support/listed-batch.ts';
import { RefusedBatch, type InputRecord, type OutputBatch, type OutputRecord, type TopicPosition } from '../driver.ts';
import { Outputs } from './outputs.ts';
import { StageFailure } from './run-step.ts';
import { type LetterShape, SizeLimits, smallerShape } from './size-limits.ts';
import { writeTransaction, type WriteOptions } from './transaction.ts';

interface Output {
  topic: string;
  partition: number;
  bytes: number;
  isKeyless?: boolean;
}

const BYTES_OF = { full: 1_000, bare: 500, stub: 200, place: 50 };

function source(offset: number): InputRecord {
  return { topic: 'in', partition: 0, offset: String(offset), timestamp: '0', key: null, value: null, headers: [] };
}

/** The value begins with the place of its record, and with the form of a dead letter. */
function record({ topic, partition, bytes, isKeyless = false }: Output, name: string): OutputRecord {
  return {
    topic,
    partition,
    key: isKeyless ? null : Buffer.from('k'),
    value: Buffer.from(name.padEnd(bytes - 1)),
    constantHeaders: [],
    headers: [],
  };
}

/** A step whose record n emits the nth outputs, or becomes a dead letter of `dlq/0`: where it emits nothing, and where an output is refused. */
class Step {
  readonly sizeLimits: SizeLimits;
  readonly again: [offset: string, stage: string][][] = [];
  readonly #outputs: readonly (readonly Output[])[];
  readonly #ratio: number;

  constructor(outputs: readonly (readonly Output[])[], { sizeLimits = new SizeLimits(), ratio = 1 } = {}) {
    this.#outputs = outputs;
    this.sizeLimits = sizeLimits;
    this.#ratio = ratio;
  }

  get options(): WriteOptions {
    return {
      sizeLimits: this.sizeLimits,
      throwIfLost: () => undefined,
      deadLetters: (failures) => {
        this.again.push([...failures].map(([{ offset }, { stage }]) => [offset, stage]));
        const outputs = this.#outputsOf();
        for (const [each, failure] of failures) this.#addDeadLetter(each, failure, outputs);
        return outputs;
      },
    };
  }

  get positions(): TopicPosition[] {
    return [{ topic: 'in', partition: 0, offset: BigInt(this.#outputs.length) }];
  }

  run(): Outputs {
    const outputs = this.#outputsOf();
    for (const [at, its] of this.#outputs.entries()) {
      const each = source(at);
      const refusal =
        this.sizeLimits.refusalOf(each) ??
        outputs.add(
          its.map((output) => record(output, each.offset)),
          each,
        );
      if (refusal) this.#addDeadLetter(each, new StageFailure('produce', refusal), outputs);
      else if (its.length === 0) this.#addDeadLetter(each, new StageFailure('decode', new Error('noise')), outputs);
    }
    return outputs;
  }

  #outputsOf(): Outputs {
    return new Outputs(() => new ListedBatch(this.#ratio), this.sizeLimits);
  }

  #addDeadLetter(each: InputRecord, error: StageFailure, outputs: Outputs): void {
    for (let shape: LetterShape | null = this.sizeLimits.letterShapeOf(each); shape;) {
      const letter = record({ topic: 'dlq', partition: 0, bytes: BYTES_OF[shape.form] }, `${each.offset} ${shape.form}`);
      const refusal = outputs.add([letter], each, { error, stub: shape.form, isSmallest: shape.form === 'place' });
      shape = refusal && smallerShape(shape, refusal.message);
    }
  }
}

interface Topic {
  limit?: number;
  isCompacted?: boolean;
}

/** A broker whose topics take batches of up to a limit, and no keyless record where they are compacted. */
class FakeTransaction {
  readonly isAtomic: boolean;
  readonly steps: string[] = [];
  readonly written = new Map<string, string[]>();
  refusals = 0;
  readonly #topics: Record<string, Topic>;

  constructor(topics: Record<string, Topic> = {}, isAtomic = false) {
    this.#topics = topics;
    this.isAtomic = isAtomic;
  }

  async send(batches: readonly OutputBatch[]): Promise<RefusedBatch[]> {
    expect(new Set(batches.map(({ topic, partition }) => `${topic}/${partition}`)).size).toBe(batches.length);
    this.steps.push(batches.map(({ topic, partition, records }) => `${topic}/${partition}×${records.count}`).join(' '));
    const refused = batches.flatMap((batch) => this.#refusalOf(batch) ?? []);
    for (const batch of batches)
      if (!refused.some(({ topic, partition }) => topic === batch.topic && partition === batch.partition)) this.#write(batch);
    this.refusals += refused.length;
    return refused;
  }

  #refusalOf(batch: OutputBatch): RefusedBatch | undefined {
    const { limit = Infinity, isCompacted = false } = this.#topics[batch.topic] ?? {};
    if (batch.records.bytes > limit) return new RefusedBatch('output-too-large', batch);
    return isCompacted && recordsOf(batch.records).some(({ key }) => key === null) ? new RefusedBatch('output-refused', batch) : undefined;
  }

  #write({ topic, partition, records }: OutputBatch): void {
    const place = `${topic}/${partition}`;
    this.written.set(place, [...(this.written.get(place) ?? []), ...recordsOf(records).map(({ value }) => String(value).trim())]);
  }

  async sendOffsets(positions: readonly TopicPosition[]): Promise<void> {
    this.steps.push(`offsets×${positions.length}`);
  }
  async commit(): Promise<void> {
    this.steps.push('commit');
  }
}

const write = (transaction: FakeTransaction, step: Step) =>
  writeTransaction(transaction, { outputs: step.run(), positions: step.positions }, step.options);
const small = (count: number, topic = 'a') => Array.from({ length: count }, () => [{ topic, partition: 0, bytes: 100 }]);

describe('write transaction', () => {
  test('sends a batch for each output partition, and the offsets, then commits', async () => {
    const transaction = new FakeTransaction();
    await write(
      transaction,
      new Step([
        [
          { topic: 'a', partition: 0, bytes: 10 },
          { topic: 'b', partition: 1, bytes: 10 },
        ],
        [{ topic: 'a', partition: 0, bytes: 10 }],
      ]),
    );
    expect(transaction.steps).toEqual(['a/0×2 b/1×1', 'offsets×1', 'commit']);
  });

  test('commits nothing once the task is lost', async () => {
    const [transaction, step] = [new FakeTransaction(), new Step(small(1))];
    const throwIfLost = () => {
      throw new Error('lost');
    };
    const writing = writeTransaction(transaction, { outputs: step.run(), positions: step.positions }, { ...step.options, throwIfLost });
    await expect(writing).rejects.toThrow('lost');
    expect(transaction.steps).toEqual(['a/0×1', 'offsets×1']);
  });

  test('commits nothing after a failed call, and fails only when what is under way has ended', async () => {
    const offsets = Promise.withResolvers<void>();
    const transaction = new FakeTransaction();
    transaction.send = async () => {
      throw new Error('no broker');
    };
    transaction.sendOffsets = () => offsets.promise;
    let isOver = false;
    const failure = expect(
      write(transaction, new Step(small(1))).finally(() => {
        isOver = true;
      }),
    ).rejects.toThrow('no broker');
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    offsets.resolve();
    await failure;
    expect(transaction.steps).toEqual([]);
  });
});

describe('a batch that its topic refuses', () => {
  const withLarge = [...small(5), [{ topic: 'a', partition: 0, bytes: 3_000 }], ...small(5), [{ topic: 'b', partition: 0, bytes: 100 }]];

  test('is sent in parts, and nothing else is sent again; what is too large alone becomes a dead letter', async () => {
    const transaction = new FakeTransaction({ a: { limit: 2_000 } });
    const step = new Step(withLarge);
    const failures = await write(transaction, step);
    expect(transaction.steps).toEqual(['a/0×11 b/0×1', 'offsets×1', 'a/0×5', 'a/0×1', 'a/0×5', 'dlq/0×1', 'commit']);
    expect(transaction.written.get('a/0')).toEqual(['0', '1', '2', '3', '4', '6', '7', '8', '9', '10']);
    expect(
      [...failures].map(
        ([
          { offset },
          {
            error: { stage },
          },
        ]) => [offset, stage],
      ),
    ).toEqual([['5', 'produce']]);
    expect(step.again).toEqual([[['5', 'produce']]]);
  });

  test('of a transaction that can be given up: it is, and the next one has dead letters in place of all outputs of a record', async () => {
    const topics = { a: { limit: 2_000, isCompacted: true }, b: {} };
    const step = new Step([
      ...withLarge,
      [
        { topic: 'b', partition: 0, bytes: 10 },
        { topic: 'a', partition: 0, bytes: 10, isKeyless: true },
      ],
    ]);
    const first = new FakeTransaction(topics, true);
    await expect(write(first, step)).rejects.toThrow(RefusedBatch);
    expect(first.steps).not.toContain('commit');
    const second = new FakeTransaction(topics, true);
    await write(second, step);
    expect(second.refusals).toBe(0);
    expect(Object.fromEntries(second.written)).toEqual({
      'a/0': ['0', '1', '2', '3', '4', '6', '7', '8', '9', '10'],
      'b/0': ['11'],
      'dlq/0': ['5 full', '12 full'],
    });
  });

  test('for a record in it is halved until that is alone, however large the others are', async () => {
    const transaction = new FakeTransaction({ a: { isCompacted: true } });
    const step = new Step(
      Array.from({ length: 64 }, (_, at) => [{ topic: 'a', partition: 0, bytes: 100 + at, isKeyless: at === 17 || at === 18 }]),
    );
    await write(transaction, step);
    expect(transaction.written.get('a/0')).toEqual(
      Array.from({ length: 64 }, (_, at) => String(at)).filter((at) => at !== '17' && at !== '18'),
    );
    expect(transaction.written.get('dlq/0')).toEqual(['17 full', '18 full']);
    // Nothing that was learned of it is about sizes
    expect(step.sizeLimits.bytesFor('a')).toBe(900_000);
  });

  test('for a record in it tells of that record also where the transaction fails later', async () => {
    const topics = { a: { isCompacted: true } };
    const [transaction, step] = [
      new FakeTransaction(topics, true),
      new Step([...small(3), [{ topic: 'a', partition: 0, bytes: 100, isKeyless: true }], ...small(3)]),
    ];
    const send = transaction.send.bind(transaction);
    let isFound = false;
    transaction.send = async (batches) => {
      if (isFound) throw new Error('timed out');
      const refusals = await send(batches);
      isFound = refusals.length > 0 && batches[0]!.records.count === 1;
      return refusals;
    };
    await expect(write(transaction, step)).rejects.toThrow('timed out');
    const next = new FakeTransaction(topics, true);
    await write(next, step);
    expect(next.refusals).toBe(0);
    expect(next.written.get('dlq/0')).toEqual(['3 full']);
  });

  test('is compressed when it is one record, and so is what is as large from then on', async () => {
    const transaction = new FakeTransaction({ a: { limit: 2_000 } });
    const step = new Step([...small(1), [{ topic: 'a', partition: 0, bytes: 3_000 }], ...small(1)], { ratio: 0.5 });
    await write(transaction, step);
    expect(transaction.written.get('a/0')).toEqual(['0', '1', '2']);
    const again = new FakeTransaction({ a: { limit: 2_000 } });
    await write(again, step);
    expect(again.refusals).toBe(0);
    expect(again.written.get('a/0')).toEqual(['0', '1', '2']);
  });

  test('and that is a dead letter is tried with less and less of its record', async () => {
    const forms: (string[] | undefined)[] = [];
    for (const limit of [1_000, 500, 200, 50]) {
      const transaction = new FakeTransaction({ dlq: { limit } });
      const failures = await write(transaction, new Step([[]]));
      forms.push(
        transaction.written.get('dlq/0'),
        [...failures.values()].map(({ error: { stage }, stub }) => `${stage} ${stub}`),
      );
    }
    expect(forms).toEqual([
      ['0 full'],
      ['decode full'],
      ['0 bare'],
      ['decode bare'],
      ['0 stub'],
      ['decode stub'],
      ['0 place'],
      ['decode place'],
    ]);
  });

  test('and that is the smallest dead letter holds the task before anything else is written', async () => {
    const transaction = new FakeTransaction({ dlq: { limit: 10 } });
    const step = new Step([...small(3), []]);
    await expect(write(transaction, step)).rejects.toMatchObject({
      consequence: 'systemic',
      message: expect.stringContaining('max.message.bytes') as string,
    });
    expect(transaction.written).toEqual(new Map());
    expect(transaction.steps).not.toContain('commit');
  });
});

describe('whatever topics take', () => {
  const limit = fc.option(fc.integer({ min: 60, max: 3_000 }), { nil: Infinity });
  const topic = fc.record({ limit, isCompacted: fc.boolean() });
  const output = fc.record({
    topic: fc.constantFrom('a', 'b'),
    partition: fc.nat({ max: 2 }),
    bytes: fc.integer({ min: 10, max: 2_500 }),
    isKeyless: fc.boolean(),
  });
  const cases = fc.record({
    outputs: fc.array(fc.array(output, { maxLength: 3 }), { minLength: 1, maxLength: 60 }),
    topics: fc.record({ a: topic, b: topic, dlq: fc.record({ limit }) }),
    told: fc.subarray(['a', 'b', 'dlq'] as const),
    ratio: fc.constantFrom(1, 0.5, 0.01),
    isAtomic: fc.boolean(),
  });

  test('each record has all of its outputs once and in order, or one dead letter', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ outputs, topics, told, ratio, isAtomic }) => {
        const limits = told
          .filter((name) => topics[name].limit < Infinity)
          .map((name) => [name, { maxMessageBytes: topics[name].limit, compressionType: 'producer' }] as const);
        const step = new Step(outputs, { ratio, sizeLimits: new SizeLimits(Object.fromEntries(limits)) });
        let transaction = new FakeTransaction(topics, isAtomic);
        await write(transaction, step).catch(async (error: unknown) => {
          expect(isAtomic && error instanceof RefusedBatch).toBe(true);
          transaction = new FakeTransaction(topics, isAtomic);
          await write(transaction, step);
        });
        const letters = new Set((transaction.written.get('dlq/0') ?? []).map((letter) => letter.split(' ')[0]));
        expect(letters.size).toBe(transaction.written.get('dlq/0')?.length ?? 0);
        for (const [at, its] of outputs.entries()) {
          const isRefused = its.some(({ topic: name, bytes, isKeyless }) => {
            const sent = bytes + (isKeyless ? -1 : 0);
            return (sent > topics[name].limit && Math.ceil(sent * ratio) > topics[name].limit) || (topics[name].isCompacted && isKeyless);
          });
          expect(letters.has(String(at))).toBe(isRefused || its.length === 0);
        }
        for (const name of ['a', 'b']) {
          for (const partition of [0, 1, 2]) {
            const of = (at: number, its: readonly Output[]) =>
              its.filter((each) => each.topic === name && each.partition === partition).map(() => String(at));
            const whole = outputs.flatMap((its, at) => (letters.has(String(at)) ? [] : of(at, its)));
            // At least once, outputs that had been taken before another one of the record was refused stay
            const written = transaction.written.get(`${name}/${partition}`) ?? [];
            expect(written.filter((at) => !letters.has(at))).toEqual(whole);
            expect(written).toEqual([...written].sort((a, b) => Number(a) - Number(b)));
            if (isAtomic) expect(written).toEqual(whole);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('where all limits were told, nothing that is too large is sent', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ outputs, topics, ratio, isAtomic }) => {
        const told = Object.entries(topics)
          .filter(([, each]) => each.limit < Infinity)
          .map(([name, each]) => [name, { maxMessageBytes: each.limit, compressionType: 'producer' }]);
        const step = new Step(
          outputs.map((its) => its.map((each) => ({ ...each, isKeyless: false }))),
          { ratio, sizeLimits: new SizeLimits(Object.fromEntries(told)) },
        );
        const transaction = new FakeTransaction(topics, isAtomic);
        await write(transaction, step);
        expect(transaction.refusals).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
