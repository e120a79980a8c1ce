export type { Environment } from './environment.ts';
export { LocalError, type LocalErrorCode } from './errors.ts';
export { cached, defaultCacheDir, hashOf } from './jvm/cache.ts';
export { fetchJars } from './jvm/fetch.ts';
export { findJava } from './jvm/java.ts';
export { KAFKA_TOOLS, runKafkaTool } from './jvm/kafka-tool.ts';
export { prepareKafka } from './jvm/prepare.ts';
export {
  readBack,
  type ReadBackCommit,
  type ReadBackEnd,
  type ReadBackOptions,
  type ReadBackRecord,
  type ReadBackResult,
} from './jvm/read-back.ts';
export { plainConnection } from './platform/connection.ts';
export { type Platform, type PlatformOptions, startPlatform } from './platform/platform.ts';
export { Generations } from './pods/generations.ts';
export { localValues } from './pods/local-values.ts';
export { LOCAL_MAPPING } from './pods/pod.ts';
export { workerProgram } from './pods/worker-program.ts';
export { ChildProgram, type ProgramCommand, type ProgramExit } from './processes/child-program.ts';
export { findFreePort } from './processes/ports.ts';
export { type Session, type SessionOptions, startSession, untilReady } from './session.ts';
