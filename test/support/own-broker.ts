import { findFreePort, startPlatform, type Platform } from '@sagafleet/local';
import { inject } from 'vitest';

/** A broker that no other test uses, beside the registry that all of them use. The caller stops it. */
export async function startOwnBroker(brokerProperties: Record<string, string> = {}): Promise<Platform> {
  return startPlatform({
    env: process.env,
    kafkaPort: await findFreePort(),
    registryUrl: inject('registryUrl'),
    brokerProperties,
    onProgress: () => {},
    onCrash: (error) => console.error(error.message),
  });
}
