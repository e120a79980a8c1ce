import { setTimeout as delay } from 'node:timers/promises';
import type { Platform } from '@sagafleet/local';
import { judge, type Figures, type Finding, type Sample } from './judge.ts';
import { OtherMember } from './other-member.ts';
import { SoakStep } from './soak-step.ts';

export const PARTS = ['records', 'idle', 'rebalances'] as const;
export type Part = (typeof PARTS)[number];
/** What each part is counted in. */
export const UNITS: Record<Part, string> = { records: 'records', idle: 'minutes', rebalances: 'rebalances' };

export interface PartOptions {
  part: Part;
  /** How much is to be done, in its unit. */
  amount: number;
  onSample: (sample: Sample) => void;
  signal: AbortSignal;
}

export interface PartReport {
  part: Part;
  done: number;
  seconds: number;
  samples: Sample[];
  findings: Finding[];
}

/** Counting what lives keeps a busy worker from its work for a second. */
const LOOKS_AT_WORK = 100;
const LOOK_WHILE_IDLE_MS = 5_000;
const MINUTE_MS = 60_000;
/** Of each partition in one request. */
const SEND_PER_PARTITION = 500;
/** Enough that the worker never waits, and far less than topics keep. */
const MOST_WAITING = 120_000;
const STALLS_AFTER_MS = 60_000;
const POLL_MS = 20;
const REBALANCED_WITHIN_MS = 60_000;

interface Course {
  step: SoakStep;
  amount: number;
  signal: AbortSignal;
  look: (done: number) => Promise<void>;
}

/** A worker of its own does the part's work, then its figures are judged. */
export async function runPart(platform: Platform, { part, amount, onSample, signal }: PartOptions): Promise<PartReport> {
  const step = await SoakStep.start(platform, `soak-${part}`);
  const samples: Sample[] = [];
  const startedAt = performance.now();
  const look = async (done: number) => {
    const figures: Figures = await step.worker.look();
    samples.push({ done, figures });
    onSample(samples.at(-1)!);
  };
  try {
    await WORK[part]({ step, amount, signal, look });
  } finally {
    await step.stop();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return { part, done: samples.at(-1)?.done ?? 0, seconds, samples, findings: judge(samples) };
}

const WORK: Record<Part, (course: Course) => Promise<void>> = { records: passRecords, idle, rebalances: rebalance };

/** As fast as the worker works them: some always wait, so that it never rests. */
async function passRecords({ step, amount, signal, look }: Course): Promise<void> {
  let lookAt = 0;
  let movedAt = performance.now();
  while (step.worked < amount) {
    signal.throwIfAborted();
    if (step.sent < amount && step.backlog < MOST_WAITING) await step.send(SEND_PER_PARTITION);
    else await delay(POLL_MS);
    const before = step.worked;
    await step.refresh();
    const now = performance.now();
    if (step.worked > before) movedAt = now;
    if (now - movedAt > STALLS_AFTER_MS) throw new Error(`the worker stands still at ${step.worked} records`);
    if (step.worked < lookAt) continue;
    lookAt = step.worked + amount / LOOKS_AT_WORK;
    await look(step.worked);
  }
  await look(step.worked);
}

async function idle({ amount, signal, look }: Course): Promise<void> {
  const startedAt = performance.now();
  for (let minutes = 0; minutes < amount; minutes = (performance.now() - startedAt) / MINUTE_MS) {
    await look(minutes);
    await delay(LOOK_WHILE_IDLE_MS, undefined, { signal });
  }
}

/** Another member comes and goes. Every second time it goes while the worker is still busy with its coming. */
async function rebalance({ step, amount, signal, look }: Course): Promise<void> {
  const { worker, kafka, group, input } = step;
  let lookAt = 0;
  for (let round = 0; worker.joins - 1 < amount; round++) {
    signal.throwIfAborted();
    const joinsBefore = worker.joins;
    await step.send(1);
    const other = await OtherMember.join(kafka, { group, topic: input });
    if (round % 2 === 0) await worker.ready();
    await other.leave();
    await worker.waitUntil('take its tasks back', () => worker.joins >= joinsBefore + 2, REBALANCED_WITHIN_MS);
    await worker.ready();
    if (worker.joins - 1 < lookAt) continue;
    lookAt = worker.joins - 1 + amount / LOOKS_AT_WORK;
    await look(worker.joins - 1);
  }
  await look(worker.joins - 1);
}
