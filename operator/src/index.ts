export type { ProvisionReport, SchemaNeed, StepNeeds, TopicNeed } from './provision/needs.ts';
export type { SchemaRegistry, TopicAdmin } from './provision/ports.ts';
export { provisionStep } from './provision/provision.ts';
