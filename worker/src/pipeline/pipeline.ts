import { RegistryError, schemaIdOf, type AvroCodecs } from '@sagafleet/registry';
import type { InputRecord, OutputRecord, RecordBatch } from '../driver.ts';
import { consequenceOf, messageOf, WorkerError } from '../errors.ts';
import type { OutputTopics } from '../output-topics.ts';
import { deadLetterOf, type DeadLetterTarget, type Failure } from './dead-letter.ts';
import type { EmitProgram, StepProgram } from './program.ts';
import { runStep, StageFailure, type StepIo } from './run-step.ts';
import { Outputs } from './outputs.ts';
import type { SizeLimits } from './size-limits.ts';

export interface PipelineOptions {
  program: StepProgram;
  codecs: AvroCodecs;
  topics: OutputTopics;
  sizeLimits: SizeLimits;
  newBatch: () => RecordBatch;
  deadLetter: Omit<DeadLetterTarget, 'partitions'>;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Takes input records, gives what is to be written for them: outputs, or a dead letter each. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #io: StepIo;

  constructor(options: PipelineOptions) {
    const { codecs, topics, program } = options;
    this.#options = options;
    this.#io = {
      decodeValue: (record) => codecs.decoder(schemaIdOf(record.value!), program.readers.get(record.topic)!)!.decode(record.value!),
      encodeValue: (emit, event) => codecs.encoder(emit.source)!.encode(event),
      loadEncoders: (emits) => (emits.every(({ source }) => codecs.encoder(source)) ? undefined : this.#loadEncoders(emits)),
      partitionFor: (topic, key, inputPartition) => topics.partitionFor(topic, key, inputPartition),
    };
  }

  /**
   * Outputs in the order of the records.
   * @throws an error that is `systemic` where registry or broker are needed and away
   */
  async run(records: readonly InputRecord[]): Promise<Outputs> {
    const { topics, newBatch, sizeLimits } = this.#options;
    await topics.load();
    const outputs = new Outputs(newBatch, sizeLimits);
    for (const record of records) {
      const loading = this.#runOne(record, outputs);
      if (loading) await loading;
    }
    return outputs;
  }

  /** Undefined when nothing had to be loaded. */
  #runOne(record: InputRecord, outputs: Outputs): Promise<void> | undefined {
    const { program, sizeLimits } = this.#options;
    try {
      const refusal = sizeLimits.refusalOf(record);
      if (refusal) throw new StageFailure('produce', refusal);
      const loading = this.#loadDecoder(record);
      const written = loading ? loading.then(() => runStep(program, record, this.#io)) : runStep(program, record, this.#io);
      if (written instanceof Promise) return this.#putLoaded(written, record, outputs);
      for (const each of written) outputs.add(each, record, null);
    } catch (error) {
      this.#putDeadLetter(record, error, outputs);
    }
    return undefined;
  }

  async #putLoaded(written: Promise<readonly OutputRecord[]>, record: InputRecord, outputs: Outputs): Promise<void> {
    try {
      for (const each of await written) outputs.add(each, record, null);
    } catch (error) {
      this.#putDeadLetter(record, error, outputs);
    }
  }

  /** Undefined when the decoder is loaded or the value has no schema id; decoding says what is wrong with it. */
  #loadDecoder({ value, topic }: InputRecord): Promise<void> | undefined {
    const { codecs, program } = this.#options;
    if (value === null || value.length === 0) return undefined;
    try {
      const schemaId = schemaIdOf(value);
      const reader = program.readers.get(topic)!;
      if (codecs.decoder(schemaId, reader)) return undefined;
      return codecs.loadDecoder(schemaId, reader).then(() => undefined, rethrowAtDecode(topic));
    } catch {
      return undefined;
    }
  }

  async #loadEncoders(emits: readonly EmitProgram[]): Promise<void> {
    for (const { source, topic } of emits) {
      await this.#options.codecs.loadEncoder(source).catch((error: unknown) => {
        // Workers look up and never register: whoever provisions the step has not done so yet
        const message = `no schema to write ${topic} with yet: ${messageOf(error)}`;
        throw new WorkerError('no-schema', 'systemic', message, { cause: error });
      });
    }
  }

  #putDeadLetter(record: InputRecord, error: unknown, outputs: Outputs): void {
    if (!(error instanceof StageFailure)) throw error;
    const { deadLetter, topics, sizeLimits, now } = this.#options;
    const failure: Failure = { stage: error.stage, error: error.cause, schemaId: schemaIdOrNull(record) };
    const target = { ...deadLetter, partitions: topics.countOf(deadLetter.topic) };
    const notice = { stage: failure.stage, reason: messageOf(failure.error) };
    const letter = deadLetterOf(record, failure, target, now());
    outputs.add(sizeLimits.isBare(record) ? { ...letter, headers: record.headers } : letter, record, notice);
  }
}

/**
 * An id that the registry does not hold is the record's fault. A reader schema that is not there yet is
 * not: it is named by the step, and the step waits for it.
 */
function rethrowAtDecode(topic: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof RegistryError && error.code === 'subject-unknown') {
      const message = `no schema to read ${topic} with yet: ${messageOf(error)}`;
      throw new WorkerError('no-schema', 'systemic', message, { cause: error });
    }
    if (consequenceOf(error, 'systemic') === 'permanent') throw new StageFailure('decode', error);
    throw error;
  };
}

function schemaIdOrNull({ value }: InputRecord): number | null {
  try {
    return value === null ? null : schemaIdOf(value);
  } catch {
    return null;
  }
}
