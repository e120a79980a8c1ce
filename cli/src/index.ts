export { CliError, type CliErrorCode } from './errors.ts';
export { loadSteps } from './manifests/load-steps.ts';
