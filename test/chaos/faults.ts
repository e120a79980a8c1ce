import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { createKafka } from '@sagafleet/kafka';
import type { Guarantee } from '@sagafleet/schemas';
import { API } from '../support/kafka-proxy.ts';
import { until } from '../support/until.ts';
import { moveLeaders } from './leader-election.ts';
import { loadProcessors } from './load.ts';
import { killBeforeMarkers, type MarkerKill } from './marker-faults.ts';
import { isMarkerFault, type Fault, type FaultKind, type MarkerFaultKind } from './plan.ts';
import type { StepWorkers } from './step-workers.ts';
import { GROUP, OFFSETS_TOPIC } from './topics.ts';
import type { World } from './world.ts';

/** How long a worker is given to come to the request at which it is frozen: after another fault it may be idle for a while. */
const FREEZE_POINT_WITHIN_MS = 30_000;
/** What a worker writes for a batch, in its order: it is frozen before one of them. */
const FREEZE_POINTS: Record<Guarantee, readonly number[]> = {
  ExactlyOnce: [API.produce, API.txnOffsetCommit, API.endTxn],
  AtLeastOnce: [API.produce, API.offsetCommit],
};
const STALL_MS = 200;
const BETWEEN_STALLS_MS = 100;
/** Kafka 4.3 gives wrong answers about offsets for up to 3 s after the start of a coordinator. */
const LOAD_AFTER_START_MS = 5_000;

type Broker = NonNullable<World['platform']['kafka']>['brokers'][number];

/** Makes a fault happen; resolves when it is over and what it hit runs again, with what came of a kill among markers. */
export async function happen(fault: Fault, world: World): Promise<MarkerKill | null> {
  const { kind } = fault;
  if (isMarkerFault(kind)) return killBeforeMarkers(fault, world);
  // Others take over from a frozen worker: only its begin and its end are a reason to stand still
  if (kind === 'worker-freeze') await freezeInTransaction(fault, world);
  else await world.watch.disturbed(() => HAPPEN[kind](fault, world));
  return null;
}

const HAPPEN: Record<Exclude<FaultKind, MarkerFaultKind | 'worker-freeze'>, (fault: Fault, world: World) => Promise<void>> = {
  'worker-kill': (fault, world) => restartWorker(fault, world.workers, 'SIGKILL'),
  'worker-stop': (fault, world) => restartWorker(fault, world.workers, 'SIGTERM'),
  'ingress-kill': (fault, world) => restartWorker(fault, world.ingress!.workers, 'SIGKILL'),
  'ingress-stop': (fault, world) => restartWorker(fault, world.ingress!.workers, 'SIGTERM'),
  'worker-add': ({ target }, world) => world.workers.start(target!),
  'worker-remove': ({ target }, world) => world.workers.stop(target!, 'SIGTERM'),
  'broker-kill': ({ target, lengthMs }, world) => restartAfter(brokerOf(world, target!), lengthMs, (broker) => broker.kill()),
  'broker-stop': ({ target, lengthMs }, world) => restartAfter(brokerOf(world, target!), lengthMs, (broker) => broker.stop()),
  'broker-pause': async ({ target, lengthMs }, world) => {
    const broker = brokerOf(world, target!);
    broker.pause();
    await delay(lengthMs);
    broker.resume();
  },
  'slow-disk': async ({ target, lengthMs }, world) => {
    const broker = brokerOf(world, target!);
    for (let passedMs = 0; passedMs < lengthMs; passedMs += STALL_MS + BETWEEN_STALLS_MS) {
      broker.pause();
      await delay(STALL_MS);
      broker.resume();
      await delay(BETWEEN_STALLS_MS);
    }
  },
  'coordinator-under-load': async ({ lengthMs }, world) => {
    const broker = await coordinatorOf(world);
    const endLoad = loadProcessors(availableParallelism(), 'whole');
    try {
      await restartAfter(broker, lengthMs, () => broker.kill());
      await delay(LOAD_AFTER_START_MS);
    } finally {
      endLoad();
    }
  },
  'power-cut': async ({ lengthMs }, world) => {
    const broker = await coordinatorOf(world);
    const endLoad = loadProcessors(availableParallelism(), 'whole');
    try {
      const cut = world.cutWorkers();
      await Promise.all([broker.kill(), cut.ended]);
      await delay(lengthMs);
      await Promise.all([broker.start(), cut.startAgain()]);
      await delay(LOAD_AFTER_START_MS);
    } finally {
      endLoad();
    }
  },
  'leader-election': moveLeaders,
  'connections-cut': async ({ lengthMs }, { proxy }) => {
    await proxy.shut();
    await delay(lengthMs);
    await proxy.open();
  },
};

async function restartWorker({ target, lengthMs }: Fault, workers: StepWorkers, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  await workers.stop(target!, signal);
  await delay(lengthMs);
  await workers.start(target!);
}

/** What it had sent arrives when it runs again, long after others took over: the proxy keeps it. */
async function freezeInTransaction({ target, lengthMs }: Fault, world: World): Promise<void> {
  const clientId = world.workers.clientIdOf(target!);
  const points = FREEZE_POINTS[world.guarantee];
  const point = points[lengthMs % points.length];
  const hold = world.proxy.hold((request) => request.clientId === clientId && request.api === point);
  await until('the worker to write', () => hold.requests.length > 0, FREEZE_POINT_WITHIN_MS).catch(() => undefined);
  const worker = world.workers.get(target!);
  await world.watch.disturbed(async () => worker.signal('SIGSTOP'));
  await delay(lengthMs);
  await world.watch.disturbed(async () => {
    // After a minute its first deed is to close connections that did not answer
    hold.release();
    worker.signal('SIGCONT');
  });
}

async function restartAfter(broker: Broker, lengthMs: number, end: (broker: Broker) => Promise<void>): Promise<void> {
  await end(broker);
  await delay(lengthMs);
  await broker.start();
}

function brokerOf({ platform }: World, number: number): Broker {
  return platform.kafka!.brokers[number]!;
}

/** The leader of the group's partition of the offsets topic; the first broker while none is known. */
async function coordinatorOf(world: World): Promise<Broker> {
  const connection = { brokers: world.brokers, tls: false, sasl: null, clientId: 'chaos' };
  const admin = createKafka(connection, { log: () => {}, patienceMs: 1_000 }).admin();
  try {
    await admin.connect();
    const {
      topics: [offsets],
    } = await admin.fetchTopicMetadata({ topics: [OFFSETS_TOPIC] });
    const partition = hashOf(GROUP) % offsets!.partitions.length;
    return brokerOf(world, offsets!.partitions.find(({ partitionId }) => partitionId === partition)!.leader - 1);
  } catch {
    return brokerOf(world, 0);
  } finally {
    await admin.disconnect();
  }
}

/** Java's hash of a string without its sign, as brokers take it to choose a group's coordinator. */
function hashOf(text: string): number {
  return [...text].reduce((hash, character) => (Math.imul(hash, 31) + character.charCodeAt(0)) | 0, 0) & 0x7fffffff;
}
