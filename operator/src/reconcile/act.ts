/** Carries a plan out: topics, offsets and schemas first, then the workloads of the steps that were accepted. */
import type { SagaStep } from '@sagafleet/schemas';
import type { StepPlan } from '../desired/desired.ts';
import type { Facts } from '../facts.ts';
import { findingOf } from '../provision/finding-of.ts';
import type { StepNeeds, StepReport } from '../provision/needs.ts';
import type { SchemaRegistry, TopicAdmin } from '../provision/ports.ts';
import { provisionStep } from '../provision/provision.ts';
import type { OperatorValues } from '../values.ts';
import { gatherFacts, type GivenFacts } from './gather.ts';
import { keyOf, planSteps, refOf, type Plan } from './plan.ts';
import type { AppliedChange, StepRef, WorkloadApplier } from './ports.ts';

export type TopicLimits = NonNullable<Facts['topicLimits']>;

export interface ProvisionContext {
  admin: TopicAdmin;
  registry: SchemaRegistry;
  values: OperatorValues;
  facts: GivenFacts;
  isKafkaOwn: boolean;
}

export interface Provisioned {
  /** Rendered from what is there at the end. */
  plan: Plan;
  /** By key; `done` of all rounds, everything else of the last one. */
  reports: Map<string, StepReport>;
  topicLimits: TopicLimits;
}

/**
 * Provisions all steps, one at a time: two that find the same thing missing would both create it. A schema, or
 * the topics of a glob, may come from another step, so it goes on until a round does nothing.
 */
export async function provisionInRounds(steps: readonly SagaStep[], known: TopicLimits, context: ProvisionContext): Promise<Provisioned> {
  let topicLimits = known;
  let reports = new Map<string, StepReport>();
  for (let round = 0; ; round++) {
    const facts = await gatherFacts(steps, context.facts, context.admin);
    const { plans, foreignTopics } = planSteps(steps, { ...context, facts });
    if (foreignTopics.length > 0) await context.admin.createTopics(foreignTopics);
    const previous = reports;
    reports = new Map();
    let isSettled = foreignTopics.length === 0;
    for (const { step, needs } of plans) {
      const key = keyOf(refOf(step));
      const report = await provision(needs, context);
      isSettled &&= report.done.length === 0;
      topicLimits = { ...topicLimits, ...report.topicLimits };
      reports.set(key, { ...report, done: [...(previous.get(key)?.done ?? []), ...report.done] });
    }
    // What topics take is known only now
    if (isSettled || round >= steps.length) {
      return { plan: planSteps(steps, { ...context, facts: { ...facts, topicLimits } }), reports, topicLimits };
    }
  }
}

/** What is unavailable may become available again; what is rejected for good is a problem of the step. */
async function provision(needs: StepNeeds, { admin, registry }: ProvisionContext): Promise<StepReport> {
  try {
    return await provisionStep(needs, { admin, registry });
  } catch (error) {
    const finding = findingOf(error);
    const isPermanent = (error as { consequence?: string }).consequence === 'permanent';
    return {
      done: [],
      pending: isPermanent ? [] : [finding],
      problems: isPermanent ? [finding] : [],
      warnings: [],
      topicLimits: {},
    };
  }
}

export type Applied = { step: StepRef; change: AppliedChange } | { step: StepRef; error: Error };

/** Side by side: once provisioned, steps do not depend on each other, and a worker may take its grace period to stop. */
export function applyPlans(plans: readonly StepPlan[], applier: WorkloadApplier): Promise<Applied[]> {
  return Promise.all(
    plans.map(async (plan): Promise<Applied> => {
      const step = refOf(plan.step);
      try {
        return { step, change: await applier.apply(plan) };
      } catch (error) {
        return { step, error: error as Error };
      }
    }),
  );
}

/** The errors of those that could not be removed, by key. */
export async function removeWorkloads(steps: readonly StepRef[], applier: WorkloadApplier): Promise<Map<string, Error>> {
  const failed = new Map<string, Error>();
  const remove = async (step: StepRef) => {
    await applier.remove(step).catch((error: Error) => failed.set(keyOf(step), error));
  };
  await Promise.all(steps.map(remove));
  return failed;
}
