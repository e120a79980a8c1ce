import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeAssignmentData,
  decodeMemberData,
  encodeAssignmentData,
  encodeMemberData,
  NOTHING_OWNED,
  NOTHING_TOLD,
  type MemberData,
} from './member-data.ts';

const TOPICS = ['orders', 'bookings', '7'];
const DATA: MemberData = {
  owned: [1, 4, 5, 6],
  generation: 12,
  positions: [
    { topic: 'orders', partition: 1, offset: 9_007_199_254_740_993n },
    { topic: '7', partition: 4, offset: 0n },
  ],
};

describe('what a member tells', () => {
  test('is read back as it was written, with the topics in another order', () => {
    const read = decodeMemberData(encodeMemberData(DATA, TOPICS), TOPICS.toReversed());
    expect(read).toEqual({ ...DATA, positions: expect.arrayContaining(DATA.positions) as unknown });
    expect(read.positions).toHaveLength(DATA.positions.length);
  });

  test('takes a byte or two for each task and a few for each position', () => {
    const tasks = Array.from({ length: 10 }, (_, at) => at * 100);
    const positions = tasks.map((partition) => ({ topic: 'orders', partition, offset: 4_000_000_000n }));
    expect(encodeMemberData({ owned: tasks, generation: 1_000, positions }, ['orders']).length).toBeLessThan(100);
  });

  const NOTHING: Record<string, Buffer | null> = {
    'no data': null,
    'empty data': Buffer.alloc(0),
    'data of another kind': Buffer.from([0, 1, 2]),
    'data that ends early': encodeMemberData(DATA, TOPICS).subarray(0, -1),
    'a range of partitions that no broker has': Buffer.from([2, 1, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    'JSON of another kind': Buffer.from('{"positions":3}'),
  };
  test.each(Object.entries(NOTHING))('%s counts as nothing', (_sentence, bytes) => {
    expect(decodeMemberData(bytes, TOPICS)).toEqual(NOTHING_OWNED);
    expect(decodeAssignmentData(bytes, TOPICS)).toEqual(NOTHING_TOLD);
  });

  test('whatever comes, reading it does not fail', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const decoded = decodeMemberData(Buffer.from([2, ...bytes]), TOPICS);
        expect(decoded.positions.every(({ offset }) => offset >= 0n)).toBe(true);
      }),
    );
  });
});

test('what the leader answers is read back as it was written', () => {
  const data = { floors: DATA.positions, settled: [3, 8], handedOver: [8] };
  expect(decodeAssignmentData(encodeAssignmentData(data, TOPICS), TOPICS)).toMatchObject({ settled: [3, 8], handedOver: [8] });
  expect(new Set(decodeAssignmentData(encodeAssignmentData(data, TOPICS), TOPICS).floors)).toEqual(new Set(DATA.positions));
});

describe('in a rolling update', () => {
  const VERSION_1 = Buffer.from(
    '{"version":1,"owned":[3],"generation":5,"positions":[{"topic":"gone","partition":3,"offset":"9007199254740993"}]}',
  );
  const positions = [{ topic: 'gone', partition: 3, offset: 9_007_199_254_740_993n }];

  test('members of version 1 are understood', () => {
    expect(decodeMemberData(VERSION_1, TOPICS)).toEqual({ owned: [3], generation: 5, positions });
    expect(decodeAssignmentData(VERSION_1, TOPICS)).toEqual({ floors: positions, settled: [], handedOver: [] });
  });

  test('members of version 1, which parse JSON and take a failure for nothing, fail to parse ours', () => {
    for (const bytes of [encodeMemberData(DATA, TOPICS), encodeMemberData(NOTHING_OWNED, []), encodeAssignmentData(NOTHING_TOLD, [])]) {
      expect(() => {
        JSON.parse(bytes.toString());
      }).toThrow(SyntaxError);
    }
  });

  test('a later version is read as far as it is known', () => {
    const later = Buffer.concat([encodeMemberData(DATA, TOPICS), Buffer.from('more')]);
    later[0] = 3;
    expect(decodeMemberData(later, TOPICS)).toMatchObject({ owned: DATA.owned, generation: DATA.generation });
  });
});
