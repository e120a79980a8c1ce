import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Broker } from 'kafkajs';
import { Connections } from '../connections/connections.ts';
import type { KafkaErrorCode } from '../errors.ts';
import { type NeededAcls, principalOf } from '../refusals/missing-acl.ts';
import { toKafkaError } from '../refusals/to-kafka-error.ts';
import { type Isolation, openCluster } from './cluster.ts';
import { createKafka, type KafkaConnection, type KafkaOptions, PATIENCE_MS, retryFor } from './create-kafka.ts';
import { createAdmin, type OpenCluster } from './private-shape.ts';

/** kafkajs' own retries cover a lost connection; a failover is waited for here, with fresh metadata. */
const KAFKAJS_PATIENCE_MS = 500;
const RETRY_MS = 200;

const WORTH_RETRYING: ReadonlySet<KafkaErrorCode> = new Set(['no-broker', 'unavailable']);

/** Connections to a cluster, and the patience to use them while brokers come and go. */
export class Session {
  readonly admin: Admin;
  readonly cluster: OpenCluster;
  /** For requests that kafkajs does not know; opened by the first one. */
  readonly connections: Connections;
  readonly #connection: KafkaConnection;
  readonly #patienceMs: number;

  constructor(connection: KafkaConnection, options: KafkaOptions, isolation: Isolation) {
    const kafka = createKafka(connection, { ...options, patienceMs: KAFKAJS_PATIENCE_MS });
    this.cluster = openCluster(kafka, isolation);
    this.connections = new Connections(kafka);
    this.admin = createAdmin({ cluster: this.cluster, logger: kafka.logger(), retry: retryFor(KAFKAJS_PATIENCE_MS) });
    this.#connection = connection;
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
  }

  connect(): Promise<void> {
    return this.run('connect', {}, () => this.cluster.connect());
  }

  async close(): Promise<void> {
    await Promise.all([this.cluster.disconnect(), this.connections.close()]);
  }

  /** Any broker that answers; metadata does not depend on which. */
  broker(): Promise<Broker> {
    return this.cluster.brokerPool.findConnectedBroker();
  }

  /**
   * Does `action`, again and again while no broker, leader or coordinator is there, for as long as the
   * session is patient. Throws `KafkaError`; `what` is what failed, as it reads after "cannot", and `needed` what
   * it has to be allowed.
   */
  async run<T>(what: string, needed: NeededAcls, action: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#patienceMs;
    for (let isFirst = true; ; isFirst = false) {
      try {
        return await action();
      } catch (cause) {
        const error = toKafkaError(cause, { what, needed, principal: principalOf(this.#connection), brokers: this.#connection.brokers });
        if (isFirst && error.code === 'unknown-topic') {
          // kafkajs asks for every topic it was ever asked about: one that is gone would fail all that follows
          this.cluster.targetTopics.clear();
          continue;
        }
        if (!WORTH_RETRYING.has(error.code) || Date.now() >= deadline) throw error;
      }
      await delay(RETRY_MS);
      await this.#lookAgain();
    }
  }

  /** Brokers may have moved; when none answers, the next attempt says so. */
  async #lookAgain(): Promise<void> {
    try {
      await this.cluster.connect();
      await this.cluster.refreshMetadata();
    } catch {
      return;
    }
  }
}
