import { setImmediate as tick } from 'node:timers/promises';
import { pino } from 'pino';
import type { CommittedPosition, FetchedBatch, NotedPosition, OutputBatch, TaskProducer } from '../../src/driver.ts';
import { Outputs } from '../../src/pipeline/outputs.ts';
import type { Batch } from '../../src/pipeline/pipeline.ts';
import { SizeLimits } from '../../src/pipeline/size-limits.ts';
import { Attempts } from '../../src/task/attempts.ts';
import { BatchSize } from '../../src/task/batch-size.ts';
import { NO_STREAK, withDeadLetter } from '../../src/task/breaker.ts';
import { Gate } from '../../src/task/gate.ts';
import { QueueMemory } from '../../src/task/queue.ts';
import { Task, type TaskOrigin, type TaskPorts, type TaskSettings } from '../../src/task/task.ts';
import type { Timing } from '../../src/timing.ts';
import { ListedBatch, recordsOf } from './listed-batch.ts';
import { soon } from './soon.ts';

/** A task that starts again for ever is to fail its test, and not to keep the processor until then. */
const MAX_STARTS = 50;

/**
 * A broker with one input partition `in/0`: offsets and outputs change only by a commit, and only
 * the producer that fenced last can do anything.
 */
export class FakeBroker {
  readonly calls: string[] = [];
  readonly committed: string[] = [];
  offset: bigint | null = 0n;
  /** Committed with the offset. */
  note: string | null = 'attempt:1';
  /** Runs before a call of that name: to fail it, to hold it, or to let something happen meanwhile. */
  before: Partial<
    Record<
      'prove' | 'fence' | 'send' | 'offsets' | 'commit' | 'committed' | 'activate' | 'settle' | 'end' | 'discard',
      () => Promise<void> | void
    >
  > = {};
  endOffset = 1_000n;
  resumedAt: bigint | null = null;
  #epoch = 0;

  readonly driver: TaskPorts['driver'] = {
    fenceTask: async (): Promise<TaskProducer> => {
      await this.#call('fence');
      if (this.#epoch >= MAX_STARTS) return new Promise(() => undefined);
      const epoch = ++this.#epoch;
      return {
        activate: () => this.#call('activate'),
        begin: async () => this.#transaction(epoch),
        settled: async () => this.before.settle?.(),
        discard: () => this.#call('discard'),
      };
    },
  };

  readonly member: TaskPorts['member'] = {
    pause: () => {
      this.calls.push('pause');
    },
    release: () => {
      this.calls.push('release');
    },
    resume: () => {
      this.calls.push('resume');
    },
    seek: (_topic: string, _partition: number, offset: bigint) => {
      this.calls.push(`seek ${offset}`);
    },
    proveMembership: () => this.#call('prove'),
    committedOffsets: async (): Promise<CommittedPosition[]> => {
      await this.#call('committed');
      return [{ topic: 'in', partition: 0, offset: this.offset, note: this.note }];
    },
    resumedFrom: async () => new Map(this.resumedAt === null ? [] : [['in', this.resumedAt]]),
    earliestOffset: async () => 0n,
    endOffset: async () => {
      await this.#call('end');
      return this.endOffset;
    },
    coordinatorTroubleAgeMs: () => Infinity,
    coordinatorKnownForMs: () => Infinity,
    offsetUnchangedForMs: () => 0,
  };

  #transaction(epoch: number) {
    const written: string[] = [];
    let { offset, note } = this;
    const call = async (name: 'send' | 'offsets' | 'commit') => {
      await this.#call(name);
      if (epoch !== this.#epoch) throw new Error('fenced');
    };
    return {
      isAtomic: true,
      send: async (batches: readonly OutputBatch[]) => {
        await call('send');
        written.push(...batches.flatMap(({ records }) => recordsOf(records).map(({ value }) => String(value))));
        return [];
      },
      sendOffsets: async (positions: readonly NotedPosition[]) => {
        await call('offsets');
        offset = positions[0]!.offset;
        note = positions[0]!.note ?? null;
      },
      commit: async () => {
        await call('commit');
        this.committed.push(...written);
        this.offset = offset;
        this.note = note;
      },
    };
  }

  async #call(name: keyof FakeBroker['before']): Promise<void> {
    this.calls.push(name);
    await this.before[name]?.();
  }
}

export type Run = TaskPorts['pipeline']['run'];

/** Copies each value to `out/0`; one that begins with `bad` is a dead letter. */
export const copying: Run = async (records, { streak, isTripped, hasEndedWorkers }) => {
  const batch: Batch = {
    outputs: new Outputs(() => new ListedBatch(), new SizeLimits()),
    count: 0,
    streak,
    isTripped: false,
    longestMs: 0,
  };
  for (const source of records) {
    const isBad = hasEndedWorkers || String(source.value).startsWith('bad');
    const value = Buffer.from(isBad ? `dead ${String(source.value)}` : source.value!);
    batch.outputs.add([{ topic: 'out', partition: 0, key: null, value, constantHeaders: [], headers: [] }], source);
    batch.count++;
    batch.streak = isBad
      ? withDeadLetter(batch.streak, { key: String(source.value), cause: 'handle: evaluation', message: 'no such key' })
      : NO_STREAK;
    batch.isTripped = isBad && isTripped(batch.streak);
    if (batch.isTripped) break;
  }
  return batch;
};

/** Time passes by waiting only. */
export function virtualTiming(): Timing & { pass(ms: number): void } {
  // Any time: no process begins at 0
  let now = 1_000_000;
  return {
    now: () => now,
    wait: async (ms) => {
      now += ms;
      await tick();
    },
    random: () => 0.5,
    pass: (ms) => {
      now += ms;
    },
  };
}

/** Says of which tasks it was to forget what it knows. */
class TellingLimits extends SizeLimits {
  readonly forgotten: number[] = [];

  override forgetTask(task: number): void {
    this.forgotten.push(task);
    super.forgetTask(task);
  }
}

export interface Running {
  task: Task;
  broker: FakeBroker;
  fatal: unknown[];
  timing: ReturnType<typeof virtualTiming>;
  logged: Record<string, unknown>[];
  gate: Gate;
  sizeLimits: TellingLimits;
}

export interface Options {
  run?: Run;
  prepare?: TaskPorts['pipeline']['prepare'];
  settings?: Partial<TaskSettings>;
  origin?: Partial<TaskOrigin>;
}

export function taskOn(
  broker: FakeBroker,
  { run = copying, prepare = async () => undefined, settings = {}, origin = {} }: Options = {},
): Running {
  const fatal: unknown[] = [];
  const timing = virtualTiming();
  const logged: Record<string, unknown>[] = [];
  const log = pino(
    { base: null, timestamp: false },
    {
      write: (line: string) => {
        logged.push(JSON.parse(line) as Record<string, unknown>);
      },
    },
  );
  const gate = new Gate(() => new Promise(() => undefined));
  const sizeLimits = new TellingLimits();
  const task = new Task(
    {
      number: 0,
      topics: ['in'],
      size: new BatchSize(100),
      attempts: new Attempts(100),
      isHandedOver: true,
      before: Promise.resolve(),
      ...origin,
    },
    {
      group: 'default.payment',
      step: 'payment',
      maxRecords: 100,
      lingerMs: 0,
      stopAfter: 5,
      settingsHash: 'now',
      queue: { highBytes: 1_000, lowBytes: 100 },
      ...settings,
    },
    {
      driver: broker.driver,
      member: broker.member,
      pipeline: {
        prepare,
        run,
        deadLetters: () => {
          throw new Error('nothing is refused');
        },
      },
      sizeLimits,
      timing,
      log,
      memory: new QueueMemory(1_000_000),
      gate,
      floorOf: () => 0n,
      isRecreated: () => false,
      onPosition: () => undefined,
      onFatal: (error) => {
        fatal.push(error);
      },
    },
  );
  return { task, broker, fatal, timing, logged, gate, sizeLimits };
}

export function batch(from: number, values: readonly string[], bytes = 10): FetchedBatch {
  return {
    topic: 'in',
    partition: 0,
    bytes,
    nextOffset: BigInt(from + values.length),
    records: values.map((value, at) => ({
      topic: 'in',
      partition: 0,
      offset: String(from + at),
      timestamp: '0',
      key: null,
      value: Buffer.from(value),
      headers: [],
    })),
  };
}

export async function running(broker = new FakeBroker(), options: Parameters<typeof taskOn>[1] = {}): Promise<Running> {
  const started = taskOn(broker, options);
  await soon(() => started.task.state).toBe('RUNNING');
  return started;
}
