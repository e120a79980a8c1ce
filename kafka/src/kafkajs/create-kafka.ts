import type { Kafka as Client, logLevel as KafkajsLevel, KafkaConfig, RetryOptions, SASLOptions } from 'kafkajs';
import { Kafka, logLevel } from './kafkajs.ts';
import { bridgeLog, type Log, type LogLevel } from './log.ts';

/** Where a cluster is and who calls. */
export interface KafkaConnection {
  /** `host:port` of the brokers to ask first. */
  brokers: string[];
  tls: boolean;
  sasl: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string } | null;
  /** Shown in broker logs, quotas and metrics. */
  clientId: string;
}

export interface KafkaOptions {
  log: Log;
  /** Lines below it are not made at all. Default `info`. */
  level?: LogLevel;
  /** How long a request is retried while no broker or leader answers. Default 60 s: a broker failover. */
  patienceMs?: number;
}

const CONNECTION_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
export const PATIENCE_MS = 60_000;

const FIRST_RETRY_MS = 20;
const LAST_RETRY_MS = 1_000;
const RETRY_FACTOR = 1.5;

/** A hardened kafkajs client. Use one for producers and another for the consumer: offset caches are per client. */
export function createKafka(connection: KafkaConnection, options: KafkaOptions): Client {
  const { brokers, tls, sasl, clientId } = connection;
  const config: KafkaConfig = {
    brokers,
    clientId,
    ssl: tls,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    retry: retryFor(options.patienceMs ?? PATIENCE_MS),
    logLevel: LEVELS[options.level ?? 'info'],
    logCreator: bridgeLog(options.log),
  };
  if (sasl) config.sasl = sasl as SASLOptions;
  return new Kafka(config);
}

const LEVELS: Record<LogLevel, KafkajsLevel> = {
  debug: logLevel.DEBUG,
  info: logLevel.INFO,
  warn: logLevel.WARN,
  error: logLevel.ERROR,
};

/** Waits of 20 ms, half as much again each time up to 1 s, until they add up to `patienceMs`. */
export function retryFor(patienceMs: number): RetryOptions & { retries: number } {
  let retries = 0;
  for (let waitMs = FIRST_RETRY_MS, totalMs = 0; totalMs < patienceMs; retries++) {
    totalMs += waitMs;
    waitMs = Math.min(waitMs * RETRY_FACTOR, LAST_RETRY_MS);
  }
  return {
    initialRetryTime: FIRST_RETRY_MS,
    maxRetryTime: LAST_RETRY_MS,
    multiplier: RETRY_FACTOR,
    factor: 0.2,
    retries,
  };
}
