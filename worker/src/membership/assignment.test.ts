import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignTasks, type GroupMemberClaim } from './assignment.ts';
import { NOTHING_OWNED } from './member-data.ts';

function member(memberId: string, owned: number[] = [], generation = 1, topics = ['a', 'b']): GroupMemberClaim {
  return { memberId, topics, data: { ...NOTHING_OWNED, owned, generation } };
}

function tasksOf(assignment: Map<number, string>, memberId: string): number[] {
  return [...assignment]
    .filter(([, owner]) => owner === memberId)
    .map(([task]) => task)
    .sort((x, y) => x - y);
}

const threeOfEach = new Map([
  ['a', 3],
  ['b', 3],
]);

describe('task assignment', () => {
  test('every task has one owner, as many tasks as the widest topic has partitions', () => {
    expect(
      [
        ...assignTasks(
          [member('m1')],
          new Map([
            ['a', 3],
            ['b', 5],
          ]),
        ).keys(),
      ].sort(),
    ).toEqual([0, 1, 2, 3, 4]);
  });

  test('a member keeps what it had when another one joins', () => {
    const assignment = assignTasks([member('m1', [0, 1, 2]), member('m2')], threeOfEach);
    expect(tasksOf(assignment, 'm1')).toEqual([0, 1]);
    expect(tasksOf(assignment, 'm2')).toEqual([2]);
  });

  test('only the tasks of a member that left move', () => {
    const assignment = assignTasks([member('m1', [0]), member('m2', [1])], threeOfEach);
    expect(assignment.get(0)).toBe('m1');
    expect(assignment.get(1)).toBe('m2');
  });

  test('of two members that claim a task the one with the newer generation keeps it', () => {
    const assignment = assignTasks([member('m1', [0, 1], 4), member('m2', [0, 1], 7)], new Map([['a', 2]]));
    expect(assignment.get(0)).toBe('m2');
    expect(assignment.get(1)).toBe('m1');
  });

  test('a member without a topic of the task does not get it', () => {
    const assignment = assignTasks(
      [member('m1', [], 1, ['b']), member('m2', [], 1, ['a'])],
      new Map([
        ['a', 3],
        ['b', 1],
      ]),
    );
    expect(tasksOf(assignment, 'm1')).toEqual([0]);
    expect(tasksOf(assignment, 'm2')).toEqual([1, 2]);
  });

  test('shares are even, stable and complete for any history', () => {
    const claims = fc.uniqueArray(fc.tuple(fc.string({ minLength: 1 }), fc.uniqueArray(fc.nat(30)), fc.nat(5)), {
      minLength: 1,
      maxLength: 8,
      selector: ([id]) => id,
    });
    fc.assert(
      fc.property(claims, fc.integer({ min: 1, max: 24 }), (history, partitions) => {
        const members = history.map(([id, owned, generation]) => member(id, owned, generation));
        const counts = new Map([
          ['a', partitions],
          ['b', Math.ceil(partitions / 2)],
        ]);
        const assignment = assignTasks(members, counts);
        const loads = members.map((each) => tasksOf(assignment, each.memberId).length);
        expect(assignment.size).toBe(partitions);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
        const again = members.map((each) => member(each.memberId, tasksOf(assignment, each.memberId), 9));
        expect(new Map([...assignTasks(again, counts)].sort())).toEqual(new Map([...assignment].sort()));
      }),
    );
  });
});
