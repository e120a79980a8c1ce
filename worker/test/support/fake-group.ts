import { pino } from 'pino';
import type {
  Assignment,
  CommittedPosition,
  GroupMember,
  InputRecord,
  NotedPosition,
  TaskProducer,
  Transaction,
} from '../../src/driver.ts';
import { Outputs } from '../../src/pipeline/outputs.ts';
import { SizeLimits } from '../../src/pipeline/size-limits.ts';
import { NO_STREAK, type Streak } from '../../src/task/breaker.ts';
import { Gate } from '../../src/task/gate.ts';
import { QueueMemory } from '../../src/task/queue.ts';
import { TaskSet } from '../../src/task/task-set.ts';
import { virtualTiming } from './fake-task.ts';
import { ListedBatch } from './listed-batch.ts';
import { soon } from './soon.ts';

const TASKS = [0, 1, 2];
const TOPICS = ['in', 'more'];
/** A task that starts again for ever is to fail its test, and not to keep the processor until then. */
const MAX_STARTS = 50;

/** A group and its broker: what this member asked of them, in order. Its topics `in` and `more` are committed up to 5. */
export class FakeGroup {
  readonly calls: string[] = [];
  readonly fatal: unknown[] = [];
  readonly logged: Record<string, unknown>[] = [];
  readonly timing = virtualTiming();
  readonly memory = new QueueMemory(1_000);
  /** By topic and partition, `in/0`. */
  readonly committed = new Map<string, CommittedPosition>();
  /** Runs before a call for the task: to hold it, or to fail it. */
  before: Partial<Record<'fence' | 'discard' | 'commit', (task: number) => Promise<void> | void>> = {};
  begin: (task: number) => Promise<Transaction> = async (task) => this.#transaction(task);
  /** How many records each task processed at once. */
  readonly taken: string[] = [];
  /** Where records stop their task. */
  tripped: Streak | null = null;
  coordinatorKnownForMs = Infinity;
  readonly resumed = new Map<string, bigint>();
  readonly tasks: TaskSet;
  #generation = 0;
  #starts = 0;

  constructor() {
    for (const topic of TOPICS)
      for (const partition of TASKS) this.committed.set(`${topic}/${partition}`, { topic, partition, offset: 5n, note: null });
    this.tasks = new TaskSet(
      {
        group: 'default.payment',
        step: 'payment',
        maxRecords: 100,
        lingerMs: 0,
        stopAfter: 1,
        settingsHash: 'now',
        queue: { highBytes: 1_000, lowBytes: 100 },
      },
      {
        driver: { fenceTask: (task) => this.#fence(task) },
        pipeline: {
          prepare: async () => undefined,
          run: async (records) => this.#run(records),
          deadLetters: () => {
            throw new Error('nothing is refused');
          },
        },
        sizeLimits: new SizeLimits(),
        timing: this.timing,
        memory: this.memory,
        gate: new Gate(() => new Promise(() => undefined)),
        log: pino(
          { base: null, timestamp: false },
          {
            write: (line: string) => {
              this.logged.push(JSON.parse(line) as Record<string, unknown>);
            },
          },
        ),
        onFatal: (error) => {
          this.fatal.push(error);
        },
      },
    );
    this.tasks.use(this.#member());
  }

  /** Without `changes`, the next join of the same member. */
  assign(tasks: readonly number[], changes: Partial<Assignment> = {}): void {
    this.tasks.onAssigned({
      memberId: 'a',
      generation: ++this.#generation,
      tasks: new Map(tasks.map((task) => [task, ['in']])),
      floors: [],
      handedOver: new Set(),
      ...changes,
    });
  }

  /** The next join; resolves when every task runs, with the calls since. */
  async join(tasks: readonly number[], changes: Partial<Assignment> = {}): Promise<string[]> {
    const from = this.calls.length;
    this.assign(tasks, changes);
    await soon(() => this.tasks.isReady).toBe(true);
    return this.calls.slice(from);
  }

  /** So many records behind what is committed. */
  offer(task: number, count: number, topic = 'in'): void {
    const from = Number(this.committed.get(`${topic}/${task}`)!.offset);
    const records = Array.from({ length: count }, (_, at): InputRecord => ({
      topic,
      partition: task,
      offset: String(from + at),
      timestamp: '0',
      key: null,
      value: null,
      headers: [],
    }));
    this.tasks.onBatch({ topic, partition: task, records, nextOffset: BigInt(from + count), bytes: 1 });
  }

  #run(records: readonly InputRecord[]) {
    this.taken.push(`${records[0]?.partition}: ${records.length}`);
    const outputs = new Outputs(() => new ListedBatch(), new SizeLimits());
    return { outputs, count: records.length, streak: this.tripped ?? NO_STREAK, isTripped: this.tripped !== null, longestMs: 0 };
  }

  async #fence(task: number): Promise<TaskProducer> {
    await this.before.fence?.(task);
    this.calls.push(`fence ${task}`);
    if (++this.#starts > MAX_STARTS) return new Promise(() => undefined);
    return {
      begin: () => this.begin(task),
      discard: async () => {
        await this.before.discard?.(task);
        this.calls.push(`discard ${task}`);
      },
    };
  }

  #transaction(task: number): Transaction {
    let moved: readonly NotedPosition[] = [];
    return {
      isAtomic: true,
      send: async () => [],
      sendOffsets: async (positions) => {
        moved = positions;
      },
      commit: async () => {
        await this.before.commit?.(task);
        for (const each of moved) this.committed.set(`${each.topic}/${each.partition}`, each);
      },
    };
  }

  #member(): GroupMember {
    const told = (call: string) => (_topics: readonly string[], task: number) => {
      this.calls.push(`${call} ${task}`);
    };
    return {
      join: async () => undefined,
      leave: async () => undefined,
      pause: told('pause'),
      release: told('release'),
      resume: told('resume'),
      seek: (_topic, task, offset) => {
        this.calls.push(`seek ${task} to ${offset}`);
      },
      proveMembership: async () => undefined,
      committedOffsets: async () => [...this.committed.values()],
      resumedFrom: async () => this.resumed,
      earliestOffset: async () => 2n,
      endOffset: async () => 1_000n,
      coordinatorTroubleAgeMs: () => Infinity,
      coordinatorKnownForMs: () => this.coordinatorKnownForMs,
      offsetUnchangedForMs: () => 0,
    };
  }
}
