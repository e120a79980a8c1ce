import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gatherEvidence } from './evidence.ts';
import { happen } from './faults.ts';
import { Feed } from './feed.ts';
import { judgeInbox } from './inbox.ts';
import type { Ingredients } from './ingredients.ts';
import { joinVerdicts, judge, type Evidence, type Verdict } from './judge.ts';
import { loadProcessors } from './load.ts';
import type { MarkerKill } from './marker-faults.ts';
import { hitsAll, isBrokerFault, isIngressFault, planFaults, type Fault, type PlanOptions } from './plan.ts';
import { longestStandstills, type Mover } from './standstill.ts';
import { INPUT_PARTITIONS, TOPICS } from './topics.ts';
import { World } from './world.ts';

export interface ChaosOptions extends PlanOptions {
  ingredients: Ingredients;
  /** To be committed to the input by the end of the faults. */
  records: number;
  /** From the end of the faults until the group is at the end of its input. */
  drainWithinMs: number;
  /** As many processors are half busy with something else. */
  load: number;
  /** Keep topics and logs of a clean run too. */
  keep?: boolean;
  /** Another program than the worker's own. */
  workerMain?: string;
  onEvent: (event: ChaosEvent) => void;
  signal?: AbortSignal;
}

export type ChaosEvent = { atMs: number } & (
  | { kind: 'note'; text: string }
  | { kind: 'begin'; fault: Fault; number: number }
  | { kind: 'end'; fault: Fault; number: number; markerKill: MarkerKill | null }
  | { kind: 'progress'; records: number; workers: number; faultsOver: number }
);

export interface ChaosReport {
  verdict: Verdict;
  inputs: number;
  /** Sent, but in transactions that were not committed. */
  neverCommitted: number;
  outputs: Record<string, number>;
  commits: number;
  /** Kills between EndTxn and markers, those of them after which a broker skipped some, and transactions of the whole run without. */
  markers: { kills: number; skippingKills: number; skippedTransactions: number };
  /** In milliseconds, and what is allowed. */
  longestStandstills: Record<Mover, number>;
  standstillLimitMs: number;
  /** Kept where something was found: topics, settings, logs; null where it is removed. */
  folder: string | null;
}

/** Of records, in runs with slow expressions. */
const SLOW_SHARE = 1 / 200;
const CODEC_TURNS = ['producer', 'snappy', 'lz4'];
const CODEC_TURN_MS = 10_000;
const PROGRESS_EVERY_MS = 5_000;
const WORK_AFTER_FAULTS_MS = 3_000;
/** An open transaction ends by its time-out. */
const SETTLES_WITHIN_MS = 30_000;

/** One run: begin, feed and faults, drain, judge. Whatever happens, all processes are ended. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const folder = mkdtempSync(join(tmpdir(), `sagafleet-chaos-${options.seed}-`));
  const startedAt = performance.now();
  const tell = (event: Untimed<ChaosEvent>) => options.onEvent({ ...event, atMs: performance.now() - startedAt });
  const note = (text: string) => tell({ kind: 'note', text });
  const { brokers, sessionTimeoutMs, outputReplication, ingredients, workerMain } = options;
  const world = await World.start({
    brokers,
    sessionTimeoutMs,
    outputReplication,
    ingredients,
    folder,
    onNote: note,
    ...(workerMain ? { workerMain } : {}),
  });
  const endLoad = loadProcessors(options.load, 'half');
  let evidence: WatchedEvidence | null = null;
  let verdict: Verdict | null = null;
  let markers = { kills: 0, skippingKills: 0, skippedTransactions: 0 };
  try {
    const course: Course = { world, seed: options.seed, plan: planFaults(options), signal: options.signal, over: [] };
    const feed = await createFeed(course, options);
    await startWorkers(world, options.workers);
    world.watch.start();
    await runFaults(course, feed, tell);
    if (!(await world.drained(options.drainWithinMs))) note('the group did not come to the end of its input in time');
    evidence = await gatherSettled(world, feed.neverCommitted);
    verdict = joinVerdicts([judge(evidence), ...(await judgeIngress(world))]);
    const kills = course.over.filter((kill) => kill !== null);
    markers = {
      kills: kills.length,
      skippingKills: kills.filter(({ skipped }) => skipped > 0).length,
      skippedTransactions: world.skippedMarkers(),
    };
  } finally {
    endLoad();
    world.writeWorkerLogs(join(folder, 'logs'));
    await world.stop();
    if (verdict?.isClean && !options.keep) rmSync(folder, { recursive: true, force: true });
    else note(`topics and logs are kept in ${folder}`);
  }
  return {
    verdict,
    inputs: evidence.inputs.length,
    neverCommitted: evidence.neverCommitted.size,
    outputs: Object.fromEntries(evidence.outputs.map(({ topic, records }) => [topic, records.length])),
    commits: evidence.commits.length,
    markers,
    longestStandstills: longestStandstills(evidence.watched),
    standstillLimitMs: world.watch.limitMs,
    folder: verdict.isClean ? null : folder,
  };
}

type WatchedEvidence = Evidence & Required<Pick<Evidence, 'watched'>>;
type Untimed<E> = E extends unknown ? Omit<E, 'atMs'> : never;
type Tell = (event: Untimed<ChaosEvent>) => void;

/** `over`: what came of the faults that are over. */
interface Course {
  world: World;
  seed: number;
  plan: readonly Fault[];
  signal: AbortSignal | undefined;
  over: (MarkerKill | null)[];
}

/** It lasts until the last fault is over: a fault while there is nothing to do shows nothing. */
async function createFeed({ world, plan, over }: Course, { records, seed, ingredients }: ChaosOptions): Promise<Feed> {
  const { brokers } = world;
  const durationMs = Math.max(...plan.map(({ atMs, lengthMs }) => atMs + lengthMs)) + WORK_AFTER_FAULTS_MS;
  return new Feed({
    brokers,
    topic: TOPICS.input,
    partitions: INPUT_PARTITIONS,
    records,
    durationMs,
    seed,
    slowShare: ingredients.hasSlowExpressions ? SLOW_SHARE : 0,
    goesOn: () => over.length < plan.length,
    isResting: () => world.isFeedResting,
    encoders: await world.encoders(),
  });
}

async function startWorkers(world: World, count: number): Promise<void> {
  const workers = [...Array(count).keys()];
  await Promise.all(workers.map((worker) => world.workers.start(worker)));
  await Promise.all([world.workers.whenReady(workers), world.ingress?.start()]);
}

/** Until every fault is over and every record is in. */
async function runFaults({ world, seed, plan, signal: outer, over }: Course, feed: Feed, tell: Tell): Promise<void> {
  const stop = new AbortController();
  const signal = outer ? AbortSignal.any([outer, stop.signal]) : stop.signal;
  const progress = setInterval(
    () =>
      tell({
        kind: 'progress',
        records: feed.confirmed,
        workers: world.workers.running.length,
        faultsOver: over.length,
      }),
    PROGRESS_EVERY_MS,
  );
  const startedAt = performance.now();
  const turns = new Turns();
  const make = async (fault: Fault, number: number) => {
    await delay(fault.atMs - (performance.now() - startedAt), undefined, { signal });
    await turns.take(whomItHits(fault, world), async () => {
      signal.throwIfAborted();
      tell({ kind: 'begin', fault, number });
      const markerKill = await happen(fault, world);
      over.push(markerKill);
      tell({ kind: 'end', fault, number, markerKill });
    });
  };
  const beside = Promise.all([takeTurnsOfCodecs(world, stop.signal), world.ingress?.post(seed, stop.signal)]);
  try {
    await Promise.all([feed.run(signal), ...plan.map((fault, at) => make(fault, at + 1))]);
  } finally {
    clearInterval(progress);
    stop.abort();
    await beside;
  }
}

/** What the broker makes of batches: those of the feed as they are, and the codecs that its producers cannot write. */
async function takeTurnsOfCodecs({ admin }: World, signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    await admin.alterTopicConfig(TOPICS.input, { 'compression.type': CODEC_TURNS[turn % CODEC_TURNS.length]! }).catch(() => undefined);
    await delay(CODEC_TURN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Faults of one worker, and of any broker, follow each other, also where one lasts longer than planned. */
function whomItHits({ kind, target }: Fault, world: World): string[] {
  const ingress = world.ingress?.workers.running.map((worker) => `ingress ${worker}`) ?? [];
  const workers = world.workers.running.map((worker) => `worker ${worker}`);
  if (hitsAll(kind)) return ['brokers', ...workers, ...ingress];
  if (isIngressFault(kind)) return [`ingress ${target}`];
  if (isBrokerFault(kind)) return ['brokers'];
  return [kind === 'connections-cut' ? kind : `worker ${target}`];
}

class Turns {
  readonly #last = new Map<string, Promise<void>>();

  take(whose: readonly string[], work: () => Promise<void>): Promise<void> {
    const turn = Promise.all(whose.map((name) => this.#last.get(name))).then(work);
    for (const name of whose) this.#last.set(name, turn);
    return turn;
  }
}

/** What clients were told, and what the step behind it made of it. */
async function judgeIngress(world: World): Promise<Verdict[]> {
  if (!world.ingress) return [];
  const { inbox, step } = await world.ingress.evidence();
  const verdict = judgeInbox(inbox);
  world.note(
    `ingress: ${inbox.posted.length} events POSTed, ${verdict.accepted} accepted, ${inbox.records.length} in the inbox, ${verdict.repeated} of them again`,
  );
  return [verdict, judge(step)];
}

/** Read again while a transaction is open: the markers of the last ones may follow their offsets. */
async function gatherSettled(world: World, neverCommitted: ReadonlySet<string>): Promise<WatchedEvidence> {
  const deadline = performance.now() + SETTLES_WITHIN_MS;
  for (;;) {
    const evidence = { ...(await gatherEvidence(world, neverCommitted)), watched: world.watch.watched };
    const isSettled = evidence.ends.every(({ highWatermark, lastStable }) => highWatermark === lastStable);
    if (isSettled || performance.now() > deadline) return evidence;
  }
}
