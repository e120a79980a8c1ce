/** Members of a group with the worker's assigner and nothing else, over a broker that is real or not. */
import { AssignerProtocol } from '@sagafleet/kafka';
import type { MemberBroker, MemberCluster } from '@sagafleet/kafka';
import type { Assigner, PartitionAssigner } from 'kafkajs';
import type { TopicPosition } from '../../src/driver.ts';
import { createTaskAssigner, type AssignmentExtras } from '../../src/kafka/assigner.ts';

const TIMEOUTS = { sessionTimeout: 30_000, rebalanceTimeout: 30_000 };

interface GroupMetadata {
  memberId: string;
  memberMetadata: Buffer;
}
interface JoinAnswer {
  memberId: string;
  generationId: number;
  leaderId: string;
  members: GroupMetadata[];
}
interface JoinRequest {
  memberId: string;
  groupProtocols: { metadata: Buffer }[];
}
interface SyncRequest {
  memberId: string;
  generationId: number;
  groupAssignment: { memberId: string; memberAssignment: Buffer }[];
}

/** A group whose topics all have as many partitions as it has tasks. */
export interface GroupOptions {
  groupId: string;
  topics: readonly string[];
  taskCount: number;
}

/** As a worker: tells all that it knows, and knows its own positions and the floors that it got. */
export class AssigningMember {
  readonly known = new Map<string, TopicPosition>();
  owned: number[] = [];
  memberId = '';
  #generation = -1;
  #extras: AssignmentExtras | null = null;
  readonly #options: GroupOptions;
  readonly #cluster: MemberCluster;
  readonly #assigner: Assigner;

  constructor(options: GroupOptions, broker: MemberBroker) {
    this.#options = options;
    // The assigner watches the methods of the broker, for this member alone
    const own = Object.create(broker) as MemberBroker;
    this.#cluster = {
      addMultipleTargetTopics: async () => undefined,
      findTopicPartitionMetadata: () => Array.from({ length: options.taskCount }, (_, partitionId) => ({ partitionId })),
      findGroupCoordinator: async () => own,
    } as unknown as MemberCluster;
    const create = createTaskAssigner({
      memberData: () => ({ owned: this.owned, generation: this.#generation, positions: [...this.known.values()] }),
      onSync: (extras) => {
        this.#extras = extras;
      },
      onTrouble: () => undefined,
    });
    this.#assigner = create({ cluster: this.#cluster } as unknown as Parameters<PartitionAssigner>[0])!;
  }

  /** The first half of a join; what it returns is the second, once all members have come. */
  async join(): Promise<() => Promise<void>> {
    const { groupId, topics } = this.#options;
    const broker = await this.#cluster.findGroupCoordinator({ groupId });
    const protocol = this.#assigner.protocol({ topics: [...topics] });
    const answer = (await broker.joinGroup({ groupId, ...TIMEOUTS, memberId: this.memberId, groupProtocols: [protocol] })) as JoinAnswer;
    this.memberId = answer.memberId;
    return () => this.#sync(broker, answer);
  }

  async #sync(broker: MemberBroker, { memberId, generationId, leaderId, members }: JoinAnswer): Promise<void> {
    const groupAssignment = leaderId === memberId ? await this.#assigner.assign({ members, topics: [] } as never) : [];
    const request = { groupId: this.#options.groupId, generationId, memberId, groupAssignment };
    const { memberAssignment } = await broker.syncGroup(request);
    this.owned = [...new Set(Object.values(AssignerProtocol.MemberAssignment.decode(memberAssignment)!.assignment).flat())];
    this.#generation = generationId;
    for (const floor of this.#extras!.floors) this.know(floor);
  }

  know(position: TopicPosition): void {
    const place = `${position.topic}/${position.partition}`;
    if ((this.known.get(place)?.offset ?? -1n) < position.offset) this.known.set(place, position);
  }
}

/** A coordinator of one group in memory: a join is over when as many have come as are expected. */
export class FakeCoordinator {
  /** Of what members and leader said in the last join. */
  bytes = 0;
  #expected = 0;
  #missed: ReadonlySet<AssigningMember> = new Set();
  #generation = 0;
  #members: GroupMetadata[] = [];
  #joined = Promise.withResolvers<void>();
  #assigned = Promise.withResolvers<ReadonlyMap<string, Buffer>>();

  readonly broker = {
    joinGroup: (request: JoinRequest) => this.#join(request),
    syncGroup: (request: SyncRequest) => this.#sync(request),
    heartbeat: async () => undefined,
  } as unknown as MemberBroker;

  /** One generation with all of them. Those in `missed` get no answer to their sync, as when the next join has begun. */
  async joinAll(members: readonly AssigningMember[], missed: ReadonlySet<AssigningMember>): Promise<void> {
    this.#expected = members.length;
    this.#missed = missed;
    this.#generation++;
    this.#members = [];
    this.#joined = Promise.withResolvers();
    this.#assigned = Promise.withResolvers();
    const syncs = await Promise.all(members.map(async (member) => ({ member, sync: await member.join() })));
    await Promise.all(
      syncs.map(async ({ member, sync }) => {
        await sync().catch((error: unknown) => {
          if (!missed.has(member)) throw error;
        });
      }),
    );
  }

  async #join({ memberId, groupProtocols }: JoinRequest): Promise<JoinAnswer> {
    const id = memberId || `member-${this.#generation}-${this.#members.length}`;
    this.#members.push({ memberId: id, memberMetadata: groupProtocols[0]!.metadata });
    if (this.#members.length === this.#expected) this.#joined.resolve();
    await this.#joined.promise;
    const [leader] = this.#members as [GroupMetadata];
    return { memberId: id, generationId: this.#generation, leaderId: leader.memberId, members: this.#members };
  }

  async #sync({ memberId, groupAssignment }: SyncRequest): Promise<{ memberAssignment: Buffer }> {
    if (groupAssignment.length > 0) {
      this.#assigned.resolve(new Map(groupAssignment.map((each) => [each.memberId, each.memberAssignment])));
      this.bytes = [
        ...this.#members.map(({ memberMetadata }) => memberMetadata),
        ...groupAssignment.map(({ memberAssignment }) => memberAssignment),
      ].reduce((sum, { length }) => sum + length, 0);
    }
    const assignments = await this.#assigned.promise;
    if ([...this.#missed].some((member) => member.memberId === memberId)) throw new Error('another join has begun');
    return { memberAssignment: assignments.get(memberId)! };
  }
}
