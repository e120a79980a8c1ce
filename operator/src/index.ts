export type { ProvisionReport, SchemaNeed, StepNeeds, TopicNeed } from './provision/needs.ts';
export type { SchemaRegistry, TopicAdmin } from './provision/ports.ts';
export { provisionStep } from './provision/provision.ts';
export { checkStep } from './check/check-step.ts';
export { type CheckFacts, checkSteps, wellShapedSteps } from './check/check-steps.ts';
export { withDefaults } from './check/defaults.ts';
export { type LookedUpSchemas, subjectKey, subjectsOf, type SubjectVersion } from './check/event-schemas.ts';
export { formatPath, type Path, type Problem } from './check/problem.ts';
export { unsupported } from './check/unsupported.ts';
