import { RegistryError, schemaIdOf, type AvroCodecs, type Decoder } from '@sagafleet/registry';
import { consequenceOf, DEAD_LETTER_HEADERS } from '@sagafleet/schemas';
import type { InputRecord, OutputRecord, RecordBatch } from '../driver.ts';
import { codeOf, messageOf, WorkerError } from '../errors.ts';
import { MAX_ENDED_WORKERS } from '../task/attempts.ts';
import { NO_STREAK, type Streak, withDeadLetter } from '../task/breaker.ts';
import type { Turns } from '../task/turns.ts';
import { deadLetterOf, shapedTo, type DeadLetterTarget, type Failure } from './dead-letter.ts';
import type { OutputTopics } from './output-topics.ts';
import { Outputs } from './outputs.ts';
import type { EmitProgram, StepProgram } from './program.ts';
import { failureAt, runStep, StageFailure, type StepIo } from './run-step.ts';
import { smallerShape, type LetterShape, type SizeLimits } from './size-limits.ts';

export interface PipelineOptions {
  program: StepProgram;
  codecs: AvroCodecs;
  topics: OutputTopics;
  sizeLimits: SizeLimits;
  newBatch: () => RecordBatch;
  deadLetter: Omit<DeadLetterTarget, 'partitions'>;
  /** Milliseconds since the epoch. */
  now: () => number;
  turns: Turns;
  /** Milliseconds. */
  monotonic: () => number;
}

export interface BatchLimits {
  /** Dead letters in a row before these records. */
  streak: Streak;
  /** Nothing behind the dead letter that trips it belongs to the batch. */
  isTripped(streak: Streak): boolean;
  /** The only record ended its worker so often that it is not processed any more. */
  hasEndedWorkers: boolean;
}

/** What is written for the first `count` records. */
export interface Batch {
  outputs: Outputs;
  count: number;
  streak: Streak;
  isTripped: boolean;
  /** How long one record kept the event loop at most, milliseconds. */
  longestMs: number;
}

/** A transaction follows soon, however long a record takes: what is not committed is processed again after a loss. */
const BATCH_MS = 250;

/** Takes input records, gives what is to be written for them: outputs, or a dead letter each. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #io: StepIo;

  constructor(options: PipelineOptions) {
    const { codecs, topics } = options;
    this.#options = options;
    this.#io = {
      // Loaded before, and an encoder that was loaded never goes
      encodeValue: (emit, event) => codecs.encoder(emit.source)!.encode(event),
      loadEncoders: (emits) => (emits.every(({ source }) => codecs.encoder(source)) ? undefined : this.#loadEncoders(emits)),
      partitionFor: (topic, key, inputPartition) => topics.partitionFor(topic, key, inputPartition),
    };
  }

  /**
   * Outputs in the order of the records, of as many as the time of one batch is enough for; of one at least.
   * @throws an error that is `systemic` where registry or broker are needed and unavailable; `defect` where an error has no class
   */
  async run(records: readonly InputRecord[], { streak, isTripped, hasEndedWorkers }: BatchLimits): Promise<Batch> {
    const { topics, newBatch, sizeLimits, turns, monotonic } = this.#options;
    await topics.load();
    const batch: Batch = { outputs: new Outputs(newBatch, sizeLimits), count: 0, streak, isTripped: false, longestMs: 0 };
    let startedAt = monotonic();
    const until = startedAt + BATCH_MS;
    for (const record of records) {
      let isLoaded = false;
      try {
        if (hasEndedWorkers) throw new StageFailure('handle', endedWorkers());
        const loading = this.#runOne(record, batch.outputs);
        isLoaded = loading !== undefined;
        if (loading) await loading;
        batch.streak = afterSuccess(record, batch.streak);
      } catch (error) {
        if (!(error instanceof StageFailure)) throw consequenceOf(error) === null ? defectAt(record, error) : error;
        this.#putDeadLetter(record, error, batch.outputs);
        batch.streak = afterDeadLetter(record, batch.streak, error);
        batch.isTripped = isTripped(batch.streak);
      }
      batch.count++;
      const now = monotonic();
      if (!isLoaded) batch.longestMs = Math.max(batch.longestMs, now - startedAt);
      if (batch.isTripped || now >= until) break;
      startedAt = now;
      if (turns.isOverAt(now)) {
        await turns.next();
        startedAt = monotonic();
      }
    }
    return batch;
  }

  /**
   * Loads what `run` will need of registry and broker for these records, as far as it is known before.
   * @throws an error that is `systemic` where they are unavailable
   */
  async prepare(records: readonly InputRecord[]): Promise<void> {
    const { topics, program } = this.#options;
    await topics.load();
    for (const record of records) {
      try {
        await this.#decoderOf(record);
      } catch (error) {
        // What is the record's own fault becomes a dead letter when it is processed
        if (!(error instanceof StageFailure)) throw error;
      }
    }
    // Of an outcome that is not taken the schema need not exist
    await this.#loadEncoders([...program.outcomes.values()].flat()).catch(() => undefined);
  }

  /** Dead letters of records whose failure is known, and of which an output or a larger dead letter was refused: nothing is processed again. */
  deadLetters(failures: ReadonlyMap<InputRecord, StageFailure>): Outputs {
    const outputs = new Outputs(this.#options.newBatch, this.#options.sizeLimits);
    for (const [record, failure] of failures) this.#putDeadLetter(record, failure, outputs);
    return outputs;
  }

  /** Undefined when nothing had to be loaded. @throws StageFailure where it becomes a dead letter */
  #runOne(record: InputRecord, outputs: Outputs): Promise<void> | undefined {
    const { program, sizeLimits } = this.#options;
    const refusal = sizeLimits.refusalOf(record);
    if (refusal) throw new StageFailure('produce', refusal);
    if (record.unreadable) throw new StageFailure('decode', unreadableBatch(record.unreadable));
    const decoder = this.#decoderOf(record);
    const written =
      decoder instanceof Promise
        ? decoder.then((loaded) => runStep(program, record, loaded, this.#io))
        : runStep(program, record, decoder, this.#io);
    if (written instanceof Promise) return written.then((loaded) => put(loaded, record, outputs));
    put(written, record, outputs);
    return undefined;
  }

  /** Null for a tombstone; a promise where something has to be loaded. @throws StageFailure where the value has no schema id */
  #decoderOf({ value, topic }: InputRecord): Decoder | null | Promise<Decoder> {
    if (value === null) return null;
    const schemaId = schemaIdAtDecode(value);
    return this.#options.codecs.decoder(schemaId, this.#options.program.readers.get(topic)!) ?? this.#loadDecoder(schemaId, topic);
  }

  /**
   * An id that the registry does not hold is the record's fault. What is wrong with the reader's schema, or
   * that it is not there yet, is not: it is named by the step, and the step waits for it.
   */
  async #loadDecoder(schemaId: number, topic: string): Promise<Decoder> {
    const { codecs, program } = this.#options;
    const reader = program.readers.get(topic)!;
    await codecs.loadReader(reader).catch((error: unknown) => {
      throw noSchemaYet(`read ${topic} with`, error);
    });
    return await codecs.loadDecoder(schemaId, reader).catch((error: unknown) => {
      const isUnknownReference = error instanceof RegistryError && error.code === 'subject-unknown';
      throw isUnknownReference ? noSchemaYet(`read ${topic} with`, error) : failureAt('decode', error);
    });
  }

  async #loadEncoders(emits: readonly EmitProgram[]): Promise<void> {
    for (const { source, topic } of emits) {
      await this.#options.codecs.loadEncoder(source).catch((error: unknown) => {
        throw noSchemaYet(`write ${topic} with`, error);
      });
    }
  }

  #putDeadLetter(record: InputRecord, error: StageFailure, outputs: Outputs): void {
    const { deadLetter, topics, sizeLimits, now } = this.#options;
    const failure: Failure = { stage: error.stage, error: error.cause, schemaId: schemaIdOrNull(record) };
    const target = { ...deadLetter, partitions: topics.countOf(deadLetter.topic) };
    const full = deadLetterOf(record, failure, target, now());
    let shape: LetterShape | null = sizeLimits.letterShapeOf(record);
    while (shape) {
      const letter = shapedTo(shape, full, record);
      const refusal = outputs.add([letter.record], record, { error, stub: letter.stub, isSmallest: smallerShape(shape, '') === null });
      shape = refusal && smallerShape(shape, refusal.message);
    }
  }
}

function put(written: readonly OutputRecord[], record: InputRecord, outputs: Outputs): void {
  const refusal = outputs.add(written, record);
  if (refusal) throw new StageFailure('produce', refusal);
}

/** What is redriven failed before, and says nothing about the step. */
function isRedriven({ headers }: InputRecord): boolean {
  return headers.some(([name, value]) => name === DEAD_LETTER_HEADERS.replayCount && Number(value) > 0);
}

function afterSuccess(record: InputRecord, streak: Streak): Streak {
  return streak === NO_STREAK || isRedriven(record) ? streak : NO_STREAK;
}

function afterDeadLetter(record: InputRecord, streak: Streak, { stage, cause }: StageFailure): Streak {
  if (isRedriven(record)) return streak;
  const key = record.key?.toString('latin1') ?? `${record.topic}/${record.offset}`;
  return withDeadLetter(streak, { key, cause: `${stage}: ${codeOf(cause) ?? 'unknown'}`, message: messageOf(cause) });
}

function endedWorkers(): WorkerError {
  return new WorkerError(
    'ended-worker',
    'permanent',
    `${MAX_ENDED_WORKERS} workers ended while they processed this record, or did not answer for too long: the last ones had no other record in hand`,
  );
}

/** Workers look up and never register: the step is not provisioned yet. */
function noSchemaYet(purpose: string, error: unknown): unknown {
  if (consequenceOf(error) === null) return error;
  return new WorkerError('no-schema', 'systemic', `no schema to ${purpose} yet: ${messageOf(error)}`, { cause: error });
}

/** Never a dead letter, however often: the record may be as valid as any. */
function defectAt({ topic, partition, offset }: InputRecord, cause: unknown): WorkerError {
  const message = `${topic}/${partition}, offset ${offset}, met a defect of sagafleet, report it: ${messageOf(cause)}`;
  return new WorkerError('defect', 'transient', message, { cause });
}

function schemaIdAtDecode(value: Buffer): number {
  try {
    return schemaIdOf(value);
  } catch (error) {
    throw failureAt('decode', error);
  }
}

function unreadableBatch({ lastOffset, reason }: NonNullable<InputRecord['unreadable']>): WorkerError {
  const advice = reason.endsWith('when decompressed') ? '; raise delivery.maxBatchBytes for batches like it' : '';
  return new WorkerError(
    'batch-unreadable',
    'permanent',
    `the batch of records up to offset ${lastOffset} cannot be read: ${reason}${advice}`,
  );
}

function schemaIdOrNull({ value }: InputRecord): number | null {
  try {
    return value === null ? null : schemaIdOf(value);
  } catch {
    return null;
  }
}
