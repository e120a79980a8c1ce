import type { Override } from './override.ts';

interface OffsetCommit { versions: readonly string[] }
const PATH = 'protocol/requests/offsetCommit/index';
/** From version 5 on a request can not say how long its offsets are kept (KIP-211). */
const FIRST_WITHOUT_RETENTION = 5;

const keepsRetention = (version: string): boolean => Number(version) < FIRST_WITHOUT_RETENTION;

/**
 * kafkajs asks for the highest version that both sides know, which drops `retentionTime` without a word.
 * Brokers still take version 2 to 4, and keep what such a request committed for as long as it says.
 */
export const offsetRetention: Override = {
  name: 'offset-retention',
  install: (internals) => {
    const request = internals.load(PATH) as OffsetCommit;
    request.versions = request.versions.filter(keepsRetention);
  },
  isActive: (internals) => (internals.load(PATH) as OffsetCommit).versions.every(keepsRetention),
};
