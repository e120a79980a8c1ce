import { expect, test } from 'vitest';
import { ListedBatch, recordsOf } from '../../test/support/listed-batch.ts';
import type { InputRecord, OutputRecord } from '../driver.ts';
import { Outputs } from './outputs.ts';
import { StageFailure } from './run-step.ts';
import { SizeLimits } from './size-limits.ts';

const source: InputRecord = { topic: 'in', partition: 3, offset: '7', timestamp: '0', key: null, value: null, headers: [] };

function record(topic: string, value: string, changes: Partial<OutputRecord> = {}): OutputRecord {
  return { topic, partition: 0, key: null, value: Buffer.from(value), constantHeaders: [], headers: [], ...changes };
}

function outputs(): Outputs {
  return new Outputs(() => new ListedBatch(), new SizeLimits());
}

const shown = ({ rounds }: Outputs) =>
  rounds.map((round) =>
    round.map(({ topic, partition, records }) => [
      `${topic}/${partition}`,
      ...recordsOf(records).map(({ value }) => String(value).slice(0, 3)),
    ]),
  );

test('one batch for each topic partition, in order', () => {
  const all = outputs();
  for (const each of [record('a', '1'), record('b', '2'), record('a', '3'), record('a', '4', { partition: 2 })]) all.add([each], source);
  expect(shown(all)).toEqual([
    [
      ['a/0', '1', '3'],
      ['b/0', '2'],
      ['a/2', '4'],
    ],
  ]);
});

test('a batch that is full is followed by one of the next round', () => {
  const all = outputs();
  const large = (name: string) => name.padEnd(600_000);
  for (const each of [record('a', large('1')), record('a', large('2')), record('b', '3'), record('a', '4')]) all.add([each], source);
  expect(shown(all)).toEqual([
    [
      ['a/0', '1  '],
      ['b/0', '3'],
    ],
    [['a/0', '2  ', '4']],
  ]);
});

test('dead letters are told with the place of what failed', () => {
  const all = outputs();
  const failed = { error: new StageFailure('decode', new Error('noise')), stub: null, isSmallest: false };
  all.add([record('dlq', '1')], source, failed);
  expect([...all.failures]).toEqual([[source, failed]]);
  expect(all.rounds[0]![0]!.sources).toEqual([source]);
});
