export { CliError, type CliErrorCode } from './errors.ts';
export { loadSteps } from './load-steps.ts';
export { cached, hashOf } from './local/cache.ts';
export { ChildProgram, type ProgramCommand, type ProgramExit } from './local/child-program.ts';
export type { Environment } from './local/environment.ts';
export { fetchJars } from './local/fetch.ts';
export { type Platform, type PlatformOptions, startPlatform } from './local/platform.ts';
export { findFreePort } from './local/ports.ts';
export {
  readBack,
  type ReadBackCommit,
  type ReadBackEnd,
  type ReadBackOptions,
  type ReadBackRecord,
  type ReadBackResult,
} from './local/read-back.ts';
export { type Session, startSession, untilReady } from './local/session.ts';
export { workerProgram } from './local/worker-program.ts';
