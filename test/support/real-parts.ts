import { findFreePort, startPlatform } from '@sagafleet/local';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** "host:port" of a real Kafka broker. */
    brokers: string;
    /** Root of a real registry's Confluent-compatible interface. */
    registryUrl: string;
  }
}

/** Global setup of the tests that need real parts: one Kafka and one registry for all of them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const platform = await startPlatform({
    env: process.env,
    kafkaPort: await findFreePort(),
    registryPort: await findFreePort(),
    onProgress: (text) => console.error(`real parts: ${text}`),
    onCrash: (error) => console.error(`real parts: ${error.message}`),
  });
  project.provide('brokers', platform.brokers);
  project.provide('registryUrl', platform.registryUrl);
  return platform.stop;
}
