import { describe, expect, test } from 'vitest';
import { RefusedBatch, type OutputBatch, type TopicPosition } from '../driver.ts';
import { roundsOf, SizeLimits, writeTransaction, type Output } from './transaction.ts';

function output(topic: string, partition: number, bytes: number, offset = 0): Output {
  return {
    failure: null,
    source: { topic: 'in', partition: 0, offset: String(offset), timestamp: '0', key: null, value: null, headers: [] },
    record: { topic, partition, key: null, value: Buffer.alloc(bytes), constantHeaders: [], headers: [] },
  };
}

/** A transaction against a topic that takes record batches up to `limit` bytes of values. */
function transactionWith(limit: number) {
  const steps: string[] = [];
  return {
    steps,
    send: async (batches: readonly OutputBatch[]) => {
      for (const { topic, partition, records } of batches) {
        const bytes = records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
        if (bytes > limit) throw new RefusedBatch('output-too-large', { topic, partition }, {});
      }
      steps.push(batches.map(({ topic, partition, records }) => `${topic}/${partition}×${records.length}`).join(' '));
    },
    sendOffsets: async (positions: readonly TopicPosition[]) => { steps.push(`offsets×${positions.length}`); },
    commit: async () => { steps.push('commit'); },
  };
}

const positions = [{ topic: 'in', partition: 0, offset: 1n }];

describe('write transaction', () => {
  test('sends a batch for each output partition, and the offsets, then commits', async () => {
    const transaction = transactionWith(1_000);
    const outputs = [output('a', 0, 10), output('b', 1, 10), output('a', 0, 10)];
    await writeTransaction(transaction, { outputs, positions }, { sizeLimits: new SizeLimits(), throwIfLost: () => undefined });
    expect(transaction.steps).toEqual(['a/0×2 b/1×1', 'offsets×1', 'commit']);
  });

  test('commits nothing once the task is lost', async () => {
    const transaction = transactionWith(1_000);
    const throwIfLost = () => { throw new Error('lost'); };
    const writing = writeTransaction(transaction, { outputs: [output('a', 0, 1)], positions }, { sizeLimits: new SizeLimits(), throwIfLost });
    await expect(writing).rejects.toThrow('lost');
    expect(transaction.steps).toEqual(['a/0×1', 'offsets×1']);
  });

  test('a batch that a topic refuses is halved until the one record that does not fit is known', async () => {
    const sizeLimits = new SizeLimits();
    const outputs = [output('a', 0, 40, 1), output('a', 0, 40, 2), output('a', 0, 300, 3), output('a', 0, 40, 4)];
    for (let tries = 0; !sizeLimits.refusalOf(outputs[2]!.source); tries++) {
      expect(tries).toBeLessThan(10);
      const writing = writeTransaction(transactionWith(100), { outputs, positions }, { sizeLimits, throwIfLost: () => undefined });
      await expect(writing).rejects.toMatchObject({ code: 'output-too-large' });
    }
    expect(outputs.filter(({ source }) => sizeLimits.refusalOf(source))).toEqual([outputs[2]]);
  });

  test('a dead letter that its topic refuses is to be tried bare; refused again it says so, and waits', async () => {
    const outputs = [{ ...output('dlq', 0, 300, 3), failure: { stage: 'decode' as const, reason: 'noise' } }];
    const sizeLimits = new SizeLimits();
    const options = { sizeLimits, throwIfLost: () => undefined };
    await expect(writeTransaction(transactionWith(100), { outputs, positions }, options)).rejects.toMatchObject({ code: 'output-too-large' });
    expect(sizeLimits.isBare(outputs[0]!.source)).toBe(true);
    await expect(writeTransaction(transactionWith(100), { outputs, positions }, options))
      .rejects.toMatchObject({ consequence: 'systemic', message: expect.stringContaining('max.message.bytes') as string });
  });
});

describe('rounds', () => {
  test('hold about 900 kB a partition, in order', () => {
    const records = [10, 899_000, 899_000, 10].map((bytes, at) => output('a', 0, bytes, at));
    const rounds = roundsOf([...records, output('b', 0, 10)], new SizeLimits());
    expect(rounds.map((round) => round.map(({ topic, outputs }) => [topic, ...outputs.map(({ source }) => source.offset)])))
      .toEqual([[['a', '0', '1'], ['b', '0']], [['a', '2', '3']]]);
  });

  test('count headers too, the constant ones with each record', () => {
    const headers = [['name', Buffer.alloc(450_000)]] as const;
    const withHeaders = (changes: object) => ({ ...output('a', 0, 0), record: { ...output('a', 0, 0).record, ...changes } });
    expect(roundsOf([withHeaders({ headers }), withHeaders({ headers })], new SizeLimits())).toHaveLength(2);
    expect(roundsOf([withHeaders({ constantHeaders: headers }), withHeaders({ constantHeaders: headers })], new SizeLimits())).toHaveLength(2);
  });
});
