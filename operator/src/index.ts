export type { ProvisionReport, SchemaNeed, StepNeeds, StepReport, TopicNeed } from './provision/needs.ts';
export type { SchemaRegistry, TopicAdmin } from './provision/ports.ts';
export { provisionStep } from './provision/provision.ts';
export { checkStep } from './check/check-step.ts';
export { type CheckFacts, checkSteps, wellShapedSteps } from './check/check-steps.ts';
export { withDefaults } from './check/defaults.ts';
export { type LookedUpSchemas, subjectKey, subjectsOf, type SubjectVersion } from './check/event-schemas.ts';
export { formatPath, type Path, type Problem } from './check/problem.ts';
export { unsupported } from './check/unsupported.ts';
export { desiredOf, type StepPlan } from './desired/desired.ts';
export type { KubeObject } from './desired/object.ts';
export { render } from './desired/render.ts';
export { OperatorError, type OperatorErrorCode } from './errors.ts';
export type { Facts, TopicFact } from './facts.ts';
export type { Finding, FindingReason } from './reasons.ts';
export {
  type Condition,
  type ConditionReason,
  type ConditionStatus,
  type ConditionType,
  formatCondition,
  notableChanges,
} from './reconcile/conditions.ts';
export type { Event } from './reconcile/events.ts';
export { keyOf, refOf } from './reconcile/plan.ts';
export type { AppliedChange, Clock, ReconcileReporter, StepRef, Workload, WorkloadApplier } from './reconcile/ports.ts';
export { Reconciler, type ReconcilerOptions, type ReconcileResult } from './reconcile/reconciler.ts';
export type { ResolvedStep } from './resolve.ts';
export { DEFAULT_VALUES, type OperatorValues } from './values.ts';
