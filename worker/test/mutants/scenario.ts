import { expect, inject, onTestFailed, onTestFinished } from 'vitest';
import { judge, type Evidence, type FindingKind } from '../../../test/chaos/judge.ts';
import { KafkaProxy } from '../../../test/support/kafka-proxy.ts';
import { until } from '../../../test/support/until.ts';
import { WorkerProcess } from '../../../test/support/worker-process.ts';
import { headersOf, StepFixture } from '../support/step-fixture.ts';
import type { FaultName } from './faults.ts';
import type { MutationName } from './mutations.ts';

const MAIN = new URL('./main.ts', import.meta.url).pathname;
const DRAINED_WITHIN_MS = 20_000;

export type Findings = Partial<Record<FindingKind, number>>;

export const CLEAN: Findings = {};

/** The unbroken worker first: what a scenario does by itself is seen there. */
export function everyMutation(mutation: MutationName): MutationName[] {
  return ['none', mutation];
}

export function findingsOf(mutation: MutationName, broken: unknown): unknown {
  return mutation === 'none' ? CLEAN : broken;
}

export function some(kind: FindingKind): unknown {
  return expect.objectContaining({ [kind]: expect.any(Number) as number });
}

interface Start {
  fault?: FaultName;
  through?: KafkaProxy;
}

/** A step whose workers all have the same rule broken, and what there is to judge them by. */
export class Scenario {
  readonly step: StepFixture;
  readonly #mutation: MutationName;
  readonly #neverCommitted = new Set<string>();
  readonly #workers: WorkerProcess[] = [];

  private constructor(step: StepFixture, mutation: MutationName) {
    this.step = step;
    this.#mutation = mutation;
  }

  static async of(mutation: MutationName, partitions = 2): Promise<Scenario> {
    return new Scenario(await StepFixture.create({ partitions }), mutation);
  }

  async start({ fault = 'none', through }: Start = {}): Promise<WorkerProcess> {
    const { kafka, ...settings } = this.step.settings;
    const brokers = through?.brokers ?? kafka.brokers;
    const env = { MUTATION: this.#mutation, FAULT: fault };
    const worker = await WorkerProcess.start({ ...settings, kafka: { ...kafka, brokers } }, env, MAIN);
    this.#workers.push(worker);
    onTestFinished(() => worker.remove());
    onTestFailed(() => console.error(`worker ${worker.pid} wrote:\n${worker.output.slice(-3_000)}`));
    return worker;
  }

  async openProxy(): Promise<KafkaProxy> {
    const proxy = await KafkaProxy.open([inject('brokers')]);
    onTestFinished(() => proxy.shut());
    return proxy;
  }

  /** As many records to each partition. */
  async send(countEach: number): Promise<void> {
    const { partitions } = this;
    const ids = Array.from({ length: countEach * partitions }, (_, at) => `event-${at}-${performance.now()}`);
    const events = await this.step.events(ids);
    await this.step.send(events.map((event, at) => ({ ...event, partition: at % partitions })));
  }

  /** The first batch of a task is noted in a transaction of its own: what is held or lost afterwards is of its records. */
  async processFirst(): Promise<void> {
    await this.send(1);
    await this.step.drained();
  }

  /** Records in a transaction that is aborted, to every partition. */
  async sendAborted(countEach: number): Promise<void> {
    const { partitions } = this;
    const events = await this.step.events(Array.from({ length: countEach * partitions }, (_, at) => `aborted-${at}-${performance.now()}`));
    const producer = this.step.kafka.producer({ transactionalId: `${this.step.names.name}-aborts`, idempotent: false });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({
      topic: this.step.names.input,
      messages: events.map((event, at) => ({ ...event, partition: at % partitions })),
    });
    await transaction.abort();
    await producer.disconnect();
    for (const { value } of events) this.#neverCommitted.add(textOf(value as Buffer)!);
  }

  get partitions(): number {
    return this.step.partitions;
  }

  async outputs(): Promise<number> {
    return (await this.step.read(this.step.names.output)).length;
  }

  async committed(): Promise<bigint> {
    const offsets = await this.step.admin.committedOffsets(this.step.names.group, [this.step.names.input]);
    return offsets.reduce((sum, { offset }) => sum + (offset ?? 0n), 0n);
  }

  /** What the judge finds, by kind, once the group is at the end, or is not getting there, and every worker has finished. */
  async findings(): Promise<Findings> {
    await this.step.drained(DRAINED_WITHIN_MS).catch(() => undefined);
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    const { findings } = judge(await this.#evidence());
    return Object.fromEntries(findings.map(({ kind, count }) => [kind, count]));
  }

  async #evidence(): Promise<Evidence> {
    const { names, admin } = this.step;
    const [inputs, outputs] = await Promise.all([this.step.read(names.input), this.step.read(names.output)]);
    const ends = [];
    for (const topic of [names.input, names.output]) {
      for (const { partition, latest } of await admin.offsets(topic)) {
        ends.push({ topic, partition, highWatermark: Number(latest), lastStable: Number(latest) });
      }
    }
    const committed = (await admin.committedOffsets(names.group, [names.input])).map(({ topic, partition, offset }) => ({
      topic,
      partition,
      offset: Number(offset ?? 0n),
    }));
    return {
      guarantee: 'ExactlyOnce',
      inputs: inputs.map(({ topic, partition, offset, key, value }) => ({
        topic,
        partition,
        offset: Number(offset),
        key: textOf(key),
        value: textOf(value),
      })),
      neverCommitted: this.#neverCommitted,
      outputs: [
        {
          topic: names.output,
          wanted: (input) => input,
          records: outputs.map((record) => ({
            partition: record.partition,
            offset: Number(record.offset),
            key: textOf(record.key),
            value: textOf(record.value),
            source: headersOf(record)['ce_id']!.split('/').slice(0, 3).join('/'),
          })),
        },
      ],
      commits: committed,
      committed,
      ends,
    };
  }
}

function textOf(bytes: Buffer | null): string | null {
  return bytes && bytes.toString('latin1');
}

/** Which tasks each worker has, once they share all of them. */
export function shared(workers: readonly WorkerProcess[], tasks: number): Promise<number[][]> {
  return until(`${workers.length} workers to share ${tasks} tasks`, async () => {
    const owned = await Promise.all(workers.map((worker) => worker.tasks()));
    const ready = await Promise.all(workers.map((worker) => worker.probe('/readyz')));
    return ready.every(Boolean) && owned.every(({ length }) => length > 0) && owned.flat().length === tasks ? owned : null;
  });
}
