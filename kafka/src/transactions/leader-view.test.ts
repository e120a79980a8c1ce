import { describe, expect, test } from 'vitest';
import type { PartitionLeader } from '../wire/metadata.ts';
import { LeaderView } from './leader-view.ts';

const view = (...partitions: PartitionLeader[]) => LeaderView.of({ topics: [{ name: 'out', id: 'id', errorCode: 0, partitions }] });
const led = (partition: number, leaderEpoch: number, leader: number | null = 1): PartitionLeader => ({ partition, leader, leaderEpoch });
const before = view(led(0, 5), led(1, 7));
const touched = [{ topic: 'out', partitions: [1] }];

describe('a partition kept its leader', () => {
  test.each(
    Object.entries({
      'in the same epoch': { after: view(led(0, 5), led(1, 7)), is: true },
      'whatever became of others': { after: view(led(0, 6), led(1, 7)), is: true },
      'not in a later epoch, also under the same broker': { after: view(led(0, 5), led(1, 9)), is: false },
      'not where it has none': { after: view(led(0, 5), led(1, 7, null)), is: false },
      'not where the topic is gone': { after: LeaderView.of({ topics: [] }), is: false },
    }),
  )('%s', (_, { after, is }) => expect(after.hasKept(before, touched)).toBe(is));

  test('not where it had none when the transaction began, nor where nobody knew the partition', () => {
    const now = view(led(0, 5), led(1, 7));
    expect(now.hasKept(view(led(0, 5), led(1, 7, null)), touched)).toBe(false);
    expect(now.hasKept(view(led(0, 5)), touched)).toBe(false);
    const leaderless = view(led(0, 5), led(1, 7, null));
    expect(leaderless.hasKept(leaderless, touched)).toBe(false);
  });
});
