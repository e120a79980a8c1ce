import { AssignerProtocol } from '@sagafleet/kafka';
import type { Assigner, PartitionAssigner } from 'kafkajs';
import {
  assignTasks, decodeMemberData, encodeMemberData, highestPositions, MEMBER_DATA_VERSION, type MemberData,
} from '../assignment.ts';
import type { TopicPosition } from '../driver.ts';
import type { Broker, Cluster } from './internals.ts';

const ASSIGNER_NAME = 'sagafleet-tasks';

/** What the leader sends to one member beside its partitions. */
export interface AssignmentExtras { memberId: string; generation: number; floors: TopicPosition[] }

export interface AssignerOptions {
  /** What this member says when it joins. */
  memberData(): Omit<MemberData, 'version'>;
  /** Called in each join, before kafkajs reports it. */
  onSync(extras: AssignmentExtras): void;
  /** A join request failed. */
  onTrouble(error: unknown): void;
}

/**
 * The task assignment as a kafkajs assigner. kafkajs shows neither the generation nor the user
 * data of a join, so both are read from the sync request and its answer on the way.
 */
export function createTaskAssigner(options: AssignerOptions): PartitionAssigner {
  return (config) => {
    const cluster = config.cluster as unknown as Cluster;
    observeJoins(cluster, options);
    return taskAssigner(cluster, options);
  };
}

function taskAssigner(cluster: Cluster, options: AssignerOptions): Assigner {
  return {
    name: ASSIGNER_NAME,
    version: MEMBER_DATA_VERSION,
    protocol: ({ topics }) => ({
      name: ASSIGNER_NAME,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: MEMBER_DATA_VERSION,
        topics,
        userData: encodeMemberData({ version: MEMBER_DATA_VERSION, ...options.memberData() }),
      }),
    }),
    assign: async ({ members }) => {
      const claims = members.map(({ memberId, memberMetadata }) => {
        const metadata = AssignerProtocol.MemberMetadata.decode(memberMetadata);
        return { memberId, topics: metadata?.topics ?? [], data: decodeMemberData(metadata?.userData ?? null) };
      });
      const counts = await partitionCounts(cluster, new Set(claims.flatMap(({ topics }) => topics)));
      const owners = assignTasks(claims, counts);
      const floors = highestPositions(claims.flatMap(({ data }) => data.positions));
      return claims.map(({ memberId, topics }) => {
        const tasks = [...owners].filter(([, owner]) => owner === memberId).map(([task]) => task);
        return { memberId, memberAssignment: encodeAssignment(tasks, topics, counts, floors) };
      });
    },
  };
}

async function partitionCounts(cluster: Cluster, topics: ReadonlySet<string>): Promise<Map<string, number>> {
  // Another member may read a topic that this one does not
  await cluster.addMultipleTargetTopics([...topics]);
  return new Map([...topics].map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]));
}

function encodeAssignment(
  tasks: readonly number[], topics: readonly string[], counts: ReadonlyMap<string, number>, floors: TopicPosition[],
): Buffer {
  const assignment: Record<string, number[]> = {};
  for (const topic of topics) {
    const partitions = tasks.filter((task) => task < counts.get(topic)!);
    if (partitions.length > 0) assignment[topic] = partitions;
  }
  const positions = floors.filter(({ partition }) => tasks.includes(partition));
  return AssignerProtocol.MemberAssignment.encode({
    version: MEMBER_DATA_VERSION,
    assignment,
    userData: encodeMemberData({ version: MEMBER_DATA_VERSION, owned: [], generation: -1, positions }),
  });
}

function observeJoins(cluster: Cluster, { onSync, onTrouble }: AssignerOptions): void {
  const findCoordinator = cluster.findGroupCoordinator.bind(cluster);
  const observed = new WeakSet<Broker>();
  cluster.findGroupCoordinator = async (request) => {
    const broker = await findCoordinator(request).catch((error: unknown) => {
      onTrouble(error);
      throw error;
    });
    if (!observed.has(broker)) {
      observed.add(broker);
      observeSync(broker, onSync);
      for (const method of ['joinGroup', 'syncGroup', 'heartbeat'] as const) observeFailure(broker, method, onTrouble);
    }
    return broker;
  };
}

function observeSync(broker: Broker, onSync: AssignerOptions['onSync']): void {
  const syncGroup = broker.syncGroup.bind(broker);
  broker.syncGroup = async (request) => {
    const response = await syncGroup(request);
    const decoded = AssignerProtocol.MemberAssignment.decode(response.memberAssignment);
    const { positions } = decodeMemberData(decoded?.userData ?? null);
    onSync({ memberId: request.memberId, generation: request.generationId, floors: positions });
    return response;
  };
}

function observeFailure(
  broker: Broker, method: 'joinGroup' | 'syncGroup' | 'heartbeat', onTrouble: (error: unknown) => void,
): void {
  const original = (broker[method] as (request: unknown) => Promise<unknown>).bind(broker);
  const observed = async (request: unknown) => {
    try {
      return await original(request);
    } catch (error) {
      onTrouble(error);
      throw error;
    }
  };
  Object.assign(broker, { [method]: observed });
}
