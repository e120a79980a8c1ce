import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countMoved, electLeadersBody, electLeadersError, planElections, type PartitionReplicas } from './elections.ts';
import { randomFrom } from './random.ts';

const anyPartition = fc
  .record({ partition: fc.nat(), leader: fc.constantFrom(1, 2, 3), fallenBehind: fc.subarray([1, 2, 3]) })
  .map(({ partition, leader, fallenBehind }): PartitionReplicas => ({
    topic: 'in',
    partition,
    leader,
    replicas: [1, 2, 3],
    inSync: [1, 2, 3].filter((each) => each === leader || !fallenBehind.includes(each)),
  }));

test('another replica is to lead, one that is in sync, and no replica comes or goes', () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(anyPartition), (seed, partitions) => {
      const elections = planElections(partitions, randomFrom(seed));
      const possible = partitions.filter(({ inSync }) => inSync.length > 1);
      expect(elections.map(({ partition }) => partition)).toEqual(possible.map(({ partition }) => partition));
      for (const [at, { replicas }] of elections.entries()) {
        expect(replicas[0]).not.toBe(possible[at]!.leader);
        expect(possible[at]!.inSync).toContain(replicas[0]);
        expect(replicas.toSorted()).toEqual([1, 2, 3]);
      }
    }),
  );
});

test('where there is one replica nothing is elected', () => {
  expect(planElections([{ topic: 'in', partition: 0, leader: 2, replicas: [2], inSync: [2] }], randomFrom(1))).toEqual([]);
});

test('those moved that lead as they are to', () => {
  const elections = [0, 1].map((partition) => ({ topic: 'in', partition, replicas: [3, 1, 2] }));
  const led = (...leaders: number[]) => leaders.map((leader, partition) => ({ topic: 'in', partition, leader }));
  expect([led(1, 2), led(3, 1), led(3, 3)].map((partitions) => countMoved(elections, partitions))).toEqual([0, 1, 2]);
});

test('the request is as the protocol has it', () => {
  const elections = [
    { topic: 'in', partition: 5, replicas: [1] },
    { topic: 'out', partition: 0, replicas: [1] },
    { topic: 'in', partition: 7, replicas: [2] },
  ];
  const topicIn = '0002' + '696e' + '00000002' + '00000005' + '00000007';
  const topicOut = '0003' + '6f7574' + '00000001' + '00000000';
  expect(electLeadersBody(elections, 5_000).toString('hex')).toBe('00' + '00000002' + topicIn + topicOut + '00001388');
  expect(electLeadersError(Buffer.from('00000000' + '0029' + '00000000', 'hex'))).toBe(41);
});
