/** What the reconcile acts through, beside the ports of provisioning. */
import type { StepPlan } from '../desired/desired.ts';
import type { Condition } from './conditions.ts';
import type { Event } from './events.ts';

export interface StepRef {
  namespace: string;
  name: string;
}

export interface Workload {
  /** Workers that the step is to have now. */
  replicas: number;
  /** Workers that are members of their group with every task running. */
  ready: number;
}

/** `Restarted`: what workers are started from has changed. */
export type AppliedChange = 'Started' | 'Restarted' | 'Unchanged';

/** Turns the plan of a step into its workload: API objects in a cluster, processes on one machine. */
export interface WorkloadApplier {
  /** Level-triggered: a plan that is applied already is `Unchanged`. On an error the previous workload stays. */
  apply(plan: StepPlan): Promise<AppliedChange>;
  /** A workload that does not exist is no error. */
  remove(step: StepRef): Promise<void>;
  workloadOf(step: StepRef): Promise<Workload>;
}

export interface ReconcileReporter {
  /** The conditions of a step changed; `before` is empty for a new step. */
  conditions(step: StepRef, before: readonly Condition[], after: readonly Condition[]): void;
  event(step: StepRef, event: Event): void;
  /** A defect ended a reconcile that nobody waits for; it is tried again. */
  failed(error: Error): void;
}

export interface Clock {
  now(): Date;
  /** Calls `run` once after `ms`; the answer cancels it. */
  schedule(ms: number, run: () => void): () => void;
  /** At least 0, less than 1. */
  random(): number;
}
