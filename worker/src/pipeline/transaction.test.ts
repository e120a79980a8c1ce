import { describe, expect, test } from 'vitest';
import { ListedBatch } from '../../test/support/listed-batch.ts';
import { RefusedBatch, type InputRecord, type OutputBatch, type TopicPosition } from '../driver.ts';
import { Outputs, type OutputChunk } from './outputs.ts';
import { SizeLimits } from './size-limits.ts';
import { writeTransaction } from './transaction.ts';

interface Output { topic: string; partition: number; bytes: number; source: InputRecord; isDeadLetter?: boolean }

function output(topic: string, partition: number, bytes: number, offset = 0): Output {
  return { topic, partition, bytes, source: { topic: 'in', partition: 0, offset: String(offset), timestamp: '0', key: null, value: null, headers: [] } };
}

function outputsOf(list: readonly Output[], sizeLimits = new SizeLimits()): Outputs {
  const outputs = new Outputs(() => new ListedBatch(), sizeLimits);
  for (const { topic, partition, bytes, source, isDeadLetter } of list) {
    const record = { topic, partition, key: null, value: Buffer.alloc(bytes), constantHeaders: [], headers: [] };
    outputs.add(record, source, isDeadLetter ? { stage: 'decode', reason: 'noise' } : null);
  }
  return outputs;
}

/** A transaction against a topic that takes record batches up to `limit` bytes of values. */
function transactionWith(limit: number) {
  const steps: string[] = [];
  return {
    steps,
    send: async (batches: readonly OutputBatch[]) => {
      for (const { topic, partition, records } of batches) {
        if (records.bytes > limit) throw new RefusedBatch('output-too-large', { topic, partition }, {});
      }
      steps.push(batches.map(({ topic, partition, records }) => `${topic}/${partition}×${records.count}`).join(' '));
    },
    sendOffsets: async (positions: readonly TopicPosition[]) => { steps.push(`offsets×${positions.length}`); },
    commit: async () => { steps.push('commit'); },
  };
}

const positions = [{ topic: 'in', partition: 0, offset: 1n }];

describe('write transaction', () => {
  test('sends a batch for each output partition, and the offsets, then commits', async () => {
    const transaction = transactionWith(1_000);
    const outputs = outputsOf([output('a', 0, 10), output('b', 1, 10), output('a', 0, 10)]);
    await writeTransaction(transaction, { outputs, positions }, { sizeLimits: new SizeLimits(), throwIfLost: () => undefined });
    expect(transaction.steps).toEqual(['a/0×2 b/1×1', 'offsets×1', 'commit']);
  });

  test('commits nothing once the task is lost', async () => {
    const transaction = transactionWith(1_000);
    const throwIfLost = () => { throw new Error('lost'); };
    const writing = writeTransaction(transaction, { outputs: outputsOf([output('a', 0, 1)]), positions }, { sizeLimits: new SizeLimits(), throwIfLost });
    await expect(writing).rejects.toThrow('lost');
    expect(transaction.steps).toEqual(['a/0×1', 'offsets×1']);
  });

  test('commits nothing after a failed call, and fails only when what is under way has ended', async () => {
    const offsets = Promise.withResolvers<void>();
    const transaction = { ...transactionWith(5), sendOffsets: () => offsets.promise };
    const writing = writeTransaction(transaction, { outputs: outputsOf([output('a', 0, 10)]), positions }, { sizeLimits: new SizeLimits(), throwIfLost: () => undefined });
    let isOver = false;
    const failure = expect(writing.finally(() => { isOver = true; })).rejects.toMatchObject({ code: 'output-too-large' });
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    offsets.resolve();
    await failure;
    expect(transaction.steps).toEqual([]);
  });

  test('a batch that a topic refuses is halved until the one record that does not fit is known', async () => {
    const sizeLimits = new SizeLimits();
    const outputs = [output('a', 0, 40, 1), output('a', 0, 40, 2), output('a', 0, 300, 3), output('a', 0, 40, 4)];
    for (let tries = 0; !sizeLimits.refusalOf(outputs[2]!.source); tries++) {
      expect(tries).toBeLessThan(10);
      const work = { outputs: outputsOf(outputs, sizeLimits), positions };
      const writing = writeTransaction(transactionWith(100), work, { sizeLimits, throwIfLost: () => undefined });
      await expect(writing).rejects.toMatchObject({ code: 'output-too-large' });
    }
    expect(outputs.filter(({ source }) => sizeLimits.refusalOf(source))).toEqual([outputs[2]]);
  });

  const tooLarge = (limit: number, work: { outputs: Outputs; positions: readonly TopicPosition[] }, sizeLimits: SizeLimits) =>
    expect(writeTransaction(transactionWith(limit), work, { sizeLimits, throwIfLost: () => undefined })).rejects.toMatchObject({ code: 'output-too-large' });

  test('a record that is too large alone is sent compressed before its input fails, and so is what is larger', async () => {
    const sizeLimits = new SizeLimits();
    const [large, larger, small] = [output('a', 0, 300, 3), output('a', 1, 400, 4), output('a', 2, 200, 5)];
    await tooLarge(250, { outputs: outputsOf([large], sizeLimits), positions }, sizeLimits);
    expect(sizeLimits.refusalOf(large.source)).toBeUndefined();
    const { rounds } = outputsOf([large, larger, small], sizeLimits);
    expect(rounds[0]!.map(({ records }) => records.isCompressed)).toEqual([true, true, false]);
    await tooLarge(250, { outputs: outputsOf([large], sizeLimits), positions }, sizeLimits);
    expect(sizeLimits.refusalOf(large.source)).toMatchObject({ code: 'output-too-large' });
  });

  test('a dead letter that its topic refuses is compressed, then bare, then a stub, then only its place', async () => {
    const letter = { ...output('dlq', 0, 300, 3), isDeadLetter: true };
    const sizeLimits = new SizeLimits();
    const forms = [];
    for (let tries = 0; tries < 4; tries++) {
      await tooLarge(100, { outputs: outputsOf([letter], sizeLimits), positions }, sizeLimits);
      forms.push(sizeLimits.letterShapeOf(letter.source).form);
    }
    expect(forms).toEqual(['full', 'bare', 'stub', 'place']);
    expect(sizeLimits.letterShapeOf(letter.source).reason).toBe('topic dlq takes no record of 300 bytes, compressed');
    const last = writeTransaction(transactionWith(100), { outputs: outputsOf([letter], sizeLimits), positions }, { sizeLimits, throwIfLost: () => undefined });
    await expect(last).rejects.toMatchObject({ consequence: 'systemic', message: expect.stringContaining('max.message.bytes') as string });
    sizeLimits.written([{ topic: 'in', partition: 0, offset: 4n }]);
    expect(sizeLimits.letterShapeOf(letter.source).form).toBe('full');
  });
});

describe('what was learned of a record', () => {
  test('is forgotten once its position is written, or its task is lost', () => {
    const refusal = new RefusedBatch('output-refused', { topic: 'a', partition: 0 }, {});
    const refused = output('a', 0, 10, 7);
    const learned = () => {
      const sizeLimits = new SizeLimits();
      sizeLimits.learn(outputsOf([refused]).rounds[0]![0]!, refusal);
      expect(sizeLimits.refusalOf(refused.source)).toBe(refusal);
      return sizeLimits;
    };
    const [written, lost] = [learned(), learned()];
    written.written([{ topic: 'in', partition: 0, offset: 7n }]);
    expect(written.refusalOf(refused.source)).toBe(refusal);
    written.written([{ topic: 'in', partition: 0, offset: 8n }]);
    expect(written.refusalOf(refused.source)).toBeUndefined();
    lost.forgetTask(1);
    expect(lost.refusalOf(refused.source)).toBe(refusal);
    lost.forgetTask(0);
    expect(lost.refusalOf(refused.source)).toBeUndefined();
  });
});

describe('what a topic takes', () => {
  const refusal = (code: 'output-too-large' | 'output-refused') => new RefusedBatch(code, { topic: 'a', partition: 0 }, {});
  const [[batch]] = outputsOf([output('a', 0, 100_000, 1), output('a', 0, 100_000, 2)]).rounds as [[OutputChunk]];

  test('is tried with more ten minutes after a batch was too large', () => {
    let now = 0;
    const sizeLimits = new SizeLimits(() => now);
    const whole = sizeLimits.bytesFor('a');
    sizeLimits.learn(batch, refusal('output-too-large'));
    const learned = sizeLimits.bytesFor('a');
    sizeLimits.written([]);
    expect(sizeLimits.bytesFor('a')).toBe(learned);
    const seen: number[] = [];
    for (let tries = 0; tries < 6; tries++) {
      now += 600_000;
      sizeLimits.written([]);
      seen.push(sizeLimits.bytesFor('a'));
    }
    expect(seen).toEqual([learned * 2, learned * 4, learned * 8, whole, whole, whole]);
  });

  test('is sent plain again ten minutes after it was too large', () => {
    let now = 0;
    const sizeLimits = new SizeLimits(() => now);
    sizeLimits.learn(outputsOf([output('a', 0, 2_000_000)]).rounds[0]![0]!, refusal('output-too-large'));
    const seen = [0, 599_999, 1].map((passed) => {
      now += passed;
      sizeLimits.written([]);
      return [sizeLimits.compressedFrom('a'), sizeLimits.compressedFrom('b')];
    });
    const always = 32 * 1024 * 1024;
    expect(seen).toEqual([[2_000_000, always], [2_000_000, always], [always, always]]);
  });

  test('is as before once the record that was refused is written, and not before', () => {
    const sizeLimits = new SizeLimits(() => 0);
    const whole = sizeLimits.bytesFor('a');
    sizeLimits.learn(batch, refusal('output-refused'));
    const learned = sizeLimits.bytesFor('a');
    expect(learned).toBeLessThan(whole);
    for (const positions of [[{ topic: 'in', partition: 0, offset: 1n }], [{ topic: 'in', partition: 5, offset: 9n }]]) {
      sizeLimits.written(positions);
      expect(sizeLimits.bytesFor('a')).toBe(learned);
    }
    sizeLimits.written([{ topic: 'in', partition: 0, offset: 2n }]);
    expect(sizeLimits.bytesFor('a')).toBe(whole);
  });
});

test('a record that its topic refuses is found although other tasks write meanwhile', async () => {
  const sizeLimits = new SizeLimits();
  const list = Array.from({ length: 64 }, (_, offset) => output('a', 0, 100, offset));
  const culprit = list[7]!;
  for (let tries = 0; !sizeLimits.refusalOf(culprit.source); tries++) {
    expect(tries).toBeLessThan(64);
    const { rounds } = outputsOf(list, sizeLimits);
    let before = 0;
    const refused = rounds.flat().find(({ records: { count } }) => (before += count) > 7)!;
    sizeLimits.learn(refused, new RefusedBatch('output-refused', refused, {}));
    for (let commits = 1; commits <= 3; commits++) sizeLimits.written([{ topic: 'in', partition: 1, offset: BigInt(commits) }]);
  }
});
