import { describe, expect, test } from 'vitest';
import { isBehind, sourceOf } from './record-source.ts';

const headers = (all: Record<string, string>): [string, Buffer][] => Object.entries(all).map(([name, value]) => [name, Buffer.from(value)]);
const original = (partition: string) =>
  headers({
    ce_id: 'elsewhere/1/2/3/g/o/0',
    'sagafleet-original-topic': 'in',
    'sagafleet-original-partition': partition,
    'sagafleet-original-offset': '9',
  });

describe('the source of a record is', () => {
  test.each(
    Object.entries({
      'named by the id of an output': {
        of: headers({ ce_id: 'in/2/7/1700000000000/default.payment/done/0' }),
        is: { topic: 'in', partition: 2, offset: 7n },
      },
      'named by the headers of a dead letter, whatever event that was': {
        of: original('2'),
        is: { topic: 'in', partition: 2, offset: 9n },
      },
      'that of the last failure, not the first, for a dead letter that was replayed': {
        of: [
          ...original('2'),
          ...headers({ 'sagafleet-source-topic': 'in', 'sagafleet-source-partition': '2', 'sagafleet-source-offset': '90' }),
        ],
        is: { topic: 'in', partition: 2, offset: 90n },
      },
      'unknown where the id is not one of ours': { of: headers({ ce_id: '4711' }), is: null },
      'unknown where a header was altered': { of: original('two'), is: null },
      'unknown without headers': { of: [], is: null },
    }),
  )('%s', (_, { of, is }) => expect(sourceOf(of)).toEqual(is));
});

describe('a record of offset 7 is', () => {
  const source = { topic: 'in', partition: 2, offset: 7n };
  const at = (offset: bigint) => [{ topic: 'in', partition: 2, offset }];
  test.each(
    Object.entries({
      'behind a later committed position': { committed: at(8n), floor: null, is: true },
      'not behind a position that is to read it next': { committed: at(7n), floor: null, is: false },
      'behind a position that a member knows': { committed: at(0n), floor: 8n, is: true },
      'not behind what nobody knows': { committed: [], floor: null, is: false },
    }),
  )('%s', (_, { committed, floor, is }) => expect(isBehind(source, { task: 2, committed, floorOf: () => floor })).toBe(is));

  test('nothing to a task of another partition', () => {
    expect(isBehind(source, { task: 1, committed: [{ topic: 'in', partition: 1, offset: 8n }], floorOf: () => 8n })).toBe(false);
  });
});
