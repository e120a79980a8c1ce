import { KafkaAdmin } from '@sagafleet/kafka';
import { findFreePort, startPlatform, type Platform } from '@sagafleet/local';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import { WORKER_ENV, type Guarantee, type WorkerSettings } from '@sagafleet/schemas';
import { AuthProxy } from '../support/auth-proxy.ts';
import { KafkaProxy } from '../support/kafka-proxy.ts';
import { DELIVERY, emitTo, settingsFor } from '../support/settings.ts';
import { until } from '../support/until.ts';
import { eventBefore, eventNow, idText, SCHEMA_BEFORE, SCHEMA_NOW, type ChaosEvent, type SchemaIds } from './events.ts';
import type { Ingredients } from './ingredients.ts';
import { IngressStep } from './ingress-step.ts';
import { countSkippedMarkers } from './skipped-markers.ts';
import { StepWorkers, type WorkersCut } from './step-workers.ts';
import { GROUP, INPUT_PARTITIONS, OFFSETS_TOPIC, PARTITIONS, TOPICS } from './topics.ts';
import { Watch } from './watch.ts';

const EVENTS = { kind: 'subject', subject: `${TOPICS.input}-value` } as const;
const REGISTRY_CREDENTIALS = { username: 'chaos', password: 'with: a colon, and ü' };

/** Looks at every pair of readings. None is below 0, so that the outcome is always `done`. */
const SLOW_EXPRESSION = "event.readings.exists(a, event.readings.exists(b, a + b < 0)) ? 'contradictory' : 'done'";

/** Many transactions rather than large ones: a fault should hit every stage of one. */
const MAX_RECORDS = 200;
const TRANSACTION_TIMEOUT_MS = 15_000;
const REGISTRY_TIMEOUT_MS = 20_000;
/** After a worker's session: until others have taken over and the first transaction is through. */
const MOVES_WITHIN_MS = 5_000;

export interface WorldOptions {
  brokers: number;
  sessionTimeoutMs: number;
  /** Of the topics that the step writes. Default as many as there are brokers, up to three. */
  outputReplication?: number;
  /** Default a step that delivers exactly once, and nothing else. */
  ingredients?: Ingredients;
  /** Topics, settings and logs. */
  folder: string;
  /** Another program than the worker's own. */
  workerMain?: string;
  onNote: (text: string) => void;
}

interface Ways {
  proxy: KafkaProxy;
  markerProxy: KafkaProxy | null;
  registryProxy: AuthProxy;
}

/** Kafka, a registry, and workers of one step whose way to Kafka is a proxy. */
export class World {
  readonly platform: Platform;
  readonly admin: KafkaAdmin;
  readonly proxy: KafkaProxy;
  /** The way of a single broker to itself, on which it writes markers of transactions; null where there are several. */
  readonly markerProxy: KafkaProxy | null;
  readonly watch: Watch;
  readonly workers: StepWorkers;
  /** The step that clients POST to, in runs that have one. */
  readonly ingress: IngressStep | null;
  /** The feed waits. */
  isFeedResting = false;
  readonly #registryProxy: AuthProxy;
  readonly #options: WorldOptions;
  readonly #registry: RegistryClient;
  #schemaIds: SchemaIds | null = null;

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
      brokers: this.brokers,
      input,
      outputs: Object.values(outputs),
      partitions: PARTITIONS,
      group: GROUP,
      limitMs: options.sessionTimeoutMs + MOVES_WITHIN_MS,
    });
    const { workerMain, onNote, sessionTimeoutMs } = options;
    const env = {
      [WORKER_ENV.registryUsername]: REGISTRY_CREDENTIALS.username,
      [WORKER_ENV.registryPassword]: REGISTRY_CREDENTIALS.password,
      SAGAFLEET_RUN: process.env['SAGAFLEET_RUN'] ?? '',
    };
    this.workers = new StepWorkers({ name: 'worker', settings: this.#settings(), workerMain, onNote, env });
    this.ingress = !options.ingredients?.hasIngress
      ? null
      : new IngressStep({
          platform,
          admin: this.admin,
          registry: this.#registry,
          brokers: proxy.brokers,
          registryUrl: registryProxy.url,
          env,
          workerMain,
          onNote,
          sessionTimeoutMs,
          replicas: Math.min(options.brokers, 3),
          offsetsTopic: OFFSETS_TOPIC,
        });
  }

  /** Up and provisioned; no worker yet. */
  static async start(options: WorldOptions): Promise<World> {
    const loop = options.brokers === 1 ? await openLoop() : null;
    const platform = await startPlatform({
      env: process.env,
      kafkaPort: loop?.kafkaPort ?? (await findFreePort()),
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

  get guarantee(): Guarantee {
    return this.#options.ingredients?.guarantee ?? DELIVERY.guarantee;
  }

  /** Of the input's two schemas; the new one is that of the outputs. */
  get schemaIds(): SchemaIds {
    return this.#schemaIds!;
  }

  /** Tells who watches the run. */
  note(text: string): void {
    this.#options.onNote(text);
  }

  /** How many transactions of workers were called complete by a broker although a partition got no marker. */
  skippedMarkers(): number {
    return countSkippedMarkers(this.platform.logsDir, this.#options.brokers, `sagafleet.${GROUP}`);
  }

  /** Writers of the old and of the new schema. */
  async encoders(): Promise<((event: ChaosEvent) => Buffer)[]> {
    const codecs = new AvroCodecs(this.#registry);
    const [before, now] = await Promise.all([1, 2].map((version) => codecs.loadEncoder({ ...EVENTS, version })));
    return [(event) => before!.encode(eventBefore(event)), (event) => now!.encode(eventNow(event))];
  }

  /** Kills every worker of every step at once. */
  cutWorkers(): WorkersCut {
    const cuts = this.#fleets.map((workers) => workers.cut());
    return {
      ended: Promise.all(cuts.map(({ ended }) => ended)).then(() => undefined),
      startAgain: async () => {
        await Promise.all(cuts.map((cut) => cut.startAgain()));
      },
      whenAlive: async () => {
        await Promise.all(cuts.map((cut) => cut.whenAlive()));
      },
    };
  }

  /** One file for each process that ran. */
  writeWorkerLogs(folder: string): void {
    for (const workers of this.#fleets) workers.writeLogs(folder);
  }

  /** The groups are at the end of their inputs; false at the deadline. */
  async drained(deadlineMs: number): Promise<boolean> {
    const isDrained = async () => {
      const ends = await this.admin.offsets(TOPICS.input);
      const committed = await this.admin.committedOffsets(GROUP, [TOPICS.input]);
      return ends.every(({ partition, latest }) => committed.some((each) => each.partition === partition && each.offset === latest));
    };
    return until(
      'the groups to be at the end',
      async () => (await isDrained().catch(() => false)) && ((await this.ingress?.isDrained().catch(() => false)) ?? true),
      deadlineMs,
    ).catch(() => false);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#fleets.map((workers) => workers.remove()));
    await this.watch.stop();
    await this.admin.close();
    await Promise.all([this.proxy.shut(), this.markerProxy?.shut(), this.#registryProxy.close()]);
    await this.platform.stop();
  }

  get #fleets(): StepWorkers[] {
    return this.ingress ? [this.workers, this.ingress.workers] : [this.workers];
  }

  #settings(): WorkerSettings {
    const { sessionTimeoutMs, ingredients } = this.#options;
    const { brokers } = this.proxy;
    return settingsFor(
      'chaos',
      { brokers, registryUrl: this.#registryProxy.url },
      {
        inputs: [{ topic: TOPICS.input, format: 'avro', schema: { ...EVENTS, version: 'latest' } }],
        handler: ingredients?.hasSlowExpressions ? { kind: 'cel', outcome: SLOW_EXPRESSION } : { kind: 'none' },
        outcomes: {
          done: { emit: [emitTo(TOPICS.kept), emitTo(TOPICS.spread, { key: 'event.lane' })], reject: null },
          ...(ingredients?.hasSlowExpressions ? { contradictory: { emit: [], reject: null } } : {}),
        },
        delivery: { ...DELIVERY, guarantee: this.guarantee, maxRecords: MAX_RECORDS, timeoutMs: TRANSACTION_TIMEOUT_MS },
        kafka: { brokers, tls: false, sasl: null, sessionTimeoutMs },
      },
    );
  }

  async #provision(): Promise<void> {
    await this.admin.connect();
    const { brokers, outputReplication = brokers } = this.#options;
    await this.admin.createTopics(
      Object.entries(PARTITIONS).map(([name, partitions]) => ({
        name,
        partitions,
        replicationFactor: Math.min(name === TOPICS.input ? brokers : outputReplication, 3),
        config: {},
      })),
    );
    const before = await this.#registry.register(EVENTS.subject, SCHEMA_BEFORE);
    const now = await this.#registry.register(EVENTS.subject, SCHEMA_NOW);
    for (const topic of [TOPICS.kept, TOPICS.spread]) await this.#registry.register(`${topic}-value`, SCHEMA_NOW);
    this.#schemaIds = { before: idText(before.id), now: idText(now.id) };
    await this.admin.commitOffsets(
      GROUP,
      [...Array(INPUT_PARTITIONS).keys()].map((partition) => ({ topic: TOPICS.input, partition, offset: 0n })),
    );
    await this.ingress?.provision();
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
