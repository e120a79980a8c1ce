import { AssignerProtocol, type MemberBroker, type MemberCluster, showRefusals } from '@sagafleet/kafka';
import type { Assigner, PartitionAssigner } from 'kafkajs';
import type { TopicPosition } from '../driver.ts';
import { assignTasks } from '../membership/assignment.ts';
import {
  decodeAssignmentData,
  decodeMemberData,
  encodeAssignmentData,
  encodeMemberData,
  type AssignmentData,
  type MemberData,
} from '../membership/member-data.ts';
import { PositionsToTell, PositionsTold } from '../membership/told-positions.ts';
import { namedRefusal } from './authorization.ts';

const ASSIGNER_NAME = 'sagafleet-tasks';
/** Of Kafka's consumer protocol around our data, which brokers and tools read; later versions have more fields. */
const CONSUMER_PROTOCOL_VERSION = 0;

/** What the leader sends to one member beside its partitions. */
export interface AssignmentExtras {
  memberId: string;
  generation: number;
  floors: TopicPosition[];
  handedOver: number[];
}

export interface AssignerOptions {
  /** What this member knows when it joins. */
  memberData(): MemberData;
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
  // A consumer that restarts asks for another assigner, for the same cluster
  const toTell = new PositionsToTell();
  const observed = new WeakSet<MemberCluster>();
  return (config) => {
    const cluster = config.cluster as unknown as MemberCluster;
    if (!observed.has(cluster))
      observeJoins(cluster, {
        ...options,
        onSync: (extras, { settled }) => {
          toTell.settle(settled);
          options.onSync(extras);
        },
      });
    observed.add(cluster);
    return taskAssigner(cluster, options, toTell);
  };
}

function taskAssigner(cluster: MemberCluster, options: AssignerOptions, toTell: PositionsToTell): Assigner {
  return {
    name: ASSIGNER_NAME,
    version: CONSUMER_PROTOCOL_VERSION,
    protocol: ({ topics }) => {
      const { owned, generation, positions } = options.memberData();
      const data = { owned, generation, positions: toTell.select(positions, new Set(owned)) };
      const userData = encodeMemberData(data, topics);
      return {
        name: ASSIGNER_NAME,
        metadata: AssignerProtocol.MemberMetadata.encode({ version: CONSUMER_PROTOCOL_VERSION, topics, userData }),
      };
    },
    assign: async ({ members }) => {
      const claims = members.map(({ memberId, memberMetadata }) => {
        const { topics = [], userData = null } = AssignerProtocol.MemberMetadata.decode(memberMetadata) ?? {};
        return { memberId, topics, data: decodeMemberData(userData, topics) };
      });
      const counts = await partitionCounts(cluster, new Set(claims.flatMap(({ topics }) => topics)));
      const owners = assignTasks(claims, counts);
      const told = new PositionsTold(claims);
      return claims.map((claim) => {
        const tasks = [...owners].filter(([, owner]) => owner === claim.memberId).map(([task]) => task);
        const memberAssignment = encodeAssignment(partitionsOf(tasks, claim.topics, counts), told.answerTo(claim, tasks));
        return { memberId: claim.memberId, memberAssignment };
      });
    },
  };
}

async function partitionCounts(cluster: MemberCluster, topics: ReadonlySet<string>): Promise<Map<string, number>> {
  // Another member may read a topic that this one does not
  await cluster.addMultipleTargetTopics([...topics]);
  return new Map([...topics].map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]));
}

function partitionsOf(tasks: readonly number[], topics: readonly string[], counts: ReadonlyMap<string, number>): Record<string, number[]> {
  const assignment: Record<string, number[]> = {};
  for (const topic of topics) {
    const partitions = tasks.filter((task) => task < counts.get(topic)!);
    if (partitions.length > 0) assignment[topic] = partitions;
  }
  return assignment;
}

function encodeAssignment(assignment: Record<string, number[]>, data: AssignmentData): Buffer {
  const userData = encodeAssignmentData(data, Object.keys(assignment));
  return AssignerProtocol.MemberAssignment.encode({ version: CONSUMER_PROTOCOL_VERSION, assignment, userData });
}

interface JoinObserver extends Pick<AssignerOptions, 'onTrouble'> {
  onSync(extras: AssignmentExtras, data: AssignmentData): void;
}

function observeJoins(cluster: MemberCluster, { onSync, onTrouble }: JoinObserver): void {
  showRefusals(cluster);
  const findCoordinator = cluster.findGroupCoordinator.bind(cluster);
  const observed = new WeakSet<MemberBroker>();
  cluster.findGroupCoordinator = async (request) => {
    const broker = await findCoordinator(request).catch((error: unknown) => {
      onTrouble(error);
      throw named(error, request);
    });
    if (!observed.has(broker)) {
      observed.add(broker);
      observeSync(broker, onSync);
      for (const method of ['joinGroup', 'syncGroup', 'heartbeat'] as const) observeFailure(broker, method, onTrouble);
    }
    return broker;
  };
}

function observeSync(broker: MemberBroker, onSync: JoinObserver['onSync']): void {
  const syncGroup = broker.syncGroup.bind(broker);
  broker.syncGroup = async (request) => {
    const response = await syncGroup(request);
    const decoded = AssignerProtocol.MemberAssignment.decode(response.memberAssignment);
    const data = decodeAssignmentData(decoded?.userData ?? null, Object.keys(decoded?.assignment ?? {}));
    onSync({ memberId: request.memberId, generation: request.generationId, floors: data.floors, handedOver: data.handedOver }, data);
    return response;
  };
}

function observeFailure(broker: MemberBroker, method: 'joinGroup' | 'syncGroup' | 'heartbeat', onTrouble: (error: unknown) => void): void {
  const original = (broker[method] as (request: { groupId: string }) => Promise<unknown>).bind(broker);
  const observed = async (request: { groupId: string }) => {
    try {
      return await original(request);
    } catch (error) {
      onTrouble(error);
      throw named(error, request);
    }
  };
  Object.assign(broker, { [method]: observed });
}

function named(error: unknown, { groupId }: { groupId: string }): unknown {
  const needed = { group: { operations: ['READ', 'DESCRIBE'], names: [groupId] } } as const;
  return namedRefusal(error, `join group ${groupId}`, { principal: 'the user that connects', needed });
}
