import { ISOLATION, openCluster } from '@sagafleet/kafka';
import type { StepFixture } from './step-fixture.ts';

/** What the types of kafkajs leave out. */
interface LeavingBroker {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
}

/** As if its session had expired. */
export async function removeFromGroup({ kafka, names: { group } }: StepFixture, memberId: string): Promise<void> {
  const cluster = openCluster(kafka, ISOLATION.readCommitted);
  await cluster.connect();
  const coordinator = (await cluster.findGroupCoordinator({ groupId: group })) as unknown as LeavingBroker;
  await coordinator.leaveGroup({ groupId: group, memberId });
  await cluster.disconnect();
}
