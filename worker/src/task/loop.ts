import { encodeNote, type PositionNote as Note } from '@sagafleet/schemas';
import type { InputRecord, NotedPosition, Positions } from '../driver.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Failed } from '../pipeline/outputs.ts';
import type { Batch, Pipeline } from '../pipeline/pipeline.ts';
import { Stopwatch, type Timing } from '../timing.ts';
import type { Attempts } from './attempts.ts';
import type { BatchSize } from './batch-size.ts';
import { isTripped, type Streak } from './breaker.ts';
import { decide } from './decide.ts';
import type { Gate } from './gate.ts';
import type { Intake } from './intake.ts';
import type { Take } from './queue.ts';
import type { Writer } from './writer.ts';

export interface LoopSettings {
  lingerMs: number;
  /** Dead letters in a row that stop the task; 0: never. */
  stopAfter: number;
  /** Of all settings of the step: a task that stopped goes on where they changed. */
  settingsHash: string;
}

export interface LoopPorts {
  pipeline: Pick<Pipeline, 'prepare' | 'run'>;
  timing: Timing;
  log: Log;
  intake: Intake;
  writer: Writer;
  size: BatchSize;
  attempts: Attempts;
  /** Shared by all tasks. */
  gate: Pick<Gate, 'share' | 'alone'>;
  /** Tells the gate not to wait for the task any longer. */
  comes(): void;
  /** Aborted when the task is over or has to start again. */
  signal: AbortSignal;
  isRunning(): boolean;
  throwIfLost(): void;
  throwIfInterrupted(): void;
  onCommitted(positions: Positions): void;
}

/** Where the loop begins. */
export interface LoopStart {
  task: number;
  positions: Positions;
  /** Dead letters up to here. */
  streak: Streak;
  /** The breaker stopped the task here before: one record is tried, and nothing is written unless it succeeds. */
  isTrial: boolean;
}

/** Takes records, processes them and writes what became of them, from one start of a task to the next. */
export class TaskLoop {
  readonly #settings: LoopSettings;
  readonly #ports: LoopPorts;
  readonly #task: number;
  readonly #handling: Stopwatch;
  readonly #positions: Map<string, bigint>;
  #streak: Streak;
  #committedStreak: Streak;
  #isTrial: boolean;
  #isBehind = false;

  constructor({ task, positions, streak, isTrial }: LoopStart, settings: LoopSettings, ports: LoopPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#task = task;
    this.#positions = new Map(positions);
    this.#streak = streak;
    this.#committedStreak = streak;
    this.#isTrial = isTrial;
    this.#handling = new Stopwatch(ports.timing);
  }

  /** As committed, or as they will be by the transaction under way. */
  get positions(): Positions {
    return this.#positions;
  }

  /** Of the records that are committed. */
  get streak(): Streak {
    return this.#committedStreak;
  }

  get isTrial(): boolean {
    return this.#isTrial;
  }

  get handlingLastsMs(): number {
    return this.#handling.lastsMs;
  }

  /** Resolves when the task is over; with the dead letters in a row where the breaker stops it. */
  async run(): Promise<Streak | null> {
    const { intake, writer, timing, signal, isRunning } = this.#ports;
    try {
      while (isRunning()) {
        await this.#moreOrFailure();
        if (this.#isBehind && this.#settings.lingerMs > 0) await timing.wait(this.#settings.lingerMs, signal);
        const tripped = isRunning() ? await this.#processNext() : null;
        if (tripped) return tripped;
        this.#isBehind = !intake.isEmpty;
      }
      return null;
    } finally {
      // Nothing may be under way any more when the task ends or starts again
      await writer.written;
    }
  }

  /**
   * Until something is queued or the task is over; a transaction that fails meanwhile is noticed at once. Only promises
   * that settle soon: each race leaves something behind with every one of them.
   */
  async #moreOrFailure(): Promise<void> {
    const { intake, writer, throwIfInterrupted } = this.#ports;
    const failure = writer.written.then(() => intake.ready());
    await Promise.race([failure, intake.ready()]);
    throwIfInterrupted();
  }

  /**
   * Records are processed first, only then the transaction opens: slow processing never holds one open. It is left running
   * while the next records are processed. Apart from the loop, which would hold on to the records for as long as it waits
   * for more.
   */
  async #processNext(): Promise<Streak | null> {
    const { intake, writer, attempts, size, throwIfLost, throwIfInterrupted } = this.#ports;
    // While some are suspected, what a commit says of the next ones is known only once it is done
    if (attempts.hasSuspicion) await writer.written;
    const take = intake.take(this.#isTrial ? 1 : attempts.limit(size.records));
    size.taken(take.records.length);
    const isAlone = attempts.isAlone;
    const { batch, leave } = await this.#process(take, isAlone);
    try {
      await writer.written;
      throwIfLost();
      throwIfInterrupted();
      if (batch.isTripped && this.#isTrial) return batch.streak;
      this.#begin(
        batch,
        take.done(batch.count),
        lastTopicOf(take, batch.count),
        attempts.hasSuspicion ? take.records.slice(0, batch.count) : [],
      );
      if (batch.isTripped || isAlone) await writer.written;
      return batch.isTripped ? batch.streak : null;
    } finally {
      leave();
    }
  }

  /**
   * Tries again for as long as the registry, say, is unavailable; the records stay where they are. `leave` is to be called
   * once they are committed: a record that has ended workers is alone until then.
   */
  async #process({ records }: Take, isAlone: boolean): Promise<{ batch: Batch; leave: () => void }> {
    const { timing, log, pipeline, attempts, signal, isRunning, throwIfLost, throwIfInterrupted } = this.#ports;
    const { stopAfter } = this.#settings;
    const limits = {
      streak: this.#streak,
      isTripped: (streak: Streak) => (this.#isTrial ? streak.count > 0 : isTripped(streak, stopAfter)),
      hasEndedWorkers: records.length === 1 && attempts.hasEndedWorkers(records[0]!),
    };
    for (let attempt = 0; ; attempt++) {
      let leave = () => {};
      try {
        // A worker that is ended while a registry does not answer was not ended by the record
        if (isAlone) await pipeline.prepare(records);
        leave = await this.#enter(isAlone);
        throwIfLost();
        if (!this.#isTrial) await this.#note(attempts.toNote(records));
        const batch = await this.#handling.during(() => pipeline.run(records, limits));
        attempts.kept(batch.longestMs);
        if (isAlone && !this.#isTrial) await this.#note(attempts.toNoteProcessed(records));
        if (attempts.isAloneUntilWritten) return { batch, leave };
        leave();
        return { batch, leave: () => undefined };
      } catch (error) {
        leave();
        const decision = decide({ error, during: 'record' }, attempt, timing);
        if (!isRunning() || decision.next !== 'wait') throw error;
        if (attempt === 0) log.warn({ task: this.#task, reason: messageOf(error) }, 'waiting');
        await this.#note(attempts.toNoteWhileWaiting(records));
        await timing.wait(decision.ms, signal);
        throwIfInterrupted();
      }
    }
  }

  /** Beside other tasks, or alone. Returns a function to call at the end. */
  async #enter(isAlone: boolean): Promise<() => void> {
    const { gate, attempts, comes } = this.#ports;
    const entering = isAlone ? gate.alone(attempts.rank) : gate.share();
    comes();
    return entering;
  }

  /** Commits the notes at the positions where the task is. */
  async #note(notes: ReadonlyMap<string, Note>): Promise<void> {
    if (notes.size === 0) return;
    const { writer, attempts, throwIfLost } = this.#ports;
    await writer.written;
    throwIfLost();
    const positions = [...notes].map(([topic, note]) => this.#noted(topic, this.#positions.get(topic)!, note));
    attempts.sent(notes);
    writer.begin({ outputs: { rounds: [], failures: new Map() }, positions });
    await writer.written;
    attempts.noted(notes);
  }

  #begin(
    { outputs, streak, isTripped: isStopped }: Batch,
    positions: Positions,
    lastTopic: string | null,
    suspects: Take['records'],
  ): void {
    const { writer, attempts, log, size, onCommitted } = this.#ports;
    const stopped: Note = { kind: 'stopped', settings: this.#settings.settingsHash };
    // Where nothing was tried yet it is as stopped as before
    const stoppedTopic = isStopped ? lastTopic : null;
    const isUntried = this.#isTrial && lastTopic === null;
    const notes = new Map(
      [...positions.keys()].map((topic) => [topic, isUntried || topic === stoppedTopic ? stopped : attempts.afterwards]),
    );
    for (const [topic, offset] of positions) this.#positions.set(topic, offset);
    this.#streak = streak;
    attempts.sent(notes);
    writer.begin(
      { outputs, positions: [...positions].map(([topic, offset]) => this.#noted(topic, offset, notes.get(topic)!)) },
      (failures) => {
        attempts.noted(notes);
        attempts.processed(suspects, positions);
        size.committed();
        this.#committedStreak = streak;
        this.#isTrial = isUntried;
        // Only now: what is processed again would report them again
        for (const [record, failed] of failures) log.error(noticeOf(record, failed), 'dead letter');
        onCommitted(positions);
      },
    );
  }

  #noted(topic: string, offset: bigint, note: Note): NotedPosition {
    return { topic, partition: this.#task, offset, note: encodeNote(note) };
  }
}

/** Which record became a dead letter, and why; `stub` where that has no value. */
function noticeOf({ topic, partition, offset }: InputRecord, { error: { stage, cause }, stub }: Failed): object {
  return { topic, partition, offset, stage, reason: messageOf(cause), ...(stub === null ? {} : { stub }) };
}

/** Null where nothing was processed. The records themselves are not to be held for as long as they are written. */
function lastTopicOf({ records }: Take, count: number): string | null {
  return count === 0 ? null : records[count - 1]!.topic;
}
