import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { createKafka } from '@sagafleet/kafka';
import type { WorkerConfig } from '../../src/config.ts';
import type { Driver, GroupMember, MemberEvents, TaskProducer, TopicPosition, Transaction } from '../../src/driver.ts';
import { GroupCoordinator, type Membership } from '../../src/kafka/coordinator.ts';
import { createCluster } from '../../src/kafka/internals.ts';
import { createTransactionalProducer } from '../../src/kafka/producers.ts';
import type { Log } from '../../src/log.ts';
import { altered } from './altered.ts';
import { withTransactions } from './faults.ts';

/** One rule of the protocol each (ARCHITECTURE.md, "A record through a worker"), and a driver that breaks it. */
export const MUTATIONS = {
  none: (driver) => driver,
  'no fencing on assignment': (driver) => altered(driver, { fenceTask: async (task, throwIfOver) => fencedLater(() => driver.fenceTask(task, throwIfOver)) }),
  'random transactional id per process': (driver, config) => altered(driver, {
    fenceTask: (task, throwIfOver) => createTransactionalProducer(clientOf(config), {
      transactionalId: `${randomUUID()}.${task}`, group: config.settings.group, topics: [], timeoutMs: config.settings.delivery.timeoutMs, throwIfOver,
    }),
  }),
  'offsets outside the transaction': (driver, config) => commitAfterwards(driver, new OutsideCommits(config)),
  'commit before handlers end': (driver, config) => commitBeforehand(driver, new OutsideCommits(config)),
  'producer reused after an error': reuseProducers,
  'no guard on the offset read': (driver) => withMember(driver, {
    events: (events) => altered(events, { onAssigned: (assignment) => events.onAssigned({ ...assignment, floors: [] }) }),
    member: (member) => altered(member, { coordinatorTroubleAgeMs: () => Infinity, coordinatorKnownForMs: () => Infinity }),
  }),
  'fencing before membership is proven': (driver) => withMember(driver, {
    member: (member) => altered(member, { proveMembership: async () => undefined }),
  }),
  'seek left out for retained tasks': (driver) => withMember(driver, withoutSeekInJoins()),
  'aborted records not filtered': (driver) => {
    showAbortedRecords();
    return driver;
  },
} satisfies Record<string, (driver: Driver, config: WorkerConfig) => Driver>;

export type MutationName = keyof typeof MUTATIONS;

/** Tells of batches that a task does not take, because they begin elsewhere than the last one ended. */
export function tellRefusedBatches(driver: Driver, log: Log): Driver {
  return withMember(driver, {
    events: (events) => altered(events, {
      onBatch: (batch) => {
        const isTaken = events.onBatch(batch);
        if (!isTaken) log.info({ partition: batch.partition, from: String(batch.fetchedOffset) }, 'batch refused');
        return isTaken;
      },
    }),
  });
}

interface MemberChanges { member?: (member: GroupMember) => GroupMember; events?: (events: MemberEvents) => MemberEvents }

function withMember(driver: Driver, { member: changeMember = (same) => same, events: changeEvents = (same) => same }: MemberChanges): Driver {
  return altered(driver, { member: (events) => changeMember(driver.member(changeEvents(events))) });
}

function fencedLater(fence: () => Promise<TaskProducer>): TaskProducer {
  let producer: Promise<TaskProducer> | null = null;
  return {
    begin: async () => (await (producer ??= fence())).begin(),
    discard: async () => { await producer?.then((fenced) => fenced.discard(), () => undefined); },
  };
}

function reuseProducers(driver: Driver): Driver {
  const producers = new Map<number, TaskProducer>();
  return altered(driver, {
    fenceTask: async (task, throwIfOver) => {
      const producer = producers.get(task) ?? await driver.fenceTask(task, throwIfOver);
      producers.set(task, producer);
      return altered(producer, { discard: async () => undefined });
    },
  });
}

function withoutSeekInJoins(): Required<MemberChanges> {
  let isJoining = false;
  return {
    events: (events) => altered(events, {
      onAssigned: (assignment) => {
        isJoining = true;
        events.onAssigned(assignment);
        isJoining = false;
      },
    }),
    member: (member) => altered(member, { seek: (topic, partition, offset) => { if (!isJoining) member.seek(topic, partition, offset); } }),
  };
}

/** Commits of the group that no transaction holds, as a member like any consumer's. */
class OutsideCommits {
  readonly #coordinator: GroupCoordinator;
  readonly #connected: Promise<void>;
  #membership: Membership | null = null;

  constructor(config: WorkerConfig) {
    const { group, inputs } = config.settings;
    this.#coordinator = new GroupCoordinator(createCluster(clientOf(config)), group, inputs.map(({ topic }) => topic));
    this.#connected = this.#coordinator.connect();
  }

  watch(driver: Driver): Driver {
    return withMember(driver, {
      events: (events) => altered(events, {
        onAssigned: (assignment) => {
          this.#membership = assignment;
          events.onAssigned(assignment);
        },
      }),
    });
  }

  async commit(positions: readonly TopicPosition[]): Promise<void> {
    await this.#connected;
    await this.#coordinator.commit(this.#membership!, positions);
  }
}

function commitAfterwards(driver: Driver, outside: OutsideCommits): Driver {
  return withTransactions(outside.watch(driver), (transaction): Transaction => {
    let positions: readonly TopicPosition[] = [];
    let isEmpty = true;
    return {
      send: (batches) => {
        isEmpty = false;
        return transaction.send(batches);
      },
      sendOffsets: async (all) => { positions = all; },
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
    events: (events) => altered(events, {
      onBatch: (batch) => {
        const isTaken = events.onBatch(batch);
        if (isTaken) committed = committed.then(() => outside.commit([{ ...batch, offset: batch.nextOffset }]));
        return isTaken;
      },
    }),
  });
  return withTransactions(early, (transaction) => altered(transaction, {
    commit: async () => {
      await committed;
      await transaction.commit();
    },
  }));
}

function clientOf({ settings, clientId }: WorkerConfig) {
  const { brokers, tls } = settings.kafka;
  return createKafka({ brokers, tls, sasl: null, clientId }, { log: () => undefined });
}

interface Fetched { responses: { partitions: { abortedTransactions?: unknown[] }[] }[] }
interface BrokerClass { prototype: { fetch(request: object): Promise<Fetched> } }

/** After the self-test has passed. */
function showAbortedRecords(): void {
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/broker') as BrokerClass;
  const { fetch } = prototype;
  prototype.fetch = async function fetchWithoutAbortedTransactions(request) {
    const answer = await fetch.call(this, request);
    for (const { partitions } of answer.responses) for (const partition of partitions) partition.abortedTransactions = [];
    return answer;
  };
}
