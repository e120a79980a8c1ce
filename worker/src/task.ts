import { Defects, stackOfDefect } from './defects.ts';
import { RefusedBatch, type Driver, type FetchedBatch, type GroupMember, type Positions, type TaskProducer } from './driver.ts';
import { consequenceOf, messageOf, WorkerError } from './errors.ts';
import type { Log } from './log.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import type { Outputs } from './pipeline/outputs.ts';
import type { SizeLimits } from './pipeline/size-limits.ts';
import { writeTransaction } from './pipeline/transaction.ts';
import { HandOffQueue, type QueueLimits, type QueueMemory } from './queue.ts';
import { readStartPositions } from './start-positions.ts';
import { backoffMs, Stopwatch, type Timing } from './timing.ts';

/** `HUNG`: fencing failed, since a transaction is open that only an administrator can end. */
export type TaskState = 'FENCING' | 'HUNG' | 'RESTORING' | 'RUNNING' | 'LOST';

export interface TaskDependencies {
  driver: Driver;
  member: GroupMember;
  pipeline: Pipeline;
  sizeLimits: SizeLimits;
  timing: Timing;
  log: Log;
  group: string;
  maxRecords: number;
  lingerMs: number;
  queue: QueueLimits;
  /** Shared by all tasks. */
  memory: QueueMemory;
  /** The highest position that anyone told of; null where nobody did. */
  floorOf(topic: string, task: number): bigint | null;
  isRecreated(topic: string): boolean;
  onPosition(topic: string, task: number, offset: bigint): void;
  onFatal(error: unknown): void;
}

/** A process frozen for longer may have lost its tasks without knowing. */
const PROOF_LASTS_MS = 1_000;
const STUCK_AFTER_MS = 180_000;
/** Somebody has to act; each try costs an epoch of the producer. */
const HUNG_WAIT_MS = 30_000;

/**
 * Partition p of every input topic: the unit of ownership, order and transactions, with a producer
 * of its own. One instance lives from gaining the task to losing it.
 */
export class Task {
  readonly number: number;
  readonly topics: readonly string[];
  /** Settles when the task has stopped and nothing of it can write any more. */
  readonly done: Promise<void>;
  readonly #deps: TaskDependencies;
  readonly #queue: HandOffQueue;
  readonly #over = new AbortController();
  #state: TaskState = 'FENCING';
  #isDraining = false;
  #isPaused = true;
  /** No transaction was begun since the position was known. */
  #isCertain = false;
  /** When a join proved the membership; null = to be proven before the next fencing. */
  #provenAt: number | null;
  readonly #handling: Stopwatch;
  readonly #transacting: Stopwatch;
  /** The transaction under way, or the last one. */
  #writing: Promise<void> = Promise.resolve();
  #failures = 0;
  readonly #defects: Defects;
  #lastTakeWasFull = false;
  /** Why the task has to start again, told from outside of its loop. */
  #interruption: WorkerError | null = null;
  #interrupted = new AbortController();
  #producer: TaskProducer | null = null;

  /** `before` is the same task's earlier instance in this process: its producer has to be gone first. */
  constructor(number: number, topics: readonly string[], deps: TaskDependencies, before: Promise<void>) {
    this.number = number;
    this.topics = topics;
    this.#deps = deps;
    this.#queue = new HandOffQueue(deps.queue, deps.memory);
    this.#defects = new Defects(number);
    this.#handling = new Stopwatch(deps.timing);
    this.#transacting = new Stopwatch(deps.timing);
    this.#provenAt = deps.timing.now();
    this.done = before.then(() => this.#live());
  }

  get state(): TaskState {
    return this.#state;
  }

  /** Nothing beyond the position that it told last can have been committed. */
  get isCertain(): boolean {
    return this.#isCertain;
  }

  /** Neither progress nor an error for far longer than any request may take: only a restart helps. */
  get isStuck(): boolean {
    return this.#handling.lastsMs > STUCK_AFTER_MS || this.#transacting.lastsMs > STUCK_AFTER_MS;
  }

  offer(batch: FetchedBatch): void {
    // What comes while the task starts was fetched before it was told where to begin
    if (this.#state !== 'RUNNING' || this.#isDraining) return;
    this.#queue.put(batch);
    if (this.#queue.isHigh && !this.#isPaused) this.#pause();
  }

  /** The broker dropped records before they were read. The position is committed also where no record follows. */
  moveTo(topic: string, offset: bigint): void {
    if (this.#state !== 'RUNNING') return;
    this.#queue.put({ topic, partition: this.number, records: [], nextOffset: offset, bytes: 0 });
    this.#deps.member.seek(topic, this.number, offset);
  }

  /** What is known of positions is over: the task starts again, and finds out. */
  startAgain(reason: WorkerError): void {
    this.#interruption ??= reason;
    this.#interrupted.abort();
    this.#queue.wake();
  }

  /** Not ours any more: nothing is taken, written or committed from here on. */
  lose(): void {
    this.#state = 'LOST';
    this.#queue.clear();
    this.#deps.member.release(this.topics, this.number);
    this.#deps.sizeLimits.forgetTask(this.number);
    this.#over.abort();
    this.#queue.wake();
  }

  /** Finishes the transaction under way and takes nothing more. */
  drain(): void {
    this.#isDraining = true;
    this.#deps.member.pause(this.topics, this.number);
    this.#over.abort();
    this.#queue.wake();
  }

  async #live(): Promise<void> {
    while (!this.#isOver()) {
      try {
        await this.#start();
        await this.#work();
      } catch (error) {
        await this.#recover(error);
      }
    }
    if (this.#isDraining) await this.#lastSettling();
    await this.#discardProducer();
  }

  /** A step that is stopped has nobody to end what its last transaction left open. */
  async #lastSettling(): Promise<void> {
    try {
      await this.#producer?.settled?.();
    } catch (error) {
      this.#deps.log.warn({ task: this.number, reason: messageOf(error) }, 'the last transaction becomes visible when the step starts again');
    }
  }

  #isOver(): boolean {
    return this.#state === 'LOST' || this.#isDraining;
  }

  /** Fence first, then read where to start: the read sees what the last owner's last transaction did. */
  async #start(): Promise<void> {
    this.#interruption = null;
    this.#interrupted = new AbortController();
    const { driver, member, timing, group, floorOf, isRecreated } = this.#deps;
    const { number: task, topics } = this;
    await this.#proveMembership();
    this.#producer = await driver.fenceTask(task, () => this.#throwIfOver(), (topic) => floorOf(topic, task));
    this.#throwIfOver();
    this.#setState('RESTORING');
    const signal = this.#over.signal;
    const positions = await readStartPositions(
      { group, task, topics, signal, isRecreated, floorOf: (topic) => floorOf(topic, task) }, member, timing);
    // It fences once more, after reads that may have taken seconds
    await this.#proveMembership();
    await this.#producer.activate?.();
    this.#throwIfOver();
    this.#provenAt = null;
    this.#isCertain = true;
    for (const [topic, offset] of positions) {
      this.#deps.onPosition(topic, task, offset);
      member.seek(topic, task, offset);
    }
    this.#setState('RUNNING');
    this.#resume();
  }

  /** By the last join or heartbeat, if it was just now. */
  async #proveMembership(): Promise<void> {
    const { member, timing } = this.#deps;
    if (this.#provenAt === null || timing.now() - this.#provenAt > PROOF_LASTS_MS) {
      const askedAt = timing.now();
      await member.proveMembership();
      this.#provenAt = askedAt;
    }
    this.#throwIfOver();
  }

  async #work(): Promise<void> {
    this.#writing = Promise.resolve();
    try {
      while (!this.#isOver()) {
        await this.#moreOrFailure();
        if (this.#lastTakeWasFull && this.#deps.lingerMs > 0) await this.#deps.timing.wait(this.#deps.lingerMs, this.#over.signal);
        if (this.#isOver()) return;
        await this.#workOnNext();
      }
    } finally {
      // Nothing may be under way any more when the task ends or starts again
      await this.#writing;
    }
  }

  /**
   * Until something is queued or the task is over; a transaction that fails meanwhile is noticed at once. Only promises
   * that settle soon: each race leaves something behind with every one of them.
   */
  async #moreOrFailure(): Promise<void> {
    const failure = this.#writing.then(() => this.#queue.ready());
    await Promise.race([failure, this.#queue.ready()]);
    this.#throwIfInterrupted();
  }

  /**
   * Handlers run first, only then the transaction opens: a slow handler never holds one open. It is left
   * running while the handlers of the next records run. Apart from the loop, which would hold on to the
   * records for as long as it waits for more.
   */
  async #workOnNext(): Promise<void> {
    const { records, positions, release } = this.#queue.take(this.#deps.maxRecords);
    this.#lastTakeWasFull = !this.#queue.isEmpty;
    this.#resumeIfLow();
    const outputs = await this.#whilePossible(() => this.#handling.during(() => this.#deps.pipeline.run(records))).finally(release);
    await this.#writing;
    this.#throwIfLost();
    this.#throwIfInterrupted();
    this.#writing = this.#transacting.during(() => this.#write(outputs, positions));
    // Whoever waits for it next is told of its failure
    this.#writing.catch(() => undefined);
  }

  async #write(outputs: Outputs, positions: Positions): Promise<void> {
    const { sizeLimits } = this.#deps;
    this.#isCertain = false;
    const transaction = await this.#producer!.begin();
    await writeTransaction(transaction, { outputs, positions: this.#topicPositions(positions) }, {
      sizeLimits, throwIfLost: () => this.#throwIfLost(),
    });
    this.#isCertain = true;
    this.#watchSettling();
    for (const [topic, offset] of positions) this.#deps.onPosition(topic, this.number, offset);
    // Only now: a take that is worked again would tell them again
    for (const failure of outputs.failures) this.#deps.log.error(failure, 'dead letter');
    this.#failures = 0;
    this.#defects.progressed();
  }

  /** Also where no record follows: readers stand still at what is not visible. */
  #watchSettling(): void {
    const producer = this.#producer!;
    producer.settled?.().catch((error: WorkerError) => {
      if (producer === this.#producer) this.startAgain(error);
    });
  }

  /** Tries again for as long as the registry, say, is away; the records stay where they are. */
  async #whilePossible<T>(work: () => Promise<T>): Promise<T> {
    const { timing, log } = this.#deps;
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (this.#isOver() || consequenceOf(error, 'fatal') !== 'systemic') throw error;
        if (attempt === 0) log.warn({ task: this.number, reason: messageOf(error) }, 'waiting');
        await timing.wait(backoffMs(attempt, timing.random), AbortSignal.any([this.#over.signal, this.#interrupted.signal]));
        this.#throwIfInterrupted();
      }
    }
  }

  /**
   * After any error the outcome of the transaction is unknown, so it is neither aborted nor used
   * again: the next start fences it and reads from the offsets what became of it.
   */
  async #recover(error: unknown): Promise<void> {
    const { timing, log, onFatal } = this.#deps;
    await this.#discardProducer();
    if (this.#isOver()) return;
    this.#pause();
    this.#queue.clear();
    this.#setState('FENCING');
    const cause = this.#defects.judge(error);
    if (consequenceOf(cause, 'systemic') === 'fatal') {
      onFatal(cause);
      this.lose();
      return;
    }
    const isHung = error instanceof WorkerError && error.code === 'hung-transaction';
    if (isHung) this.#setState('HUNG');
    if (error instanceof RefusedBatch) {
      // Each try knows more of what is refused than the one before; what helps is said where none is left
      log.info({ task: this.number, topic: error.topic, partition: error.partition }, 'a batch was refused, it is sent in another form');
      return;
    }
    log.warn({ task: this.number, reason: messageOf(error), ...stackOfDefect(error) }, 'task starts again');
    await timing.wait(isHung ? HUNG_WAIT_MS : backoffMs(this.#failures++, timing.random), this.#over.signal);
  }

  async #discardProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.discard();
  }

  #setState(state: Exclude<TaskState, 'LOST'>): void {
    if (this.#state !== 'LOST') this.#state = state;
  }

  #pause(): void {
    this.#isPaused = true;
    this.#deps.member.pause(this.topics, this.number);
  }

  #resumeIfLow(): void {
    if (this.#queue.isLow && this.#isPaused) this.#resume();
  }

  #resume(): void {
    this.#isPaused = false;
    this.#deps.member.resume(this.topics, this.number);
  }

  #topicPositions(positions: Positions) {
    return [...positions].map(([topic, offset]) => ({ topic, partition: this.number, offset }));
  }

  #throwIfLost(): void {
    if (this.#state === 'LOST') throw lost(this.number);
  }

  #throwIfInterrupted(): void {
    if (this.#interruption) throw this.#interruption;
  }

  #throwIfOver(): void {
    if (this.#isOver()) throw lost(this.number);
  }
}

function lost(task: number): WorkerError {
  return new WorkerError('not-a-member', 'systemic', `task ${task} was lost`);
}
