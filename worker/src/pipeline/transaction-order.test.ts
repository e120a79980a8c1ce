import { describe, expect, test } from 'vitest';
import { ListedBatch } from '../../test/support/listed-batch.ts';
import { type InputRecord, type OutputBatch, RefusedBatch } from '../driver.ts';
import { Outputs } from './outputs.ts';
import { SizeLimits } from './size-limits.ts';
import { writeTransaction } from './transaction.ts';

const source: InputRecord = { topic: 'in', partition: 0, offset: '7', timestamp: '0', key: null, value: null, headers: [] };
const positions = [{ topic: 'in', partition: 0, offset: 8n }];

/** One record for each size, all of one partition, so that what passes 900 kB is another round. */
function outputsOf(sizes: readonly number[]): Outputs {
  const outputs = new Outputs(() => new ListedBatch(), new SizeLimits());
  for (const bytes of sizes)
    outputs.add([{ topic: 'a', partition: 0, key: null, value: Buffer.alloc(bytes), constantHeaders: [], headers: [] }], source);
  return outputs;
}

/** A transaction of which each step is told when it begins, and ends when it is let. */
function open({ sizes = [10], sizeLimits = new SizeLimits() } = {}) {
  const begun: string[] = [];
  const steps = new Map<string, PromiseWithResolvers<void>>();
  const step = (name: string) => {
    begun.push(name);
    const ending = Promise.withResolvers<void>();
    steps.set(name, ending);
    return ending.promise;
  };
  let [sends, isLost, isOver] = [0, false, false];
  const transaction = {
    isAtomic: true,
    send: (_: readonly OutputBatch[]) => step(`send ${++sends}`).then(() => []),
    sendOffsets: () => step('offsets'),
    commit: () => step('commit'),
  };
  const throwIfLost = () => {
    if (isLost) throw new Error('lost');
  };
  const written = writeTransaction(
    transaction,
    { outputs: outputsOf(sizes), positions },
    { sizeLimits, throwIfLost, deadLetters: () => outputsOf([]) },
  ).finally(() => {
    isOver = true;
  });
  written.catch(() => undefined);
  const end = async (name: string, error?: Error) => {
    if (error) steps.get(name)!.reject(error);
    else steps.get(name)!.resolve();
    await new Promise(setImmediate);
  };
  return {
    begun,
    written,
    end,
    lose: () => {
      isLost = true;
    },
    isOver: () => isOver,
  };
}

describe('a transaction commits', () => {
  test('only once its outputs and its positions are written', async () => {
    for (const [first, second] of [
      ['send 1', 'offsets'],
      ['offsets', 'send 1'],
    ] as const) {
      const { begun, end, written, isOver } = open();
      expect(begun).toEqual(['send 1', 'offsets']);
      await end(first);
      expect(begun).toHaveLength(2);
      await end(second);
      expect([begun.slice(2), isOver()]).toEqual([['commit'], false]);
      await end('commit');
      await written;
    }
  });

  test('not where the task was lost while its positions were under way', async () => {
    const { begun, end, lose, written } = open();
    await end('send 1');
    lose();
    await end('offsets');
    await expect(written).rejects.toThrow('lost');
    expect(begun).toEqual(['send 1', 'offsets']);
  });

  test('rounds one after the other', async () => {
    const { begun, end, written } = open({ sizes: [600_000, 600_000] });
    await end('offsets');
    expect(begun).toEqual(['send 1', 'offsets']);
    await end('send 1');
    expect(begun).toEqual(['send 1', 'offsets', 'send 2']);
    await end('send 2');
    await end('commit');
    await written;
  });
});

describe('a transaction that fails', () => {
  test('sends no further round of a task that was lost', async () => {
    const { begun, end, lose, written } = open({ sizes: [600_000, 600_000] });
    lose();
    await end('send 1');
    await end('offsets');
    await expect(written).rejects.toThrow('lost');
    expect(begun).toEqual(['send 1', 'offsets']);
  });

  test.each([
    ['offsets', 'send 1'],
    ['send 1', 'offsets'],
  ])('over its %s does not commit, and ends only after its %s', async (failing, other) => {
    const { begun, end, written, isOver } = open();
    await end(failing, new Error('no broker'));
    expect(isOver()).toBe(false);
    await end(other);
    await expect(written).rejects.toThrow('no broker');
    expect(begun).toEqual(['send 1', 'offsets']);
  });

  test('over its commit is a failure, and what was refused stays known until one commits', async () => {
    const sizeLimits = new SizeLimits();
    const refusal = new RefusedBatch('output-refused', outputsOf([10]).rounds[0]![0]!);
    sizeLimits.refuse(source, refusal, false);
    for (const error of [new Error('no broker'), undefined]) {
      const { end, written } = open({ sizeLimits });
      await end('send 1');
      await end('offsets');
      await end('commit', error);
      await (error ? expect(written).rejects.toThrow('no broker') : written);
      expect(sizeLimits.refusalOf(source)).toBe(error && refusal);
    }
  });
});

describe('a batch that is refused', () => {
  const PLACES = [
    { topic: 'a', partition: 1 },
    { topic: 'b', partition: 0 },
    { topic: 'a', partition: 0 },
  ];
  /** The nth record's output goes to the nth place, in the order that is given. */
  const outputsTo = (order: readonly number[]) => {
    const outputs = new Outputs(() => new ListedBatch(), new SizeLimits());
    for (const at of order)
      outputs.add([{ ...PLACES[at]!, key: null, value: Buffer.from('x'), constantHeaders: [], headers: [] }], {
        ...source,
        offset: String(at),
      });
    return outputs;
  };
  const refusing = (isAtomic: boolean, isRefused: (batch: OutputBatch) => boolean) => ({
    isAtomic,
    sendOffsets: async () => undefined,
    commit: async () => undefined,
    send: async (batches: readonly OutputBatch[]) => batches.filter(isRefused).map((each) => new RefusedBatch('output-refused', each)),
  });

  test.each(PLACES)('at $topic/$partition is blamed on its record, and on no other', async ({ topic, partition }) => {
    const sizeLimits = new SizeLimits();
    const transaction = refusing(true, (batch) => batch.topic === topic && batch.partition === partition);
    const writing = writeTransaction(
      transaction,
      { outputs: outputsTo([0, 1, 2]), positions },
      { sizeLimits, throwIfLost: () => undefined, deadLetters: () => outputsOf([]) },
    );
    await expect(writing).rejects.toThrow('refuses');
    expect(PLACES.filter((_, at) => sizeLimits.refusalOf({ ...source, offset: String(at) }))).toEqual([{ topic, partition }]);
  });

  test('makes dead letters in the order of the records', async () => {
    const asked: string[][] = [];
    const deadLetters = (failures: ReadonlyMap<InputRecord, unknown>) => {
      asked.push([...failures.keys()].map(({ offset }) => offset));
      return outputsOf([]);
    };
    const work = { outputs: outputsTo([2, 0, 1]), positions };
    await writeTransaction(
      refusing(false, () => true),
      work,
      { sizeLimits: new SizeLimits(), throwIfLost: () => undefined, deadLetters },
    );
    expect(asked).toEqual([['0', '1', '2']]);
  });
});
