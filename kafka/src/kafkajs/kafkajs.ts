import { createRequire } from 'node:module';
import type * as Kafkajs from 'kafkajs';
import { hardenKafkajs } from './hardening/harden-kafkajs.ts';

/**
 * The only place that loads kafkajs: an `import` of it would be evaluated before any statement of
 * ours, and so before it is hardened.
 */
hardenKafkajs();

export const { AssignerProtocol, ConfigResourceTypes, ConfigSource, Kafka, logLevel } = createRequire(import.meta.url)(
  'kafkajs',
) as typeof Kafkajs;
