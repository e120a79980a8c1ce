/** Steps, values and facts → what has to be there for each step. Pure. */
import { namespaceOf, type SagaStep } from '@sagafleet/schemas';
import { desiredOf, type StepPlan } from '../desired/desired.ts';
import { OperatorError, type OperatorErrorCode } from '../errors.ts';
import type { Facts } from '../facts.ts';
import type { NewTopic } from '../provision/ports.ts';
import type { Finding, FindingReason } from '../reasons.ts';
import type { OperatorValues } from '../values.ts';
import type { StepRef } from './ports.ts';

export interface PlanInput {
  values: OperatorValues;
  facts: Facts;
  /** A Kafka that holds nothing but what is created here: inputs that no step emits are created as well. */
  isKafkaOwn: boolean;
}

export interface Plan {
  /** In the order of the steps, without those of `unplanned`. */
  plans: StepPlan[];
  /** Steps that cannot be rendered as things are, by key. */
  unplanned: Map<string, Unplanned>;
  /** Inputs of nobody's that are missing; in a cluster their owner creates them. */
  foreignTopics: NewTopic[];
}

/** `isPending`: it may be rendered once something appears. */
export interface Unplanned {
  finding: Finding;
  isPending: boolean;
}

const UNPLANNED: Record<OperatorErrorCode, { reason: FindingReason; isPending: boolean }> = {
  'connection-unknown': { reason: 'ConnectionUnknown', isPending: false },
  'glob-matches-nothing': { reason: 'NoMatchingTopic', isPending: true },
  'config-map-missing': { reason: 'ConfigMapMissing', isPending: true },
};

export function planSteps(steps: readonly SagaStep[], input: PlanInput): Plan {
  const plans: StepPlan[] = [];
  const unplanned: Plan['unplanned'] = new Map();
  for (const step of steps) {
    try {
      plans.push(desiredOf(step, input.values, input.facts));
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      const { reason, isPending } = UNPLANNED[error.code];
      unplanned.set(keyOf(refOf(step)), { finding: { reason, message: error.message }, isPending });
    }
  }
  return { plans, unplanned, foreignTopics: input.isKafkaOwn ? foreignTopics(plans, input) : [] };
}

export function refOf(step: SagaStep): StepRef {
  return { namespace: namespaceOf(step), name: step.metadata.name };
}

export function keyOf({ namespace, name }: StepRef): string {
  return `${namespace}/${name}`;
}

function foreignTopics(plans: readonly StepPlan[], { facts, values }: PlanInput): NewTopic[] {
  const known = new Set([...plans.flatMap(({ needs }) => needs.topics), ...facts.topics].map(({ name }) => name));
  const foreign = plans.flatMap(({ resolved }) => resolved.inputs).filter(({ topic }) => !known.has(topic));
  const { replicationFactor } = values.topics;
  const topics = foreign.map(({ topic, partitions }) => [topic, { name: topic, partitions, replicationFactor, config: {} }] as const);
  return [...new Map(topics).values()];
}
