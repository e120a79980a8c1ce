/** One process, one member of the step's consumer group, put together. */
import { createHash } from 'node:crypto';
import type { Server } from 'node:http';
import { AvroCodecs, RegistryClient } from '@sagafleet/registry';
import type { SaslMechanism } from '@sagafleet/schemas';
import type { FastifyInstance } from 'fastify';
import type { Credentials, WorkerConfig } from './config.ts';
import type { AppendingProducer, Driver, GroupMember } from './driver.ts';
import { messageOf, WorkerError } from './errors.ts';
import { serveHealth } from './health.ts';
import { serveIngress } from './ingress/ingress.ts';
import { KafkajsDriver } from './kafka/driver.ts';
import type { Log } from './log.ts';
import { OutputTopics } from './pipeline/output-topics.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { compileStep, type StepProgram } from './pipeline/program.ts';
import { SizeLimits } from './pipeline/size-limits.ts';
import { decide } from './task/decide.ts';
import { Gate, ROLL_CALL_MS } from './task/gate.ts';
import { QueueMemory } from './task/queue.ts';
import { TaskSet } from './task/task-set.ts';
import { Turns } from './task/turns.ts';
import { systemTiming } from './timing.ts';
import { refuseUnsupported } from './unsupported.ts';

/** A few transactions' records; what is queued for long costs the garbage collector more than a fetch. */
const QUEUE = { highBytes: 256 * 1024, lowBytes: 64 * 1024 };
/** Of all tasks together. A task that waits holds what it has: with more of them, each gets less. */
const QUEUES_BYTES = 64 * 1024 * 1024;
const REGISTRY_TIMEOUT_MS = 10_000;
/** How soon partitions added to an output topic, and new `latest` schemas, are used. */
const REFRESH_MS = 60_000;

export type CreateDriver = (config: WorkerConfig, log: Log) => Driver;

export class Worker {
  readonly #config: WorkerConfig;
  readonly #log: Log;
  readonly #driver: Driver;
  readonly #codecs: AvroCodecs;
  readonly #program: StepProgram;
  readonly #topics: OutputTopics;
  readonly #tasks: TaskSet;
  readonly #failed = Promise.withResolvers<never>();
  readonly #stopping = new AbortController();
  #member: GroupMember | null = null;
  #health: Server | null = null;
  #ingress: FastifyInstance | null = null;
  #producer: AppendingProducer | null = null;
  #isStarted = false;

  /**
   * `createDriver` is for tests, which break one rule of the protocol at a time.
   * @throws WorkerError `unsupported`, ExpressionError: what cannot run does not start
   */
  constructor(config: WorkerConfig, log: Log, createDriver: CreateDriver = createKafkajsDriver) {
    const { settings } = config;
    refuseUnsupported(settings);
    this.#config = config;
    this.#log = log;
    this.#program = compileStep(settings, Date.now);
    this.#driver = createDriver(config, log);
    this.#codecs = new AvroCodecs(
      new RegistryClient({
        url: settings.registry.url,
        timeoutMs: REGISTRY_TIMEOUT_MS,
        ...config.registryCredentials,
      }),
    );
    const inbox = settings.ingress ? [settings.ingress.inboxTopic] : [];
    this.#topics = new OutputTopics(this.#driver, [...transactionTopics(settings), ...inbox]);
    this.#tasks = this.#createTasks();
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects when the worker cannot go on; never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Resolves when the worker is a member of its group; waits for as long as Kafka is away. */
  async start(): Promise<void> {
    this.#health = await serveHealth(
      {
        isAlive: () => this.#tasks.isAlive,
        isStarted: () => this.#isStarted,
        isReady: () => this.#isStarted && this.#tasks.isReady && !this.#stopping.signal.aborted,
        details: () => ({ tasks: this.#tasks.states, stopped: this.#tasks.stopReasons }),
      },
      this.#config.healthListen,
    );
    await this.#whileAway(() => this.#topics.load());
    const inputs = this.#config.settings.inputs.map(({ topic }) => topic);
    await this.#whileAway(async () => {
      await this.#driver.partitionCounts(inputs);
    });
    if (this.#config.settings.ingress) await this.#whileAway(() => this.#openIngress());
    this.#isStarted = true;
    await this.#whileAway(() => this.#join());
    setInterval(() => void this.#refresh(), REFRESH_MS).unref();
  }

  /** Finishes what is under way, leaves the group and closes everything. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ingress?.close();
    await this.#tasks.drain();
    await this.#member?.leave(this.#tasks.atRest);
    await this.#producer?.close();
    await this.#driver.close();
    this.#health?.close();
    this.#health?.closeAllConnections();
  }

  /** What cannot be refreshed now stays as it is until the next time. */
  async #refresh(): Promise<void> {
    await Promise.allSettled([this.#topics.refresh(), this.#codecs.refresh()]);
  }

  async #join(): Promise<void> {
    const member = this.#driver.member(this.#tasks);
    this.#tasks.use(member);
    this.#member = member;
    try {
      await member.join();
    } catch (error) {
      await member.leave([]);
      throw error;
    }
  }

  async #openIngress(): Promise<void> {
    const {
      settings: { ingress, outcomes },
      ingressListen,
    } = this.#config;
    this.#producer ??= this.#driver.appendingProducer();
    this.#ingress = await serveIngress(
      {
        ingress: ingress!,
        outcomes,
        program: this.#program,
        codecs: this.#codecs,
        topics: this.#topics,
        producer: this.#producer,
        now: Date.now,
        log: this.#log,
      },
      ingressListen,
    );
  }

  #createTasks(): TaskSet {
    const { settings } = this.#config;
    const sizeLimits = new SizeLimits(settings.topicLimits);
    const pipeline = new Pipeline({
      program: this.#program,
      codecs: this.#codecs,
      topics: this.#topics,
      sizeLimits,
      newBatch: () => this.#driver.newBatch(),
      now: Date.now,
      turns: new Turns(),
      monotonic: systemTiming.now,
      deadLetter: { topic: settings.deadLetterTopic, group: settings.group, step: settings.step.name },
    });
    return new TaskSet(
      {
        group: settings.group,
        step: settings.step.name,
        maxRecords: settings.delivery.maxRecords,
        lingerMs: settings.delivery.lingerMs,
        stopAfter: settings.stopAfter,
        settingsHash: hashOf(settings),
        queue: QUEUE,
      },
      {
        driver: this.#driver,
        pipeline,
        sizeLimits,
        timing: systemTiming,
        log: this.#log,
        memory: new QueueMemory(QUEUES_BYTES),
        gate: new Gate(() => systemTiming.wait(ROLL_CALL_MS)),
        onFatal: (error) => this.#failed.reject(error),
      },
    );
  }

  async #whileAway(work: () => Promise<void>): Promise<void> {
    for (let attempt = 0; !this.#stopping.signal.aborted; attempt++) {
      try {
        return await work();
      } catch (error) {
        const decision = decide({ error, during: 'start' }, attempt, systemTiming);
        if (decision.next !== 'wait') throw error;
        if (attempt === 0) this.#log.warn({ reason: messageOf(error) }, 'waiting');
        await systemTiming.wait(decision.ms, this.#stopping.signal);
      }
    }
  }
}

/** Short, since it is committed beside positions. */
function hashOf(settings: WorkerConfig['settings']): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 12);
}

/** What a task writes to in its transactions. */
function transactionTopics({ outcomes, deadLetterTopic }: WorkerConfig['settings']): string[] {
  return [...new Set([...Object.values(outcomes).flatMap(({ emit }) => emit.map(({ topic }) => topic)), deadLetterTopic])];
}

export function createKafkajsDriver(config: WorkerConfig, log: Log): Driver {
  const {
    settings: { kafka, delivery, inputs, group },
    clientId,
  } = config;
  return new KafkajsDriver({
    connection: { brokers: kafka.brokers, tls: kafka.tls, sasl: saslOf(config), clientId },
    group,
    topics: inputs.map(({ topic }) => topic),
    outputs: transactionTopics(config.settings),
    sessionTimeoutMs: kafka.sessionTimeoutMs,
    transactionTimeoutMs: delivery.timeoutMs,
    exactlyOnce: delivery.guarantee === 'ExactlyOnce',
    maxBatchBytes: delivery.maxBatchBytes,
    log,
  });
}

/** @throws WorkerError `bad-settings` (fatal): without credentials it would connect as nobody */
function saslOf({
  settings: {
    kafka: { sasl },
  },
  kafkaCredentials,
}: WorkerConfig): ({ mechanism: SaslMechanism } & Credentials) | null {
  if (sasl === null) return null;
  if (kafkaCredentials === null)
    throw new WorkerError('bad-settings', 'fatal', `kafka.sasl is ${sasl} but the credentials for Kafka are missing`);
  return { mechanism: sasl, ...kafkaCredentials };
}
