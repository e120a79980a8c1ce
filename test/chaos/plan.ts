/** Which faults happen when, to whom and for how long. Pure: the same options give the same faults. */
import type { Ingredients } from './ingredients.ts';
import { type Random, randomFrom } from './random.ts';

export const WORKER_FAULTS = ['worker-kill', 'worker-freeze', 'worker-stop', 'worker-add', 'worker-remove'] as const;
export const BROKER_FAULTS = [
  'broker-kill',
  'broker-pause',
  'broker-stop',
  'slow-disk',
  'coordinator-under-load',
  'leader-election',
] as const;
/** A broker is killed when a transaction was acknowledged and its markers are not written yet; `-workers`: and every worker with it. */
export const MARKER_FAULTS = [
  'kill-after-end-txn',
  'kill-after-end-txn-workers',
  'kill-output-leader',
  'kill-output-leader-workers',
] as const;
/** Of workers that clients POST to. */
export const INGRESS_FAULTS = ['ingress-kill', 'ingress-stop'] as const;
/** As many run, faults apart. */
export const INGRESS_WORKERS = 2;
export const FAULT_KINDS = [
  ...WORKER_FAULTS,
  ...INGRESS_FAULTS,
  ...BROKER_FAULTS,
  'connections-cut',
  'power-cut',
  ...MARKER_FAULTS,
] as const;
export type MarkerFaultKind = (typeof MARKER_FAULTS)[number];
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** From the begin of the run. */
  atMs: number;
  kind: FaultKind;
  /** Number of a worker or a broker, from 0; null where it is all of them, or found out when it happens. */
  target: number | null;
  lengthMs: number;
}

export interface PlanOptions {
  seed: number;
  durationMs: number;
  faults: number;
  brokers: number;
  /** As many run at least, faults apart. */
  workers: number;
  sessionTimeoutMs: number;
  /** Of the topics that the step writes: of one replica alone the leader can be killed. */
  outputReplication: number;
  ingredients: Pick<Ingredients, 'guarantee' | 'hasIngress'>;
  kinds?: readonly FaultKind[];
}

/** More than the steady workers, never more than these. */
const EXTRA_WORKERS = 3;
/** A share of the time between faults: they do not come in step. */
const JITTER = 0.7;
/** Only long runs have time for a worker that is frozen for a minute. */
const LONG_RUN_MS = 180_000;
const MINUTE_MS = 60_000;
/** From the start of a broker until its replicas have caught up, as a rule. */
const BROKER_RECOVERS_MS = 4_000;
const WORKER_RECOVERS_MS = 1_500;
/** A kill among markers is over when everything moves again: no sooner than the workers' sessions end, as a rule. */
const MARKERS_RECOVER_MS = 10_000;

/** Of brokers: which one, is found out when it happens, or it is none. */
const WITHOUT_TARGET: readonly FaultKind[] = ['coordinator-under-load', 'leader-election'];

/** Down to the millisecond, at least and less than. */
const LENGTHS_MS: Record<Exclude<FaultKind, 'worker-freeze'>, readonly [number, number]> = {
  'worker-kill': [0, 3_000],
  'worker-stop': [0, 1_500],
  'ingress-kill': [0, 3_000],
  'ingress-stop': [0, 1_500],
  'worker-add': [0, 1],
  'worker-remove': [0, 1],
  'broker-kill': [0, 5_000],
  'broker-pause': [500, 9_000],
  'broker-stop': [0, 5_000],
  'slow-disk': [3_000, 8_000],
  'coordinator-under-load': [0, 3_000],
  'leader-election': [0, 5_000],
  'connections-cut': [0, 2_500],
  'power-cut': [0, 3_000],
  'kill-after-end-txn': [0, 1_500],
  'kill-after-end-txn-workers': [0, 1_500],
  // Longer than a broker's session of 3 s: until then its partitions have a leader
  'kill-output-leader': [4_000, 7_000],
  'kill-output-leader-workers': [4_000, 7_000],
};

/** In order of time. A kind comes again only after every other that is possible; the last faults may come late where there are many. */
export function planFaults(options: PlanOptions): Fault[] {
  const random = randomFrom(options.seed);
  const fleet = new Fleet(options);
  const everyMs = options.durationMs / options.faults;
  const left: FaultKind[] = [];
  let atMs = 0;
  return Array.from({ length: options.faults }, (_, number) => {
    atMs = Math.max(atMs, Math.floor((number + random.fraction() * JITTER) * everyMs));
    const isPossible = (kind: FaultKind) => fleet.allows(kind, atMs);
    if (!left.some(isPossible)) left.push(...random.shuffle(options.kinds ?? FAULT_KINDS));
    while (!left.some(isPossible)) atMs = fleet.nextFreeAt(atMs);
    const [kind] = left.splice(left.findIndex(isPossible), 1) as [FaultKind];
    return fleet.hit(kind, atMs, random);
  });
}

/** Who runs, and until when each is busy with a fault. */
class Fleet {
  readonly #options: PlanOptions;
  readonly #workersFreeAt: Map<number, number>;
  #brokersFreeAt = 0;
  readonly #ingressFreeAt = Array.from({ length: INGRESS_WORKERS }, () => 0);
  #networkFreeAt = 0;
  #hadMinute = false;

  constructor(options: PlanOptions) {
    this.#options = options;
    this.#workersFreeAt = new Map(Array.from({ length: options.workers }, (_, worker) => [worker, 0]));
  }

  allows(kind: FaultKind, atMs: number): boolean {
    const { brokers, outputReplication, ingredients } = this.#options;
    if (kind === 'connections-cut') return this.#networkFreeAt <= atMs;
    if (isIngressFault(kind)) return ingredients.hasIngress && this.#freeIngress(atMs).length > 0;
    // Without transactions there are no markers
    if (isMarkerFault(kind) && ingredients.guarantee === 'AtLeastOnce') return false;
    if (isOutputLeaderFault(kind) && (brokers === 1 || outputReplication > 1)) return false;
    if (hitsAll(kind)) return this.#brokersFreeAt <= atMs && this.#areAllFree(atMs);
    // Of one replica nobody else can lead
    if (kind === 'leader-election' && brokers === 1) return false;
    // One broker at a time: of three, two are a majority and enough replicas
    if (isBrokerFault(kind)) return this.#brokersFreeAt <= atMs;
    if (kind === 'worker-add') return this.#workersFreeAt.size < this.#options.workers + EXTRA_WORKERS;
    if (kind === 'worker-remove' && this.#workersFreeAt.size <= this.#options.workers) return false;
    return this.#freeWorkers(atMs).length > 0;
  }

  /** When the next one is done with a fault. */
  nextFreeAt(atMs: number): number {
    const next = Math.min(
      ...[this.#brokersFreeAt, this.#networkFreeAt, ...this.#workersFreeAt.values(), ...this.#ingressFreeAt].filter(
        (freeAt) => freeAt > atMs,
      ),
    );
    if (next === Infinity) throw new Error('no fault of these kinds is possible any more');
    return next;
  }

  /** A fault of a kind that is allowed now. */
  hit(kind: FaultKind, atMs: number, random: Random): Fault {
    const lengthMs = this.#lengthOf(kind, random);
    return { atMs, kind, target: this.#targetOf(kind, { atMs, endsAt: atMs + lengthMs, random }), lengthMs };
  }

  #targetOf(kind: FaultKind, { atMs, endsAt, random }: { atMs: number; endsAt: number; random: Random }): number | null {
    if (kind === 'connections-cut') {
      this.#networkFreeAt = endsAt;
      return null;
    }
    if (hitsAll(kind)) {
      this.#brokersFreeAt = endsAt + brokerRecoversMs(kind);
      for (const worker of this.#workersFreeAt.keys()) this.#workersFreeAt.set(worker, endsAt + WORKER_RECOVERS_MS);
      this.#ingressFreeAt.fill(endsAt + WORKER_RECOVERS_MS);
      return null;
    }
    if (isBrokerFault(kind)) {
      this.#brokersFreeAt = endsAt + brokerRecoversMs(kind);
      return WITHOUT_TARGET.includes(kind) || isMarkerFault(kind) ? null : random.whole(0, this.#options.brokers);
    }
    if (isIngressFault(kind)) {
      const worker = random.pick(this.#freeIngress(atMs));
      this.#ingressFreeAt[worker] = endsAt + WORKER_RECOVERS_MS;
      return worker;
    }
    const target = kind === 'worker-add' ? this.#absentWorker() : random.pick(this.#freeWorkers(atMs));
    if (kind === 'worker-remove') this.#workersFreeAt.delete(target);
    else this.#workersFreeAt.set(target, endsAt + WORKER_RECOVERS_MS);
    return target;
  }

  #absentWorker(): number {
    return [...Array(this.#options.workers + EXTRA_WORKERS).keys()].find((worker) => !this.#workersFreeAt.has(worker))!;
  }

  #lengthOf(kind: FaultKind, random: Random): number {
    const { durationMs, sessionTimeoutMs } = this.#options;
    if (kind !== 'worker-freeze') return random.whole(...LENGTHS_MS[kind]);
    const isMinute = durationMs >= LONG_RUN_MS && !this.#hadMinute;
    this.#hadMinute ||= isMinute;
    return isMinute ? MINUTE_MS : sessionTimeoutMs + random.whole(1_000, 4_000);
  }

  #areAllFree(atMs: number): boolean {
    return this.#freeWorkers(atMs).length === this.#workersFreeAt.size && this.#freeIngress(atMs).length === INGRESS_WORKERS;
  }

  #freeIngress(atMs: number): number[] {
    return [...this.#ingressFreeAt.keys()].filter((worker) => this.#ingressFreeAt[worker]! <= atMs);
  }

  #freeWorkers(atMs: number): number[] {
    return [...this.#workersFreeAt].filter(([, freeAt]) => freeAt <= atMs).map(([worker]) => worker);
  }
}

/** Brokers and every worker. */
export function hitsAll(kind: FaultKind): boolean {
  return kind === 'power-cut' || kind === 'kill-after-end-txn-workers' || kind === 'kill-output-leader-workers';
}

export function isMarkerFault(kind: FaultKind): kind is MarkerFaultKind {
  return (MARKER_FAULTS as readonly FaultKind[]).includes(kind);
}

export function isIngressFault(kind: FaultKind): boolean {
  return (INGRESS_FAULTS as readonly FaultKind[]).includes(kind);
}

export function isOutputLeaderFault(kind: FaultKind): boolean {
  return kind === 'kill-output-leader' || kind === 'kill-output-leader-workers';
}

/** Not those that hit every worker too. */
export function isBrokerFault(kind: FaultKind): boolean {
  return !hitsAll(kind) && ((BROKER_FAULTS as readonly FaultKind[]).includes(kind) || isMarkerFault(kind));
}

function brokerRecoversMs(kind: FaultKind): number {
  return isMarkerFault(kind) ? MARKERS_RECOVER_MS : BROKER_RECOVERS_MS;
}
