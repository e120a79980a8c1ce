/** How large a group may be: what its members say in a join is one record of the broker's. */
import { createKafka, ISOLATION, openCluster } from '@sagafleet/kafka';
import type { MemberBroker } from '@sagafleet/kafka';
import { expect, inject, onTestFinished, test } from 'vitest';
import { until } from '../../test/support/until.ts';
import { AssigningMember, type GroupOptions } from './support/group-of-assigners.ts';
import { StepFixture } from './support/step-fixture.ts';

const TASKS = 1_000;

interface DescribingBroker extends MemberBroker {
  describeGroups(request: { groupIds: string[] }): Promise<{ groups: { members: unknown[] }[] }>;
}

test('100 members share 1,000 tasks of 12 topics with long names, and newcomers learn their positions', async () => {
  const { names } = await StepFixture.create();
  const topics = Array.from({ length: 12 }, (_, at) => `com.example.logistics.europe.warehouse.order-events-${at}.v1`.padEnd(100, 'x'));
  const options = { groupId: names.group, topics, taskCount: TASKS };
  const coordinator = await findCoordinator(names.group, names.input);
  const connect = async (count: number) =>
    Promise.all(Array.from({ length: count }, async () => new AssigningMember(options, await findCoordinator(names.group, names.input))));

  const first = await connect(1);
  await grow([], first, options, coordinator);
  const half = [...first, ...(await connect(49))];
  await grow(first, half.slice(1), options, coordinator);
  const offsetOf = (partition: number) => 4_000_000_000n + BigInt(partition);
  for (const member of half) {
    for (const partition of member.owned) for (const topic of topics) member.know({ topic, partition, offset: offsetOf(partition) });
  }
  const newcomers = await connect(50);
  await grow(half, newcomers, options, coordinator);
  // What was lost in the join before is told once more
  await grow([...half, ...newcomers], [], options, coordinator);

  const owned = [...half, ...newcomers].flatMap((member) => member.owned).sort((a, b) => a - b);
  expect(owned).toEqual(Array.from({ length: TASKS }, (_, at) => at));
  for (const newcomer of newcomers) {
    expect(newcomer.owned).toHaveLength(10);
    const known = newcomer.owned.map((partition) => topics.map((topic) => newcomer.known.get(`${topic}/${partition}`)?.offset));
    expect(known).toEqual(newcomer.owned.map((partition) => topics.map(() => offsetOf(partition))));
  }
});

/** One generation with all of them: those who are there join again only once the newcomers have come. */
async function grow(
  there: readonly AssigningMember[],
  newcomers: readonly AssigningMember[],
  { groupId }: GroupOptions,
  coordinator: DescribingBroker,
): Promise<void> {
  const size = there.length + newcomers.length;
  const coming = newcomers.map((member) => member.join());
  await until(`${size} members to come`, async () => {
    const {
      groups: [group],
    } = await coordinator.describeGroups({ groupIds: [groupId] });
    return group!.members.length === size;
  });
  const syncs = await Promise.all([...coming, ...there.map((member) => member.join())]);
  await Promise.all(syncs.map((sync) => sync()));
}

/** On a connection of its own: brokers answer one request of a connection at a time. */
async function findCoordinator(groupId: string, topic: string): Promise<DescribingBroker> {
  const kafka = createKafka(
    { brokers: [inject('brokers')], tls: false, sasl: null, clientId: 'test' },
    { log: () => undefined, level: 'error' },
  );
  const cluster = openCluster(kafka, ISOLATION.readCommitted);
  await cluster.connect();
  onTestFinished(() => cluster.disconnect());
  await cluster.addMultipleTargetTopics([topic]);
  return (await cluster.findGroupCoordinator({ groupId })) as unknown as DescribingBroker;
}
