import { randomUUID } from 'node:crypto';
import {
  Connections,
  crc32c,
  createKafka,
  fetchOffsets,
  type GroupMembership,
  NO_MEMBER,
  positionMetadata,
  TransactionalProducers,
} from '@sagafleet/kafka';
import type { WorkerConfig } from '../../src/config.ts';
import type { Driver, GroupMember, MemberEvents, TaskProducer, TopicPosition, Transaction } from '../../src/driver.ts';
import { GroupCoordinator } from '../../src/kafka/coordinator.ts';
import { createTransactionalProducer } from '../../src/kafka/producers.ts';
import { altered } from './altered.ts';
import { withTransactions } from './faults.ts';

/** One rule of the protocol each (ARCHITECTURE.md, "A record through a worker"), and a driver that breaks it. */
export const MUTATIONS = {
  none: (driver) => driver,
  'no fencing on assignment': (driver, config) =>
    altered(withUnstableReads(driver, config), {
      fenceTask: async (task, throwIfOver) => fencedLater(() => driver.fenceTask(task, throwIfOver)),
    }),
  'random transactional id per process': (driver, config) =>
    altered(withUnstableReads(driver, config), {
      fenceTask: (task, throwIfOver) => openAsNobody(config, `${randomUUID()}.${task}`, throwIfOver),
    }),
  'offsets without generation': (driver, config) =>
    altered(driver, {
      fenceTask: (task, throwIfOver) => openAsNobody(config, `sagafleet.${config.settings.group}.${task}`, throwIfOver),
    }),
  'offsets outside the transaction': (driver, config) => commitAfterwards(driver, new OutsideCommits(config)),
  'commit before handlers end': (driver, config) => commitBeforehand(driver, new OutsideCommits(config)),
  'producer reused after an error': (driver, config) => reuseProducers(withUnstableReads(driver, config)),
  'no guard on the offset read': (driver) =>
    withMember(driver, {
      events: (events) => altered(events, { onAssigned: (assignment) => events.onAssigned({ ...assignment, floors: [] }) }),
      member: (member) => altered(member, { coordinatorTroubleAgeMs: () => Infinity, coordinatorKnownForMs: () => Infinity }),
    }),
  'fencing before membership is proven': (driver) =>
    withMember(driver, {
      member: (member) => altered(member, { proveMembership: async () => undefined }),
    }),
  'aborted records not filtered': (driver) => {
    showAbortedRecords();
    return driver;
  },
} satisfies Record<string, (driver: Driver, config: WorkerConfig) => Driver>;

export type MutationName = keyof typeof MUTATIONS;

interface MemberChanges {
  member?: (member: GroupMember) => GroupMember;
  events?: (events: MemberEvents) => MemberEvents;
}

function withMember(
  driver: Driver,
  { member: changeMember = (same) => same, events: changeEvents = (same) => same }: MemberChanges,
): Driver {
  return altered(driver, { member: (events) => changeMember(driver.member(changeEvents(events))) });
}

/** As before KIP-447: offsets that a transaction holds are read as they were before it. A stable read alone would keep the data right. */
function withUnstableReads(driver: Driver, config: WorkerConfig): Driver {
  const connections = connectionsOf(config);
  const { group, inputs } = config.settings;
  const topics = inputs.map(({ topic }) => topic);
  return withMember(driver, {
    member: (member) => altered(member, { committedOffsets: () => fetchOffsets(connections, group, { topics, isStable: false }) }),
  });
}

/** As before KIP-447: the coordinator is not told whose offsets it gets. */
function openAsNobody(config: WorkerConfig, transactionalId: string, throwIfOver: () => void): Promise<TaskProducer> {
  return createTransactionalProducer(producersOf(config), {
    transactionalId,
    group: config.settings.group,
    member: { membership: NO_MEMBER },
    throwIfOver,
    inputs: [],
    isBehind: () => false,
    toldPosition: () => null,
    metadataOf: ({ note }) => positionMetadata(null, undefined, note),
  });
}

function producersOf(config: WorkerConfig): TransactionalProducers {
  const { group, outcomes, deadLetterTopic, delivery } = config.settings;
  const outputs = [...Object.values(outcomes).flatMap(({ emit }) => emit.map(({ topic }) => topic)), deadLetterTopic];
  return new TransactionalProducers(connectionsOf(config), { group, outputs, transactionTimeoutMs: delivery.timeoutMs });
}

function fencedLater(fence: () => Promise<TaskProducer>): TaskProducer {
  let producer: Promise<TaskProducer> | null = null;
  const fenceAndActivate = async () => {
    const fenced = await fence();
    await fenced.activate!();
    return fenced;
  };
  return {
    begin: async () => (await (producer ??= fenceAndActivate())).begin(),
    discard: async () => {
      await producer?.then(
        (fenced) => fenced.discard(),
        () => undefined,
      );
    },
  };
}

function reuseProducers(driver: Driver): Driver {
  const producers = new Map<number, TaskProducer>();
  return altered(driver, {
    fenceTask: async (task, throwIfOver) => {
      const reused = producers.get(task);
      if (reused) return altered(reused, { activate: async () => undefined, discard: async () => undefined });
      const producer = await driver.fenceTask(task, throwIfOver);
      producers.set(task, producer);
      return altered(producer, { discard: async () => undefined });
    },
  });
}

/** Commits of the group that no transaction holds, as a member like any consumer's. */
class OutsideCommits {
  readonly #coordinator: GroupCoordinator;
  #membership: GroupMembership | null = null;

  constructor(config: WorkerConfig) {
    const { group, inputs } = config.settings;
    this.#coordinator = new GroupCoordinator(
      connectionsOf(config),
      group,
      inputs.map(({ topic }) => topic),
    );
  }

  watch(driver: Driver): Driver {
    return withMember(driver, {
      events: (events) =>
        altered(events, {
          onAssigned: (assignment) => {
            this.#membership = assignment;
            events.onAssigned(assignment);
          },
        }),
    });
  }

  async commit(positions: readonly TopicPosition[]): Promise<void> {
    await this.#coordinator.commit(this.#membership!, positions);
  }
}

function commitAfterwards(driver: Driver, outside: OutsideCommits): Driver {
  return withTransactions(outside.watch(driver), (transaction): Transaction => {
    let positions: readonly TopicPosition[] = [];
    let isEmpty = true;
    return {
      isAtomic: transaction.isAtomic,
      send: (batches) => {
        isEmpty = false;
        return transaction.send(batches);
      },
      sendOffsets: async (all) => {
        positions = all;
      },
      commit: async () => {
        if (!isEmpty) await transaction.commit();
        await outside.commit(positions);
      },
    };
  });
}

function commitBeforehand(driver: Driver, outside: OutsideCommits): Driver {
  let committed = Promise.resolve();
  const early = withMember(outside.watch(driver), {
    events: (events) =>
      altered(events, {
        onBatch: (batch) => {
          events.onBatch(batch);
          committed = committed.then(() => outside.commit([{ ...batch, offset: batch.nextOffset }]));
        },
      }),
  });
  return withTransactions(early, (transaction) =>
    altered(transaction, {
      commit: async () => {
        await committed;
        await transaction.commit();
      },
    }),
  );
}

function connectionsOf({ settings, clientId }: WorkerConfig): Connections {
  const { brokers, tls } = settings.kafka;
  return new Connections(createKafka({ brokers, tls, sasl: null, clientId }, { log: () => undefined }));
}

interface Fetched {
  partitions: { aborted?: unknown[]; records?: Buffer }[];
}

/** Neither the broker's list nor a marker among the batches says that a transaction was aborted. */
function showAbortedRecords(): void {
  const { send } = Connections.prototype;
  Connections.prototype.send = async function sendAndForgetAborted(this: Connections, ...request) {
    const answer = await send.apply(this, request);
    for (const partition of (answer as Partial<Fetched>).partitions ?? []) {
      if (!partition.aborted) continue;
      partition.aborted = [];
      if (partition.records) turnAbortsIntoCommits(partition.records);
    }
    return answer as never;
  };
}

const ATTRIBUTES_AT = 21;
const CONTROL = 0x20;
/** Lowest byte of the type in the key of a control record, behind the head of its batch (Kafka protocol guide). */
const TYPE_AT = 69;

function turnAbortsIntoCommits(batches: Buffer): void {
  for (let at = 0; at + TYPE_AT < batches.length;) {
    const batch = batches.subarray(at, at + 12 + batches.readInt32BE(at + 8));
    if (batch.readInt16BE(ATTRIBUTES_AT) & CONTROL && batch.length > TYPE_AT) {
      batch[TYPE_AT] = 1;
      batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), 17);
    }
    at += batch.length;
  }
}
