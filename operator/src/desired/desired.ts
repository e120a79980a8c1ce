/** What a step becomes: everything here follows from manifest, values and facts alone. */
import type { SagaStep } from '@sagafleet/schemas';
import type { Facts } from '../facts.ts';
import { needsOf } from '../provision/needs-of.ts';
import type { StepNeeds } from '../provision/needs.ts';
import { resolveStep, type ResolvedStep } from '../resolve.ts';
import type { OperatorValues } from '../values.ts';
import { networkPolicy } from './network-policy.ts';
import type { KubeObject } from './object.ts';
import { configMap, deployment, service, serviceAccount } from './pods.ts';
import { podDisruptionBudget, scaledObject, triggerAuthentication } from './scale.ts';
import { kafkaTopics, kafkaUsers } from './strimzi.ts';

export interface StepPlan {
  /** With every default filled in. */
  step: SagaStep;
  resolved: ResolvedStep;
  /** Topics, schemas and offsets, for `provisionStep`. */
  needs: StepNeeds;
  /** In the order in which they are applied. */
  objects: KubeObject[];
}

/**
 * @throws {OperatorError} where values or facts lack what the step names
 */
export function desiredOf(manifest: SagaStep, values: OperatorValues, facts: Facts): StepPlan {
  const resolved = resolveStep(manifest, values, facts);
  const needs = needsOf(resolved, facts.steps);
  const objects = [
    ...kafkaTopics({ resolved, needs, facts }, values.strimzi),
    ...kafkaUsers(resolved, values.strimzi),
    serviceAccount(resolved),
    configMap(resolved),
    networkPolicy(resolved),
    service(resolved),
    deployment(resolved, values, facts),
    podDisruptionBudget(resolved),
    triggerAuthentication(resolved, facts),
    scaledObject(resolved, facts),
  ];
  return { step: resolved.step, resolved, needs, objects: objects.filter((object) => object !== null) };
}
