import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort, startPlatform, type Platform } from '@sagafleet/cli';
import { KafkaAdmin } from '@sagafleet/kafka';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import { WORKER_ENV, type WorkerSettings } from '@sagafleet/schemas';
import { KafkaProxy } from '../support/kafka-proxy.ts';
import { DELIVERY, emitTo, settingsFor } from '../support/settings.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';

export const TOPICS = { input: 'chaos-in', kept: 'chaos-kept', spread: 'chaos-spread', deadLetters: 'default.chaos.dlq' } as const;
export const GROUP = 'default.chaos';
/** Where brokers keep what groups commit, also in transactions: the whole history, as long as nothing is compacted. */
export const OFFSETS_TOPIC = '__consumer_offsets';

const PARTITIONS = { [TOPICS.input]: 6, [TOPICS.kept]: 6, [TOPICS.spread]: 4, [TOPICS.deadLetters]: 3 };
export const INPUT_PARTITIONS = PARTITIONS[TOPICS.input];

/** The lane stands last, where the judge finds it without decoding. */
const EVENT_SCHEMA = JSON.stringify({
  type: 'record', name: 'Event', namespace: 'chaos',
  fields: [{ name: 'id', type: 'string' }, { name: 'sequence', type: 'long' }, { name: 'lane', type: 'string' }],
});

/** Many transactions rather than large ones: a fault should hit every stage of one. */
const MAX_RECORDS = 200;
const TRANSACTION_TIMEOUT_MS = 15_000;
const RESTART_AFTER_MS = 500;
const REGISTRY_TIMEOUT_MS = 20_000;

export interface WorldOptions {
  brokers: number;
  sessionTimeoutMs: number;
  /** Topics, settings and logs. */
  folder: string;
  /** Another program than the worker's own. */
  workerMain?: string;
  onNote: (text: string) => void;
}

/** Kafka, a registry, and workers of one step whose way to Kafka is a proxy. */
export class World {
  readonly platform: Platform;
  readonly admin: KafkaAdmin;
  readonly proxy: KafkaProxy;
  readonly #options: WorldOptions;
  readonly #settings: WorkerSettings;
  readonly #registry: RegistryClient;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #started: { worker: number; process: WorkerProcess }[] = [];
  #isStopped = false;

  private constructor(platform: Platform, proxy: KafkaProxy, options: WorldOptions) {
    this.platform = platform;
    this.proxy = proxy;
    this.#options = options;
    this.admin = new KafkaAdmin({ brokers: this.brokers, tls: false, sasl: null, clientId: 'chaos' }, { log: () => {} });
    this.#registry = new RegistryClient({ url: platform.registryUrl, timeoutMs: REGISTRY_TIMEOUT_MS });
    this.#settings = settingsFor('chaos', { brokers: proxy.brokers, registryUrl: platform.registryUrl }, {
      outcomes: { done: { emit: [emitTo(TOPICS.kept), emitTo(TOPICS.spread, { key: 'event.lane' })], reject: null } },
      delivery: { ...DELIVERY, maxRecords: MAX_RECORDS, timeoutMs: TRANSACTION_TIMEOUT_MS },
      kafka: { brokers: proxy.brokers, tls: false, sasl: null, sessionTimeoutMs: options.sessionTimeoutMs },
    });
  }

  /** Up and provisioned; no worker yet. */
  static async start(options: WorldOptions): Promise<World> {
    const platform = await startPlatform({
      env: process.env,
      kafkaPort: await findFreePort(),
      registryPort: await findFreePort(),
      brokerCount: options.brokers,
      dataDir: options.folder,
      onProgress: options.onNote,
      onCrash: ({ message }) => options.onNote(message),
    });
    const proxy = await KafkaProxy.open(platform.brokers.split(','));
    const world = new World(platform, proxy, options);
    await world.#provision();
    return world;
  }

  /** Of the brokers themselves, past the proxy. */
  get brokers(): string[] {
    return this.platform.brokers.split(',');
  }

  get runningWorkers(): number[] {
    return [...this.#workers.keys()];
  }

  worker(number: number): WorkerProcess {
    const worker = this.#workers.get(number);
    if (!worker) throw new Error(`worker ${number} does not run`);
    return worker;
  }

  clientIdOf(worker: number): string {
    return `worker-${worker}`;
  }

  /** Runs until it is stopped; a worker that ends by itself is started again, as Kubernetes would. */
  async startWorker(number: number): Promise<void> {
    if (this.#isStopped) return;
    const worker = await WorkerProcess.start(this.#settings, {
      [WORKER_ENV.clientId]: this.clientIdOf(number), SAGAFLEET_RUN: process.env['SAGAFLEET_RUN'] ?? '',
    }, this.#options.workerMain);
    this.#workers.set(number, worker);
    this.#started.push({ worker: number, process: worker });
    void worker.ended.then(async ({ code, signal }) => {
      if (this.#workers.get(number) !== worker) return;
      this.#options.onNote(`worker ${number} ended by itself with ${code ?? signal}: ${worker.log.at(-1)?.['reason'] ?? 'no reason'}`);
      await new Promise((resolve) => { setTimeout(resolve, RESTART_AFTER_MS); });
      if (this.#workers.get(number) === worker) await this.startWorker(number);
    });
  }

  async stopWorker(number: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const worker = this.worker(number);
    this.#workers.delete(number);
    const { code, signal: endedBy } = await worker.stop(signal);
    // One that had just been started may not listen yet, and is ended by the signal itself
    if (signal === 'SIGTERM' && code !== 0 && endedBy !== signal) this.#options.onNote(`worker ${number} did not end well: ${code ?? endedBy}`);
  }

  async whenReady(workers: readonly number[]): Promise<void> {
    await Promise.all(workers.map((worker) => this.worker(worker).ready()));
  }

  async encoder(): Promise<(event: unknown) => Buffer> {
    const subject = `${TOPICS.input}-value`;
    const encoder = await new AvroCodecs(this.#registry).loadEncoder({ kind: 'subject', subject, version: 'latest' });
    return (event) => encoder.encode(event);
  }

  /** The group is at the end of its inputs; false at the deadline. */
  async drained(deadlineMs: number): Promise<boolean> {
    const isDrained = async () => {
      const ends = await this.admin.offsets(TOPICS.input);
      const committed = await this.admin.committedOffsets(GROUP, [TOPICS.input]);
      return ends.every(({ partition, latest }) => committed.some((each) => each.partition === partition && each.offset === latest));
    };
    return until('the group to be at the end', () => isDrained().catch(() => false), deadlineMs).catch(() => false);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const workers = [...this.#workers.values()];
    this.#workers.clear();
    await Promise.all(workers.map((worker) => worker.remove()));
    await this.admin.close();
    await this.proxy.shut();
    await this.platform.stop();
  }

  /** One file for each process that ran. */
  writeWorkerLogs(folder: string): void {
    mkdirSync(folder, { recursive: true });
    for (const [at, { worker, process }] of this.#started.entries()) {
      writeFileSync(join(folder, `worker-${worker}-run-${at + 1}.log`), process.output);
    }
  }

  async #provision(): Promise<void> {
    await this.admin.connect();
    const replicationFactor = Math.min(this.#options.brokers, 3);
    await this.admin.createTopics(Object.entries(PARTITIONS).map(([name, partitions]) =>
      ({ name, partitions, replicationFactor, config: {} })));
    for (const topic of [TOPICS.input, TOPICS.kept, TOPICS.spread]) await this.#registry.register(`${topic}-value`, EVENT_SCHEMA);
    await this.admin.commitOffsets(GROUP, [...Array(INPUT_PARTITIONS).keys()].map((partition) =>
      ({ topic: TOPICS.input, partition, offset: 0n })));
  }
}
