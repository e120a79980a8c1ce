import { setTimeout as delay } from 'node:timers/promises';
import { createKafka, ISOLATION, openCluster } from '@sagafleet/kafka';
import { standingSince, type Disturbance, type Sample, type Watched } from './standstill.ts';

export interface WatchOptions {
  brokers: string[];
  input: string;
  outputs: readonly string[];
  /** Partitions by topic. */
  partitions: Readonly<Record<string, number>>;
  group: string;
  limitMs: number;
}

type Cluster = ReturnType<typeof openCluster>;
type Isolation = Parameters<typeof openCluster>[1];

const SAMPLE_EVERY_MS = 500;
/** A broker that takes longer does not answer. */
const ANSWERS_WITHIN_MS = 2_000;
const PATIENCE_MS = 500;

/** Looks all the time at the ends of topics and where the group is, and remembers when no look was possible. */
export class Watch {
  readonly #options: WatchOptions;
  readonly #samples: Sample[] = [];
  readonly #disturbances: Disturbance[] = [];
  readonly #stop = new AbortController();
  #watching: Promise<void> = Promise.resolve();
  #clusters: { committed: Cluster; all: Cluster } | null = null;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
    await this.#disconnect();
  }

  /** What happens meanwhile explains a standstill. */
  async disturbed<T>(work: () => Promise<T>): Promise<T> {
    const disturbance = { fromMs: performance.now(), toMs: Infinity };
    this.#disturbances.push(disturbance);
    try {
      return await work();
    } finally {
      disturbance.toMs = performance.now();
    }
  }

  /** Whether every task and reader that had something to do has moved since. */
  movedSince(sinceMs: number): boolean {
    const { input } = this.#options;
    return standingSince({ input, samples: this.#samples }, sinceMs)?.length === 0;
  }

  get limitMs(): number {
    return this.#options.limitMs;
  }

  get watched(): Watched {
    const { input, limitMs } = this.#options;
    return { input, limitMs, samples: [...this.#samples], disturbances: this.#disturbances.map((each) => ({ ...each })) };
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const fromMs = performance.now();
      const sample = await this.#sample().catch(() => null);
      const toMs = performance.now();
      if (sample) this.#samples.push({ atMs: toMs, ...sample });
      else await this.#disconnect();
      if (!sample || toMs - fromMs > ANSWERS_WITHIN_MS) this.#disturbances.push({ fromMs, toMs });
      await delay(SAMPLE_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #sample(): Promise<Omit<Sample, 'atMs'>> {
    const { input, outputs, partitions, group } = this.#options;
    const { committed, all } = (this.#clusters ??= await this.#connect());
    const partitionsOf = (topic: string) => [...Array(partitions[topic]!).keys()].map((partition) => ({ partition }));
    const asked = [input, ...outputs].map((topic) => ({ topic, partitions: partitionsOf(topic), fromBeginning: false }));
    // In this order: what is stable later than it was written is no open transaction
    const coordinator = await all.findGroupCoordinator({ groupId: group });
    const { responses } = await coordinator.offsetFetch({
      groupId: group,
      topics: [{ topic: input, partitions: partitionsOf(input) }],
    } as never);
    const written = offsetsIn(await all.fetchTopicsOffset(asked));
    const stable = offsetsIn(await committed.fetchTopicsOffset(asked));
    return {
      ends: [...written].map(([place, { topic, partition, offset }]) => {
        const lastStable = stable.get(place)!.offset;
        return { topic, partition, lastStable, highWatermark: Math.max(offset, lastStable) };
      }),
      committed: [...offsetsIn(responses).values()],
    };
  }

  async #connect(): Promise<{ committed: Cluster; all: Cluster }> {
    const [committed, all] = await Promise.all([this.#open(ISOLATION.readCommitted), this.#open(ISOLATION.readUncommitted)]);
    return { committed: committed!, all: all! };
  }

  async #open(isolation: Isolation): Promise<Cluster> {
    const connection = { brokers: this.#options.brokers, tls: false, sasl: null, clientId: 'watch' };
    const cluster = openCluster(createKafka(connection, { log: () => {}, level: 'error', patienceMs: PATIENCE_MS }), isolation);
    await cluster.connect();
    await cluster.addMultipleTargetTopics([this.#options.input, ...this.#options.outputs]);
    return cluster;
  }

  async #disconnect(): Promise<void> {
    const clusters = this.#clusters;
    this.#clusters = null;
    await Promise.all([clusters?.all.disconnect(), clusters?.committed.disconnect()]).catch(() => undefined);
  }
}

interface Answered {
  topic: string;
  partitions: readonly { partition: number; offset: string }[];
}

function offsetsIn(answers: readonly Answered[]): Map<string, { topic: string; partition: number; offset: number }> {
  return new Map(
    answers.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, offset }) => [`${topic}/${partition}`, { topic, partition, offset: Number(offset) }]),
    ),
  );
}
