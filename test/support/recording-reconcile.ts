import {
  DEFAULT_VALUES,
  Reconciler,
  type AppliedChange,
  type Condition,
  type Event,
  type OperatorValues,
  type StepPlan,
  type StepRef,
  type Workload,
  type WorkloadApplier,
} from '@sagafleet/operator';
import { FakeKafka } from './fake-kafka.ts';
import { FakeRegistry } from './fake-registry.ts';

/** Keeps plans in place of workloads; its workers are ready at once. */
class RecordingApplier implements WorkloadApplier {
  readonly plans = new Map<string, StepPlan>();
  /** Each call that changed something, in their order. */
  readonly calls: string[] = [];
  /** Thrown by `apply` while set. */
  failure: Error | null = null;

  async apply(plan: StepPlan): Promise<AppliedChange> {
    if (this.failure) throw this.failure;
    const { name } = plan.step.metadata;
    const previous = this.plans.get(name);
    if (JSON.stringify(previous?.objects) === JSON.stringify(plan.objects)) return 'Unchanged';
    this.plans.set(name, plan);
    this.calls.push(`apply ${name}`);
    return previous ? 'Restarted' : 'Started';
  }

  async remove({ name }: StepRef): Promise<void> {
    this.plans.delete(name);
    this.calls.push(`remove ${name}`);
  }

  async workloadOf({ name }: StepRef): Promise<Workload> {
    const plan = this.plans.get(name);
    const replicas = plan && !plan.step.spec.suspend ? 1 : 0;
    return { replicas, ready: replicas };
  }
}

export interface RecordingOptions {
  isKafkaOwn?: boolean;
  values?: Partial<OperatorValues>;
}

/** A reconcile over fakes; `retry` stands for the time that passes until the next try. */
export function recordingReconcile({ isKafkaOwn = true, values = {} }: RecordingOptions = {}) {
  const [admin, registry, applier] = [new FakeKafka(), new FakeRegistry(), new RecordingApplier()];
  const changes: { step: string; before: readonly Condition[]; after: readonly Condition[] }[] = [];
  const events: { step: string; event: Event }[] = [];
  const waitsMs: number[] = [];
  let due: (() => void) | null = null;
  const reconciler = new Reconciler({
    admin,
    registry,
    applier,
    isKafkaOwn,
    values: { ...DEFAULT_VALUES, topicManager: 'admin', ...values },
    facts: { hasKeda: false, hasStrimzi: false },
    clock: {
      now: () => new Date('2026-01-01T00:00:00Z'),
      schedule: (ms, run) => {
        waitsMs.push(ms);
        due = run;
        return () => {
          if (due === run) due = null;
        };
      },
      random: () => 0,
    },
    reporter: {
      conditions: ({ name }, before, after) => changes.push({ step: name, before, after }),
      event: ({ name }, event) => events.push({ step: name, event }),
      failed: (error) => {
        throw error;
      },
    },
  });
  /** Resolves when the next try is over; false where none is due. */
  const retry = async (): Promise<boolean> => {
    const run = due;
    due = null;
    run?.();
    await reconciler.observe();
    return run !== null;
  };
  return { reconciler, admin, registry, applier, changes, events, waitsMs, retry };
}
