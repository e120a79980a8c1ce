import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePort, startPlatform, type Platform } from '@sagafleet/cli';
import { KafkaAdmin } from '@sagafleet/kafka';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import { WORKER_ENV, type WorkerSettings } from '@sagafleet/schemas';
import { AuthProxy } from '../support/auth-proxy.ts';
import { KafkaProxy } from '../support/kafka-proxy.ts';
import { DELIVERY, emitTo, settingsFor } from '../support/settings.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';
import { eventBefore, eventNow, idText, SCHEMA_BEFORE, SCHEMA_NOW, type ChaosEvent, type SchemaIds } from './events.ts';
import { countSkippedMarkers } from './skipped-markers.ts';
import { Watch } from './watch.ts';

export const TOPICS = { input: 'chaos-in', kept: 'chaos-kept', spread: 'chaos-spread', deadLetters: 'default.chaos.dlq' } as const;
export const GROUP = 'default.chaos';
/** Where brokers keep what groups commit, also in transactions: the whole history, as long as nothing is compacted. */
export const OFFSETS_TOPIC = '__consumer_offsets';

const PARTITIONS = { [TOPICS.input]: 6, [TOPICS.kept]: 6, [TOPICS.spread]: 4, [TOPICS.deadLetters]: 3 };
export const INPUT_PARTITIONS = PARTITIONS[TOPICS.input];

const EVENTS = { kind: 'subject', subject: `${TOPICS.input}-value` } as const;
const REGISTRY_CREDENTIALS = { username: 'chaos', password: 'with: a colon, and ü' };

/** Many transactions rather than large ones: a fault should hit every stage of one. */
const MAX_RECORDS = 200;
const TRANSACTION_TIMEOUT_MS = 15_000;
const RESTART_AFTER_MS = 500;
const REGISTRY_TIMEOUT_MS = 20_000;
/** After a worker's session: until others have taken over and the first transaction is through. */
const MOVES_WITHIN_MS = 5_000;
const ALIVE_WITHIN_MS = 10_000;

export interface WorldOptions {
  brokers: number;
  sessionTimeoutMs: number;
  /** Of the topics that the step writes. Default as many as there are brokers, up to three. */
  outputReplication?: number;
  /** Topics, settings and logs. */
  folder: string;
  /** Another program than the worker's own. */
  workerMain?: string;
  onNote: (text: string) => void;
}

interface Ways { proxy: KafkaProxy; markerProxy: KafkaProxy | null; registryProxy: AuthProxy }

/** Kafka, a registry, and workers of one step whose way to Kafka is a proxy. */
export class World {
  readonly platform: Platform;
  readonly admin: KafkaAdmin;
  readonly proxy: KafkaProxy;
  /** The way of a single broker to itself, on which it writes markers of transactions; null where there are several. */
  readonly markerProxy: KafkaProxy | null;
  readonly watch: Watch;
  /** The feed waits. */
  isFeedResting = false;
  readonly #registryProxy: AuthProxy;
  readonly #options: WorldOptions;
  readonly #settings: WorkerSettings;
  readonly #registry: RegistryClient;
  readonly #workers = new Map<number, WorkerProcess>();
  readonly #started: { worker: number; process: WorkerProcess }[] = [];
  #schemaIds: SchemaIds | null = null;
  #isStopped = false;

  private constructor(platform: Platform, { proxy, markerProxy, registryProxy }: Ways, options: WorldOptions) {
    this.platform = platform;
    this.proxy = proxy;
    this.markerProxy = markerProxy;
    this.#registryProxy = registryProxy;
    this.#options = options;
    this.admin = new KafkaAdmin({ brokers: this.brokers, tls: false, sasl: null, clientId: 'chaos' }, { log: () => {} });
    this.#registry = new RegistryClient({ url: registryProxy.url, timeoutMs: REGISTRY_TIMEOUT_MS, ...REGISTRY_CREDENTIALS });
    const { input, ...outputs } = TOPICS;
    this.watch = new Watch({
      brokers: this.brokers, input, outputs: Object.values(outputs), partitions: PARTITIONS, group: GROUP,
      limitMs: options.sessionTimeoutMs + MOVES_WITHIN_MS,
    });
    this.#settings = settingsFor('chaos', { brokers: proxy.brokers, registryUrl: registryProxy.url }, {
      inputs: [{ topic: input, format: 'avro', schema: { ...EVENTS, version: 'latest' } }],
      outcomes: { done: { emit: [emitTo(TOPICS.kept), emitTo(TOPICS.spread, { key: 'event.lane' })], reject: null } },
      delivery: { ...DELIVERY, maxRecords: MAX_RECORDS, timeoutMs: TRANSACTION_TIMEOUT_MS },
      kafka: { brokers: proxy.brokers, tls: false, sasl: null, sessionTimeoutMs: options.sessionTimeoutMs },
    });
  }

  /** Up and provisioned; no worker yet. */
  static async start(options: WorldOptions): Promise<World> {
    const loop = options.brokers === 1 ? await openLoop() : null;
    const platform = await startPlatform({
      env: process.env,
      kafkaPort: loop?.kafkaPort ?? await findFreePort(),
      registryPort: await findFreePort(),
      brokerCount: options.brokers,
      dataDir: options.folder,
      ...(loop ? { brokerProperties: loop.properties } : {}),
      onProgress: options.onNote,
      onCrash: ({ message }) => options.onNote(message),
    });
    const proxy = await KafkaProxy.open(platform.brokers.split(','));
    const registryProxy = await AuthProxy.open(platform.registryUrl, REGISTRY_CREDENTIALS);
    const world = new World(platform, { proxy, markerProxy: loop?.proxy ?? null, registryProxy }, options);
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

  /** Of the input's two schemas; the new one is that of the outputs. */
  get schemaIds(): SchemaIds {
    return this.#schemaIds!;
  }

  /** How many transactions of workers were called complete by a broker although a partition got no marker. */
  skippedMarkers(): number {
    return countSkippedMarkers(this.platform.logsDir, this.#options.brokers, `sagafleet.${GROUP}`);
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
      [WORKER_ENV.clientId]: this.clientIdOf(number),
      [WORKER_ENV.registryUsername]: REGISTRY_CREDENTIALS.username,
      [WORKER_ENV.registryPassword]: REGISTRY_CREDENTIALS.password,
      SAGAFLEET_RUN: process.env['SAGAFLEET_RUN'] ?? '',
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

  /** They answer their probe: from now on it is their doing how long they take. Not at all, where one ends before. */
  async whenAlive(workers: readonly number[]): Promise<void> {
    const isAlive = async (worker: number) => this.#workers.get(worker)?.probe('/livez') ?? false;
    await Promise.all(workers.map((worker) => until('the worker to answer', () => isAlive(worker), ALIVE_WITHIN_MS).catch(() => undefined)));
  }

  async whenReady(workers: readonly number[]): Promise<void> {
    await Promise.all(workers.map((worker) => this.worker(worker).ready()));
  }

  /** Writers of the old and of the new schema. */
  async encoders(): Promise<((event: ChaosEvent) => Buffer)[]> {
    const codecs = new AvroCodecs(this.#registry);
    const [before, now] = await Promise.all([1, 2].map((version) => codecs.loadEncoder({ ...EVENTS, version })));
    return [(event) => before!.encode(eventBefore(event)), (event) => now!.encode(eventNow(event))];
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
    await this.watch.stop();
    await this.admin.close();
    await Promise.all([this.proxy.shut(), this.markerProxy?.shut(), this.#registryProxy.close()]);
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
    const { brokers, outputReplication = brokers } = this.#options;
    await this.admin.createTopics(Object.entries(PARTITIONS).map(([name, partitions]) =>
      ({ name, partitions, replicationFactor: Math.min(name === TOPICS.input ? brokers : outputReplication, 3), config: {} })));
    const before = await this.#registry.register(EVENTS.subject, SCHEMA_BEFORE);
    const now = await this.#registry.register(EVENTS.subject, SCHEMA_NOW);
    for (const topic of [TOPICS.kept, TOPICS.spread]) await this.#registry.register(`${topic}-value`, SCHEMA_NOW);
    this.#schemaIds = { before: idText(before.id), now: idText(now.id) };
    await this.admin.commitOffsets(GROUP, [...Array(INPUT_PARTITIONS).keys()].map((partition) =>
      ({ topic: TOPICS.input, partition, offset: 0n })));
  }
}

/** Settings of a single broker that reaches itself by a proxy only. */
async function openLoop(): Promise<{ proxy: KafkaProxy; kafkaPort: number; properties: Record<string, string> }> {
  const [kafkaPort, loopPort, controllerPort] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const proxy = await KafkaProxy.open([`127.0.0.1:${loopPort}`]);
  const properties = {
    listeners: `PLAINTEXT://127.0.0.1:${kafkaPort},LOOP://127.0.0.1:${loopPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://localhost:${kafkaPort},LOOP://${proxy.brokers[0]}`,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'inter.broker.listener.name': 'LOOP',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOOP:PLAINTEXT',
  };
  return { proxy, kafkaPort, properties };
}
