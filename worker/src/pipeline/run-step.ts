/** The way of one record through a step. */
import type { DeadLetterStage } from '@sagafleet/schemas';
import type { InputRecord, OutputRecord } from '../driver.ts';
import { consequenceOf } from '../errors.ts';
import { encode, eventOf, type EncodeOptions } from './encode.ts';
import { handle } from './handle.ts';
import type { EmitProgram, StepProgram } from './program.ts';

/** What the way needs that is loaded before, so that it runs without waiting. */
export interface StepIo extends EncodeOptions {
  decodeValue(record: InputRecord): unknown;
  /** Undefined once the codecs of all emits are loaded. */
  loadEncoders(emits: readonly EmitProgram[]): Promise<void> | undefined;
}

/** A record that can never be handled, and where on its way it failed. */
export class StageFailure extends Error {
  override readonly name = 'StageFailure';
  readonly stage: DeadLetterStage;

  constructor(stage: DeadLetterStage, cause: unknown) {
    super(`failed at ${stage}`, { cause });
    this.stage = stage;
  }
}

/**
 * Decode, handle, encode. Synchronous once everything is loaded.
 * @throws StageFailure where the record is at fault; anything else is not the record's fault
 */
export function runStep(program: StepProgram, record: InputRecord, io: StepIo): OutputRecord[] | Promise<OutputRecord[]> {
  const event = at('decode', () => (record.value === null ? null : io.decodeValue(record)));
  const { emits, context } = at('handle', () => handle(program, record, event));
  const encodeAll = () => at('encode', () => emits.map((emit) => encode(emit, record, context, io)));
  // A tombstone that stays one needs no schema, and no registry
  const loading = io.loadEncoders(record.value === null ? at('encode', () => emits.filter((emit) => eventOf(emit, context) !== null)) : emits);
  return loading ? loading.then(encodeAll) : encodeAll();
}

/** An error without a consequence of its own is ours or the data's, and trying again would not help. */
function at<T>(stage: DeadLetterStage, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (consequenceOf(error, 'permanent') === 'permanent') throw new StageFailure(stage, error);
    throw error;
  }
}
