import type { SagaStep } from '@sagafleet/schemas';
import type { StepPlan } from '../desired/desired.ts';
import { findingOf } from '../provision/finding-of.ts';
import type { StepReport } from '../provision/needs.ts';
import type { Finding } from '../reasons.ts';
import { applyPlans, provisionInRounds, removeWorkloads, type Applied, type ProvisionContext, type TopicLimits } from './act.ts';
import { conditionsOf, haveChanged, type Condition } from './conditions.ts';
import type { Event } from './events.ts';
import { keyOf, refOf, type Plan, type Unplanned } from './plan.ts';
import type { AppliedChange, Clock, ReconcileReporter, StepRef, WorkloadApplier } from './ports.ts';

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 10_000;
/** So much of a wait is left to chance. */
const JITTER = 0.2;

export interface ReconcilerOptions extends ProvisionContext {
  applier: WorkloadApplier;
  reporter: ReconcileReporter;
  clock: Clock;
}

/** What a reconcile found about a step, but for its workload. */
interface Findings {
  isPlanned: boolean;
  pending: Finding[];
  problems: Finding[];
}

interface StepState {
  ref: StepRef;
  step: SagaStep;
  findings: Findings;
  conditions: readonly Condition[];
  /** As it was applied last; a step that is rejected keeps it. */
  plan: StepPlan | null;
  /** The manifest of `plan`. */
  appliedSpec: string | null;
  warned: Set<string>;
}

export interface ReconcileResult {
  /** Steps whose workers were started or restarted, in the order of the steps. */
  changed: StepRef[];
  /** Of the applier; the conditions of their steps have them too. */
  errors: Error[];
}

/**
 * Makes a set of steps so, and keeps trying until it is: one reconcile at a time, repeated with backoff while
 * something is missing or rejected. Reports conditions only when they change.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #states = new Map<string, StepState>();
  #wanted: readonly SagaStep[] = [];
  #topicLimits: TopicLimits = {};
  #queue: Promise<unknown> = Promise.resolve();
  #cancelRetry: (() => void) | null = null;
  #retries = 0;
  #isStopped = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /**
   * These steps and no others from now on; resolves after one reconcile. What is missing or rejected then is
   * tried again. Rejects only on a defect.
   */
  apply(steps: readonly SagaStep[]): Promise<ReconcileResult> {
    this.#wanted = steps;
    this.#retries = 0;
    return this.#enqueue(() => this.#reconcile());
  }

  /** Workers became ready, or are no longer: only the conditions are looked at again. */
  observe(): Promise<void> {
    return this.#enqueue(async () => {
      for (const state of this.#states.values()) await this.#report(state);
    });
  }

  conditionsOf(step: StepRef): readonly Condition[] {
    return this.#states.get(keyOf(step))?.conditions ?? [];
  }

  /** The plan that the workers of a step run; null where it has none. */
  planOf(step: StepRef): StepPlan | null {
    return this.#states.get(keyOf(step))?.plan ?? null;
  }

  /** Nothing is retried, applied or reported from now on; workloads stay. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
  }

  #enqueue<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(run, run);
    this.#queue = done;
    return done;
  }

  async #reconcile(): Promise<ReconcileResult> {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    const steps = this.#wanted;
    let isComplete = false;
    try {
      const areGone = await this.#removeGone(steps);
      const result = await this.#make(steps);
      isComplete = areGone && steps.every((step) => this.#isComplete(step));
      return result;
    } finally {
      if (!isComplete) this.#retryLater();
    }
  }

  async #make(steps: readonly SagaStep[]): Promise<ReconcileResult> {
    const plan = await this.#provision(steps);
    const isAccepted = (step: SagaStep) => this.#states.get(keyOf(refOf(step)))!.findings.problems.length === 0;
    const accepted = this.#isStopped ? [] : plan.plans.filter(({ step }) => isAccepted(step));
    const applied = await applyPlans(accepted, this.#options.applier);
    for (const [index, each] of applied.entries()) this.#noteApplied(accepted[index]!, each);
    for (const step of steps) await this.#report(this.#states.get(keyOf(refOf(step)))!);
    return {
      changed: applied.filter((each) => 'change' in each && each.change !== 'Unchanged').map(({ step }) => step),
      errors: applied.flatMap((each) => ('error' in each ? [each.error] : [])),
    };
  }

  /** Without Kafka nothing can be planned: what runs stays. */
  async #provision(steps: readonly SagaStep[]): Promise<Plan> {
    try {
      const { plan, reports, topicLimits } = await provisionInRounds(steps, this.#topicLimits, this.#options);
      this.#topicLimits = topicLimits;
      for (const step of steps) {
        const key = keyOf(refOf(step));
        const report = reports.get(key);
        const state = this.#take(step, findingsOf(report, plan.unplanned.get(key)));
        for (const text of report?.done ?? []) this.#event(state.ref, 'Provisioned', text);
        this.#warn(state, report?.warnings ?? []);
      }
      return plan;
    } catch (error) {
      const finding = findingOf(error);
      for (const step of steps) this.#take(step, { isPlanned: false, pending: [finding], problems: [] });
      return { plans: [], unplanned: new Map(), foreignTopics: [] };
    }
  }

  #take(step: SagaStep, findings: Findings): StepState {
    const ref = refOf(step);
    const known = this.#states.get(keyOf(ref)) ?? { ref, conditions: [], plan: null, appliedSpec: null, warned: new Set<string>() };
    const state = Object.assign(known, { step, findings });
    this.#states.set(keyOf(ref), state);
    return state;
  }

  #noteApplied(plan: StepPlan, applied: Applied): void {
    const state = this.#states.get(keyOf(applied.step))!;
    if ('error' in applied) {
      state.findings.problems.push({ reason: 'ApplyFailed', message: applied.error.message });
      return;
    }
    state.plan = plan;
    state.appliedSpec = specText(state.step);
    if (applied.change !== 'Unchanged') this.#event(state.ref, applied.change, EVENT_TEXTS[applied.change]);
  }

  /** Whether nothing is left of steps that are not wanted any more. */
  async #removeGone(steps: readonly SagaStep[]): Promise<boolean> {
    const wanted = new Set(steps.map((step) => keyOf(refOf(step))));
    const gone = [...this.#states.values()].filter(({ ref }) => !wanted.has(keyOf(ref))).map(({ ref }) => ref);
    const failed = await removeWorkloads(gone, this.#options.applier);
    for (const ref of gone) {
      const error = failed.get(keyOf(ref));
      if (error) this.#event(ref, 'RemoveFailed', error.message, 'Warning');
      else this.#event(ref, 'Removed', 'workers stopped; topics, schemas and consumer group are retained');
      if (!error) this.#states.delete(keyOf(ref));
    }
    return failed.size === 0;
  }

  async #report(state: StepState): Promise<void> {
    const { ref, step, findings, plan, appliedSpec, conditions: before } = state;
    const workload = plan ? await this.#options.applier.workloadOf(ref) : null;
    const observed = { ...findings, generation: step.metadata.generation, workload, isCurrent: appliedSpec === specText(step) };
    const after = conditionsOf(observed, before, this.#options.clock.now());
    if (this.#isStopped || !haveChanged(before, after)) return;
    state.conditions = after;
    this.#options.reporter.conditions(ref, before, after);
  }

  #isComplete(step: SagaStep): boolean {
    const findings = this.#states.get(keyOf(refOf(step)))?.findings;
    return findings !== undefined && findings.pending.length + findings.problems.length === 0;
  }

  #retryLater(): void {
    const { clock, reporter } = this.#options;
    if (this.#isStopped || this.#cancelRetry) return;
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** this.#retries++, LAST_RETRY_MS) * (1 - JITTER * clock.random());
    this.#cancelRetry = clock.schedule(waitMs, () => {
      this.#cancelRetry = null;
      this.#enqueue(() => this.#reconcile()).catch((error: Error) => {
        if (!this.#isStopped) reporter.failed(error);
      });
    });
  }

  #event(step: StepRef, reason: Event['reason'], message: string, type: Event['type'] = 'Normal'): void {
    if (!this.#isStopped) this.#options.reporter.event(step, { type, reason, message });
  }

  /** Each text once. */
  #warn(state: StepState, warnings: readonly string[]): void {
    for (const text of warnings.filter((warning) => !state.warned.has(warning))) {
      state.warned.add(text);
      this.#event(state.ref, 'OffsetsMayExpire', text, 'Warning');
    }
  }
}

const EVENT_TEXTS: Record<Exclude<AppliedChange, 'Unchanged'>, string> = {
  Started: 'workers started',
  Restarted: 'workers restarted with new settings',
};

function findingsOf(report: StepReport | undefined, unplanned: Unplanned | undefined): Findings {
  const { finding, isPending } = unplanned ?? {};
  return {
    isPlanned: finding === undefined,
    pending: finding && isPending ? [finding] : [...(report?.pending ?? [])],
    problems: finding && !isPending ? [finding] : [...(report?.problems ?? [])],
  };
}

function specText({ spec }: SagaStep): string {
  return JSON.stringify(spec);
}
