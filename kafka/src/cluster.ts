import { createRequire } from 'node:module';
import type { Admin, Broker, Cluster, Kafka, Logger, RetryOptions } from 'kafkajs';
import { type AskingCluster, showRefusals } from './coordinator-refusal.ts';
import { KafkaError } from './errors.ts';
import './kafkajs.ts';

/** kafkajs' numbers, from the protocol: what a question for the end of a log may see. */
export const ISOLATION = { readUncommitted: 0, readCommitted: 1 } as const;

export type Isolation = (typeof ISOLATION)[keyof typeof ISOLATION];

/** What kafkajs' own types leave out. */
export interface OpenCluster extends Cluster {
  /** What metadata is asked for. */
  targetTopics: Set<string>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  brokerPool: { findConnectedBroker(): Promise<Broker> };
}

interface AdminParts {
  cluster: Cluster;
  logger: Logger;
  retry: RetryOptions;
}

const require = createRequire(import.meta.url);

/** A module of kafkajs by its path below `kafkajs/src/`, as hardened. */
export function loadInternal(path: string): unknown {
  return require(`kafkajs/src/${path}`);
}

export const createAdmin = require('kafkajs/src/admin') as (parts: AdminParts) => Admin;

/** As for kafkajs' own clients. */
const METADATA_MAX_AGE_MS = 300_000;

/**
 * The connections behind a client. kafkajs' admin sets a group's offsets by joining the group, which
 * takes seconds a topic, and its consumer can not read without a group; one layer down, both are one
 * request.
 */
export function openCluster(kafka: Kafka, isolationLevel: Isolation): OpenCluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster');
  if (!symbol) throw new KafkaError('NotHardened', 'kafkajs has no createCluster, install the pinned version');
  const create = (kafka as unknown as Record<symbol, (options: object) => OpenCluster>)[symbol]!;
  const cluster = create({ isolationLevel, allowAutoTopicCreation: false, metadataMaxAge: METADATA_MAX_AGE_MS });
  showRefusals(cluster as AskingCluster);
  return cluster;
}
