import { consequenceOf } from '@sagafleet/schemas';
import { RefusedBatch, type Driver, type FetchedBatch, type GroupMember, type Positions } from '../driver.ts';
import { messageOf, stackOf, WorkerError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { SizeLimits } from '../pipeline/size-limits.ts';
import type { WriteOptions } from '../pipeline/transaction.ts';
import type { Timing } from '../timing.ts';
import type { Attempts } from './attempts.ts';
import type { BatchSize } from './batch-size.ts';
import { commonestCause, NO_STREAK, type Streak } from './breaker.ts';
import { decide, isDefect } from './decide.ts';
import type { Gate } from './gate.ts';
import { Intake, type InputReader } from './intake.ts';
import { type LoopSettings, TaskLoop } from './loop.ts';
import { HandOffQueue, type QueueLimits, type QueueMemory } from './queue.ts';
import { type OffsetReader, readStart, type Start } from './start-positions.ts';
import { TaskStates, type TaskState } from './states.ts';
import { Writer } from './writer.ts';

export interface TaskSettings extends LoopSettings {
  group: string;
  step: string;
  maxRecords: number;
  queue: QueueLimits;
}

export interface TaskPorts {
  driver: Pick<Driver, 'fenceTask'>;
  member: InputReader & OffsetReader & Pick<GroupMember, 'proveMembership' | 'resumedFrom'>;
  pipeline: Pick<Pipeline, 'prepare' | 'run' | 'deadLetters'>;
  sizeLimits: WriteOptions['sizeLimits'] & Pick<SizeLimits, 'forgetTask'>;
  timing: Timing;
  log: Log;
  /** Shared by all tasks. */
  memory: QueueMemory;
  gate: Gate;
  /** The highest position that anyone told of; null where nobody did. */
  floorOf(topic: string, task: number): bigint | null;
  isRecreated(topic: string): boolean;
  onPosition(topic: string, task: number, offset: bigint): void;
  onFatal(error: unknown): void;
}

/** What a task gets from the join that gave it, and from the same task's earlier instances in this process. */
export interface TaskOrigin {
  number: number;
  topics: readonly string[];
  size: BatchSize;
  attempts: Attempts;
  /** The owner before is alive: it lost the task, and did not end while it processed a record. */
  isHandedOver: boolean;
  /** The earlier instance's end: its producer has to be gone first. */
  before: Promise<void>;
}

/** A process frozen for longer may have lost its tasks without knowing. */
const PROOF_LASTS_MS = 1_000;
const STUCK_AFTER_MS = 180_000;
const RESUME_POLL_MS = 2_000;

/**
 * Partition p of every input topic: the unit of ownership, order and transactions, with a producer
 * of its own. One instance lives from gaining the task to losing it.
 */
export class Task {
  readonly number: number;
  readonly topics: readonly string[];
  /** Settles when the task has stopped and nothing of it can write any more. */
  readonly done: Promise<void>;
  readonly #settings: TaskSettings;
  readonly #ports: TaskPorts;
  readonly #states = new TaskStates();
  readonly #intake: Intake;
  readonly #writer: Writer;
  readonly #size: BatchSize;
  readonly #over = new AbortController();
  /** The gate need not wait for the task any more: it has something to process, nothing is suspected, or it cannot begin. */
  readonly #comes: () => void;
  /** When a join proved the membership; null = to be proven before the next fencing. */
  #provenAt: number | null;
  readonly #attempts: Attempts;
  readonly #isHandedOver: boolean;
  #loop: TaskLoop | null = null;
  #stopReason: string | null = null;
  /** Failures in a row, by consequence. */
  readonly #failures = new Map<string, number>();
  /** Why the task has to start again, told from outside of its loop. */
  #interruption: WorkerError | null = null;
  #interrupted = new AbortController();

  constructor({ number, topics, size, attempts, isHandedOver, before }: TaskOrigin, settings: TaskSettings, ports: TaskPorts) {
    this.number = number;
    this.topics = topics;
    this.#settings = settings;
    this.#ports = ports;
    this.#size = size;
    this.#attempts = attempts;
    this.#isHandedOver = isHandedOver;
    this.#intake = new Intake(this, ports.member, new HandOffQueue(settings.queue, ports.memory));
    this.#writer = new Writer({
      fenceTask: (...args) => ports.driver.fenceTask(...args),
      sizeLimits: ports.sizeLimits,
      timing: ports.timing,
      deadLetters: (failures) => ports.pipeline.deadLetters(failures),
      throwIfLost: () => this.#throwIfLost(),
      onUnsettled: (error) => this.startAgain(error),
    });
    this.#provenAt = ports.timing.now();
    this.#comes = ports.gate.expect();
    this.done = before.then(() => this.#live());
  }

  get state(): TaskState {
    return this.#states.now;
  }

  get isReady(): boolean {
    return this.#states.isReady;
  }

  /** What the breaker says; null while it has not stopped the task. */
  get stopReason(): string | null {
    return this.state === 'STOPPED' ? this.#stopReason : null;
  }

  /** Nothing beyond the position that it reported last can have been committed, and nothing behind it is suspected. */
  get isAtRest(): boolean {
    return this.#writer.isCertain && this.#failures.size === 0 && !this.#loop?.isTrial && this.#stopReason === null;
  }

  /** Neither progress nor an error for far longer than any request may take: only a restart helps. */
  get isStuck(): boolean {
    return (this.#loop?.handlingLastsMs ?? 0) > STUCK_AFTER_MS || this.#writer.lastsMs > STUCK_AFTER_MS;
  }

  offer(batch: FetchedBatch): void {
    if (this.#states.takesInput) this.#intake.offer(batch);
  }

  /** The broker dropped records before they were read. */
  moveTo(topic: string, offset: bigint): void {
    if (this.#states.takesInput) this.#intake.skipTo(topic, offset);
  }

  /** What is known of positions is over: the task starts again, and finds out. */
  startAgain(reason: WorkerError): void {
    this.#interruption ??= reason;
    this.#interrupted.abort();
    this.#intake.wake();
  }

  /** Not ours any more: nothing is taken, written or committed from here on. */
  lose(): void {
    this.#states.move('LOST');
    this.#size.failed();
    this.#intake.release();
    this.#ports.sizeLimits.forgetTask(this.number);
    this.#over.abort();
    this.#intake.wake();
  }

  /** Finishes the transaction under way and takes nothing more. */
  drain(): void {
    this.#states.move('DRAINING');
    this.#intake.pause();
    this.#over.abort();
    this.#intake.wake();
  }

  async #live(): Promise<void> {
    while (!this.#states.isOver) {
      try {
        await this.#work(await this.#start());
      } catch (error) {
        await this.#recover(error);
      }
    }
    this.#comes();
    if (this.state === 'DRAINING') await this.#lastSettling();
    await this.#writer.discard();
  }

  /** A step that is stopped has nobody to end what its last transaction left open. */
  async #lastSettling(): Promise<void> {
    try {
      await this.#writer.settled();
    } catch (error) {
      this.#ports.log.warn(
        { task: this.number, reason: messageOf(error) },
        'the last transaction becomes visible when the step starts again',
      );
    }
  }

  /** Fence first, then read where to start: the read sees what the last owner's last transaction did. */
  async #start(): Promise<TaskLoop> {
    this.#interruption = null;
    this.#interrupted = new AbortController();
    this.#stopReason = null;
    if (this.state !== 'HUNG') this.#states.move('FENCING');
    const { member, timing, floorOf, isRecreated } = this.#ports;
    const { number: task, topics } = this;
    await this.#proveMembership();
    await this.#writer.fence(
      task,
      () => this.#throwIfOver(),
      (topic) => floorOf(topic, task),
    );
    this.#throwIfOver();
    this.#states.move('RESTORING');
    const { group } = this.#settings;
    const signal = this.#over.signal;
    const start = await readStart({ group, task, topics, signal, isRecreated, floorOf: (topic) => floorOf(topic, task) }, member, timing);
    const loop = await this.#loopFrom(start);
    // It fences once more, after reads that may have taken seconds
    await this.#proveMembership();
    await this.#writer.activate();
    this.#throwIfOver();
    this.#provenAt = null;
    for (const [topic, offset] of start.positions) this.#ports.onPosition(topic, task, offset);
    this.#states.move('RUNNING');
    this.#intake.open(start.positions);
    return (this.#loop = loop);
  }

  /** It begins as the owner before noted with its positions. */
  async #loopFrom({ positions, notes }: Start): Promise<TaskLoop> {
    const { member, pipeline, timing, log, gate, onPosition } = this.#ports;
    const attempts = this.#attempts;
    const isOwn = attempts.isOwn(notes);
    const found = await Promise.all(
      [...notes].map(async ([topic, note]) => ({
        topic,
        note,
        offset: positions.get(topic)!,
        endOffset: !isOwn && attempts.needsEnd(note, this.#isHandedOver) ? await member.endOffset(topic, this.number) : 0n,
      })),
    );
    attempts.begin(found, this.#isHandedOver);
    if (attempts.hasSuspicion) this.#size.beginWithOne();
    else this.#comes();
    const isStopped = found.some(({ note }) => note?.kind === 'stopped' && note.settings === this.#settings.settingsHash);
    const isTrial = isStopped && !(await this.#isResumed(positions));
    const streak = this.#loop?.streak ?? NO_STREAK;
    return new TaskLoop({ task: this.number, positions, streak, isTrial }, this.#settings, {
      pipeline,
      timing,
      log,
      intake: this.#intake,
      writer: this.#writer,
      size: this.#size,
      attempts,
      gate,
      comes: this.#comes,
      signal: AbortSignal.any([this.#over.signal, this.#interrupted.signal]),
      isRunning: () => this.state === 'RUNNING',
      throwIfLost: () => this.#throwIfLost(),
      throwIfInterrupted: () => this.#throwIfInterrupted(),
      onCommitted: (committed) => {
        for (const [topic, offset] of committed) onPosition(topic, this.number, offset);
        this.#failures.clear();
      },
    });
  }

  /** By the last join or heartbeat, if it was just now. */
  async #proveMembership(): Promise<void> {
    const { member, timing } = this.#ports;
    if (this.#provenAt === null || timing.now() - this.#provenAt > PROOF_LASTS_MS) {
      const askedAt = timing.now();
      await member.proveMembership();
      this.#provenAt = askedAt;
    }
    this.#throwIfOver();
  }

  async #work(loop: TaskLoop): Promise<void> {
    const tripped = await loop.run();
    if (tripped) this.#stop(tripped, loop.isTrial);
    while (this.state === 'STOPPED' && !(await this.#isResumed(loop.positions))) {
      await this.#ports.timing.wait(RESUME_POLL_MS, AbortSignal.any([this.#over.signal, this.#interrupted.signal]));
      this.#throwIfInterrupted();
    }
  }

  /** Whether somebody said that it goes on from here, whatever the records become. Not known counts as no. */
  async #isResumed(positions: Positions): Promise<boolean> {
    const resumed = await this.#ports.member.resumedFrom(this.number).catch(() => new Map<string, bigint>());
    return [...positions].some(([topic, offset]) => resumed.get(topic) === offset);
  }

  #stop(streak: Streak, isTrial: boolean): void {
    const { cause, count, message } = commonestCause(streak);
    this.#stopReason = isTrial
      ? `the first record after the stop is a dead letter too, ${cause} (${message})`
      : `${streak.count} dead letters in a row, ${count} of them ${cause} (${message})`;
    this.#states.move('STOPPED');
    this.#intake.close();
    this.#loop = null;
    this.#ports.log.error(
      { task: this.number, reason: this.#stopReason },
      `task stopped, nothing behind is lost: correct the step and apply it, or run "sagafleet resume ${this.#settings.step}"`,
    );
  }

  /**
   * After any error the outcome of the transaction is unknown, so it is neither aborted nor used
   * again: the next start fences it and reads from the offsets what became of it.
   */
  async #recover(error: unknown): Promise<void> {
    const { timing, log } = this.#ports;
    await this.#writer.discard();
    if (this.#states.isOver) return;
    this.#intake.close();
    this.#size.failed();
    this.#comes();
    const isHung = error instanceof WorkerError && error.code === 'hung-transaction';
    this.#states.move(isHung ? 'HUNG' : 'FENCING');
    const attempt = this.#countFailure(error);
    const decision = decide({ error, during: 'task' }, attempt, timing);
    if (decision.next !== 'restart-task') return this.#exit(error, attempt + 1);
    if (error instanceof RefusedBatch) {
      // Each try knows more of what is refused than the one before; what helps is said where none is left
      log.info(
        { task: this.number, topic: error.topic, partition: error.partition },
        'batch rejected by the broker, sending it in another form',
      );
    } else {
      log.warn(
        { task: this.number, reason: messageOf(error), ...(isDefect(error) ? stackOf(error as WorkerError) : {}) },
        'task starts again',
      );
    }
    await timing.wait(decision.ms, this.#over.signal);
  }

  #exit(error: unknown, failures: number): void {
    this.#ports.onFatal(
      !isDefect(error)
        ? error
        : new WorkerError(
            'defect',
            'fatal',
            `task ${this.number} failed ${failures} times in a row, the process ends: ${messageOf(error)}`,
            { cause: error },
          ),
    );
    this.lose();
  }

  /** @returns how many of its kind came just before it */
  #countFailure(error: unknown): number {
    const kind = consequenceOf(error) ?? 'none';
    const before = this.#failures.get(kind) ?? 0;
    this.#failures.set(kind, before + 1);
    return before;
  }

  #throwIfLost(): void {
    if (this.state === 'LOST') throw lost(this.number);
  }

  #throwIfInterrupted(): void {
    if (this.#interruption) throw this.#interruption;
  }

  #throwIfOver(): void {
    if (this.#states.isOver) throw lost(this.number);
  }
}

function lost(task: number): WorkerError {
  return new WorkerError('not-a-member', 'systemic', `task ${task} was lost`);
}
