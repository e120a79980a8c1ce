import { setTimeout as delay } from 'node:timers/promises';
import { API, type AnsweredRequest, type Hold } from '../support/kafka-proxy.ts';
import { until } from '../support/until.ts';
import { isOutputLeaderFault, hitsAll, type Fault } from './plan.ts';
import { INPUT_PARTITIONS } from './topics.ts';
import type { World } from './world.ts';

/** What came of a kill between the answer to EndTxn and the markers. */
export interface MarkerKill {
  /** Transactions whose markers the broker skipped. */
  skipped: number;
  /** From when the broker answered again until every task and reader had moved; null: not as long as it was waited for. */
  movedAfterMs: number | null;
}

/** Commits are collected, so that many are between answer and markers when the broker ends. */
const COLLECT_WITHIN_MS = 700;
/** The feed rests, and then brings as much as each task commits at once: until the broker is back nobody writes to it. */
const REST_MS = 1_500;
const BURST_MS = 150;
/** After another fault no worker may write for a while. */
const STRIKE_WITHIN_MS = 20_000;
/** Past the limit of the judge, so that it sees what stands still. */
const LOOK_AFTER_LIMIT_MS = 2_000;
const ANSWERS_WITHIN_MS = 300;
const LOG_SETTLES_MS = 500;

/**
 * A broker is killed as soon as the proxy sees answers to EndTxn: then the transactions are prepared, and no marker is
 * written yet: a single broker writes them by a proxy, which holds them back; of three it is a matter of milliseconds.
 * Where workers are killed with it, nobody is left who knows their positions.
 */
export async function killBeforeMarkers({ kind, lengthMs }: Fault, world: World): Promise<MarkerKill> {
  const skippedBefore = world.skippedMarkers();
  const brokers = world.platform.kafka!.brokers;
  const ended: Promise<void>[] = [];
  let isOver = Promise.resolve();
  const strike = (number: number) => {
    const broker = brokers[number]!;
    const cut = hitsAll(kind) ? world.cutWorkers() : null;
    ended.push(broker.kill(), cut?.ended ?? Promise.resolve());
    isOver = world.watch.disturbed(async () => {
      await Promise.all(ended);
      await delay(lengthMs);
      await Promise.all([broker.start(), cut?.startAgain()]);
      await cut?.whenAlive();
    });
  };
  const isOutputLeader = isOutputLeaderFault(kind);
  try {
    // Every other time live workers have nothing to write meanwhile, and so see no error
    await strikeAfterEndTxn({ isOutputLeader, isQuiet: isOutputLeader && lengthMs % 2 === 0 }, world, strike);
    await isOver;
  } finally {
    world.isFeedResting = false;
  }
  const upAt = performance.now();
  const movedAfterMs = await untilMoving(world, upAt);
  await delay(LOG_SETTLES_MS);
  return { skipped: world.skippedMarkers() - skippedBefore, movedAfterMs };
}

interface Aim {
  isOutputLeader: boolean;
  isQuiet: boolean;
}

/** Strikes the coordinator of a transaction, or another broker that leads what the transaction wrote. */
async function strikeAfterEndTxn({ isOutputLeader, isQuiet }: Aim, world: World, strike: (broker: number) => void): Promise<void> {
  const { proxy, markerProxy } = world;
  const writtenTo = new Map<string, Set<number>>();
  let answered = 0;
  let wanted = 1;
  let isStruck = false;
  const strikeOnce = (broker: number) => {
    if (!isStruck) strike(broker);
    isStruck = true;
  };
  const stopLooking = proxy.onAnswer(({ api, transactionalId, broker, answer }: AnsweredRequest) => {
    if (transactionalId === null) return;
    const leaders = writtenTo.get(transactionalId) ?? new Set();
    if (api === API.produce) writtenTo.set(transactionalId, leaders.add(broker));
    if (api !== API.endTxn || errorOfEndTxn(answer) !== 0) return;
    writtenTo.delete(transactionalId);
    const target = isOutputLeader ? [...leaders].find((leader) => leader !== broker) : broker;
    if (target !== undefined && ++answered >= wanted) strikeOnce(target);
  });
  const deadlineMs = performance.now() + STRIKE_WITHIN_MS;
  while (!isStruck && performance.now() < deadlineMs) {
    // No strike by chance meanwhile
    wanted = Infinity;
    const commits = await collectCommits(world, isQuiet);
    const markers = markerProxy?.hold(({ api }) => api === API.writeTxnMarkers);
    answered = 0;
    wanted = markers ? Math.max(1, commits.requests.length) : 1;
    commits.release();
    await until('answers', () => isStruck, ANSWERS_WITHIN_MS).catch(() => {
      if (markers && answered > 0) strikeOnce(0);
    });
    markers?.release();
  }
  stopLooking();
  strikeOnce(0);
}

/** Held back, one of each task where all have something to write. */
async function collectCommits(world: World, isQuiet: boolean): Promise<Hold> {
  if (isQuiet) {
    world.isFeedResting = true;
    await delay(REST_MS);
  }
  const commits = world.proxy.hold(({ api }) => api === API.endTxn);
  if (isQuiet) {
    world.isFeedResting = false;
    await delay(BURST_MS);
    world.isFeedResting = true;
  }
  await until('a commit of every task', () => commits.requests.length >= INPUT_PARTITIONS, COLLECT_WITHIN_MS).catch(() => undefined);
  return commits;
}

/** After the throttle time. */
function errorOfEndTxn(answer: Buffer): number {
  return answer.readInt16BE(4);
}

async function untilMoving({ watch }: World, sinceMs: number): Promise<number | null> {
  const deadlineMs = watch.limitMs + LOOK_AFTER_LIMIT_MS;
  return until('everything to move', () => watch.movedSince(sinceMs), deadlineMs).then(
    () => performance.now() - sinceMs,
    () => null,
  );
}
