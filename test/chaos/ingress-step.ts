import type { KafkaAdmin } from '@sagafleet/kafka';
import { readBack, type Platform } from '@sagafleet/local';
import { AvroCodecs, type Encoder, type RegistryClient } from '@sagafleet/registry';
import type { WorkerSettings } from '@sagafleet/schemas';
import { DELIVERY, emitTo, settingsFor } from '../support/settings.ts';
import { Clients, type WebEvent } from './clients.ts';
import { readCommit, toInputRecord, toOutputRecord } from './evidence.ts';
import type { InboxEvidence } from './inbox.ts';
import type { Evidence } from './judge.ts';
import { INGRESS_WORKERS } from './plan.ts';
import { StepWorkers, type StepWorkersOptions } from './step-workers.ts';

export interface IngressStepOptions extends Pick<StepWorkersOptions, 'env' | 'workerMain' | 'onNote'> {
  platform: Platform;
  admin: KafkaAdmin;
  registry: RegistryClient;
  /** Of the workers: their ways to both. */
  brokers: string[];
  registryUrl: string;
  sessionTimeoutMs: number;
  replicas: number;
  /** Where brokers keep what groups commit. */
  offsetsTopic: string;
}

const NAME = 'web';
const GROUP = `default.${NAME}`;
const TOPICS = { inbox: `${GROUP}.inbox`, output: 'chaos-web', deadLetters: `${GROUP}.dlq` } as const;
const PARTITIONS = { [TOPICS.inbox]: 4, [TOPICS.output]: 4, [TOPICS.deadLetters]: 3 };
const PATH = '/events';
const EVENTS = { kind: 'subject', subject: `${TOPICS.inbox}-value`, version: 'latest' } as const;
const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'WebEvent',
  namespace: 'chaos',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'key', type: 'string' },
    { name: 'sequence', type: 'long' },
  ],
});

/** A second step, exactly once, that clients POST to: what was accepted is in its inbox, and comes out in another topic. */
export class IngressStep {
  readonly workers: StepWorkers;
  readonly #options: IngressStepOptions;
  #clients: Clients | null = null;

  constructor(options: IngressStepOptions) {
    const { env, workerMain, onNote } = options;
    this.#options = options;
    this.workers = new StepWorkers({ name: NAME, settings: settingsOf(options), env, workerMain, onNote });
  }

  async provision(): Promise<void> {
    const { admin, registry, replicas } = this.#options;
    await admin.createTopics(
      Object.entries(PARTITIONS).map(([name, partitions]) => ({ name, partitions, replicationFactor: replicas, config: {} })),
    );
    for (const topic of [TOPICS.inbox, TOPICS.output]) await registry.register(`${topic}-value`, SCHEMA);
    await admin.commitOffsets(
      GROUP,
      partitionsOfInbox().map((partition) => ({ topic: TOPICS.inbox, partition, offset: 0n })),
    );
  }

  async start(): Promise<void> {
    const workers = [...Array(INGRESS_WORKERS).keys()];
    await Promise.all(workers.map((worker) => this.workers.start(worker)));
    await this.workers.whenReady(workers);
  }

  /** Until it is aborted. */
  async post(seed: number, signal: AbortSignal): Promise<void> {
    const encoder: Encoder = await new AvroCodecs(this.#options.registry).loadEncoder(EVENTS);
    this.#clients = new Clients({
      seed,
      encode: (event: WebEvent) => encoder.encode(event),
      urls: () => this.workers.running.map((worker) => this.workers.get(worker).ingressUrl + PATH),
    });
    await this.#clients.run(signal);
  }

  async isDrained(): Promise<boolean> {
    const { admin } = this.#options;
    const [ends, committed] = await Promise.all([admin.offsets(TOPICS.inbox), admin.committedOffsets(GROUP, [TOPICS.inbox])]);
    return ends.every(({ partition, latest }) => committed.some((each) => each.partition === partition && each.offset === latest));
  }

  /** Of the inbox, as clients know it, and of the step behind it. */
  async evidence(): Promise<{ inbox: InboxEvidence; step: Evidence }> {
    const {
      platform: { tools, brokers },
      offsetsTopic,
    } = this.#options;
    const inbox = await readBack(tools, { brokers, topics: [TOPICS.inbox], groups: [GROUP] });
    const written = await readBack(tools, { brokers, topics: [TOPICS.output, TOPICS.deadLetters] });
    const { records: commits } = await readBack(tools, { brokers, topics: [offsetsTopic] });
    const inputs = inbox.records.map(toInputRecord);
    const recordsOf = (name: string) => written.records.filter(({ topic }) => topic === name).map(toOutputRecord);
    return {
      inbox: { posted: this.#clients?.posted ?? [], topic: TOPICS.inbox, records: inputs },
      step: {
        guarantee: DELIVERY.guarantee,
        inputs,
        neverCommitted: new Set(),
        committed: inbox.committed,
        ends: [...inbox.ends, ...written.ends],
        outputs: [
          { topic: TOPICS.output, records: recordsOf(TOPICS.output), wanted: ({ key, value }) => ({ key, value }) },
          { topic: TOPICS.deadLetters, records: recordsOf(TOPICS.deadLetters), wanted: () => null },
        ],
        commits: commits.flatMap((record) => readCommit(record, GROUP) ?? []),
      },
    };
  }
}

function settingsOf({ brokers, registryUrl, sessionTimeoutMs }: IngressStepOptions): WorkerSettings {
  return settingsFor(
    NAME,
    { brokers, registryUrl },
    {
      inputs: [{ topic: TOPICS.inbox, format: 'avro', schema: EVENTS }],
      ingress: {
        path: PATH,
        key: 'event.key',
        schema: EVENTS,
        inboxTopic: TOPICS.inbox,
        maxBodyBytes: 10_000,
        unknownFields: 'Reject',
        idempotencyKey: null,
        windowMs: null,
      },
      outcomes: { done: { emit: [emitTo(TOPICS.output)], reject: null } },
      kafka: { brokers, tls: false, sasl: null, sessionTimeoutMs },
    },
  );
}

function partitionsOfInbox(): number[] {
  return [...Array(PARTITIONS[TOPICS.inbox]).keys()];
}
