import type { MemberCluster } from '@sagafleet/kafka';
import fc from 'fast-check';
import type { PartitionAssigner } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { AssigningMember, FakeCoordinator } from '../../test/support/group-of-assigners.ts';
import { NOTHING_OWNED } from '../membership/member-data.ts';
import { createTaskAssigner } from './assigner.ts';

/** `max.message.bytes` of `__consumer_offsets`, which the record with all that members and leader say must not exceed. */
const RECORD_LIMIT = 1_048_588;
/** What a broker writes for a member beside: ids, host, time-outs. */
const MEMBER_BYTES = 200;

class Group {
  readonly coordinator = new FakeCoordinator();
  readonly topics: readonly string[];
  readonly taskCount: number;
  members: AssigningMember[] = [];

  constructor(topics: readonly string[], taskCount: number) {
    this.topics = topics;
    this.taskCount = taskCount;
  }

  get recordBytes(): number {
    return this.coordinator.bytes + MEMBER_BYTES * this.members.length;
  }

  async join(size = this.members.length, missed: readonly number[] = []): Promise<void> {
    const options = { groupId: 'default.payment', topics: this.topics, taskCount: this.taskCount };
    while (this.members.length < size) this.members.push(new AssigningMember(options, this.coordinator.broker));
    await this.coordinator.joinAll(this.members, new Set(missed.map((at) => this.members[at % this.members.length]!)));
  }

  /** Every owner goes on by `by` in each of its partitions. */
  advance(by: bigint): void {
    for (const member of this.members) {
      for (const partition of member.owned) {
        for (const topic of this.topics) member.know({ topic, partition, offset: (offsetOf(member, topic, partition) ?? 0n) + by });
      }
    }
  }

  die(at: number): void {
    this.members = this.members.filter((_, index) => index !== at);
  }
}

function offsetOf(member: AssigningMember, topic: string, partition: number): bigint | undefined {
  return member.known.get(`${topic}/${partition}`)?.offset;
}

const ownerOf = (group: Group, task: number) => group.members.find(({ owned }) => owned.includes(task))!;

describe('the record of a group with 100 members, 1,000 tasks and 12 topics with long names', () => {
  const topics = Array.from({ length: 12 }, (_, at) =>
    `com.example.logistics.europe.warehouse.fulfilment.order-events-${at}.v1`.padEnd(100, 'x'),
  );

  const GROWTH: Record<string, number[]> = {
    'that came a few at a time': Array.from({ length: 25 }, (_, at) => at * 4 + 4),
    'that came all at once to one': [1, 100, 100, 100],
    'that doubled again and again': [1, 2, 4, 8, 16, 32, 64, 100],
  };

  test.each(Object.entries(GROWTH))(
    '%s stays far below what brokers take',
    async (_sentence, sizes) => {
      const group = new Group(topics, 1_000);
      const records: number[] = [];
      for (const size of sizes) {
        await group.join(size);
        group.advance(123_456_789_012n);
        records.push(group.recordBytes);
      }
      expect(Math.max(...records)).toBeLessThan(RECORD_LIMIT / 2);
    },
    60_000,
  );
});

describe('the position of a task that moves', () => {
  const one = () => new Group(['orders'], 4);

  test('is told to its new owner in the same join', async () => {
    const group = one();
    await group.join(1);
    group.advance(5n);
    await group.join(2);
    const [, second] = group.members;
    expect(second!.owned).toHaveLength(2);
    expect(second!.owned.map((task) => offsetOf(second!, 'orders', task))).toEqual([5n, 5n]);
  });

  test('is told by the owner before once more, where the new one ends at once', async () => {
    const group = one();
    await group.join(1);
    group.advance(5n);
    await group.join(2);
    const moved = group.members[1]!.owned;
    group.die(1);
    await group.join(3);
    expect(moved.map((task) => offsetOf(ownerOf(group, task), 'orders', task))).toEqual([5n, 5n]);
  });

  test('is not told for ever by a previous owner: it would look like one that a member knows', async () => {
    const group = one();
    await group.join(1);
    group.advance(5n);
    await group.join(2);
    group.advance(5n);
    await group.join();
    const moved = group.members[1]!.owned;
    group.die(1);
    const [first] = group.members;
    const before = moved.map((task) => offsetOf(first!, 'orders', task));
    await group.join(3);
    const newcomers = moved.map((task) => ownerOf(group, task)).filter((owner) => owner !== first);
    expect(before).toEqual([5n, 5n]);
    expect(newcomers).toHaveLength(2);
    expect(newcomers.flatMap(({ known }) => [...known.values()])).toEqual([]);
  });

  test('is known to its owner as to the member that knows most, in any order of joins and of missing answers', async () => {
    const join = fc.record({ newcomers: fc.nat(3), missed: fc.array(fc.nat(20), { maxLength: 6 }), by: fc.nat(3) });
    await fc.assert(
      fc.asyncProperty(fc.array(join, { minLength: 1, maxLength: 12 }), async (joins) => {
        const group = new Group(['orders', 'bookings'], 9);
        for (const { newcomers, missed, by } of joins) {
          await group.join(Math.max(1, group.members.length + newcomers), missed);
          const absent = new Set(missed.map((at) => group.members[at % group.members.length]!));
          for (const member of group.members.filter((each) => !absent.has(each))) {
            for (const place of member.owned.flatMap((task) => group.topics.map((topic) => ({ topic, task })))) {
              const most = group.members.map((each) => offsetOf(each, place.topic, place.task) ?? -1n).reduce((a, b) => (a > b ? a : b));
              expect(offsetOf(member, place.topic, place.task) ?? -1n).toBe(most);
            }
          }
          group.advance(BigInt(by));
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('a consumer that restarts, each time with an assigner of its own, is watched once', async () => {
  const troubles: unknown[] = [];
  const create = createTaskAssigner({
    memberData: () => NOTHING_OWNED,
    onSync: () => undefined,
    onTrouble: (error) => troubles.push(error),
  });
  const cluster = {
    findGroupCoordinator: async () => {
      throw new Error('away');
    },
  };
  for (let starts = 0; starts < 3; starts++) create({ cluster } as unknown as Parameters<PartitionAssigner>[0]);
  await expect((cluster as unknown as MemberCluster).findGroupCoordinator({ groupId: 'default.payment' })).rejects.toThrow('away');
  expect(troubles).toHaveLength(1);
});
