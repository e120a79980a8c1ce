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
  let stage: DeadLetterStage = 'decode';
  try {
    const event = record.value === null ? null : io.decodeValue(record);
    stage = 'handle';
    const { emits, context } = handle(program, record, event);
    stage = 'encode';
    // A tombstone that stays one needs no schema, and no registry
    const loading = io.loadEncoders(record.value === null ? emits.filter((emit) => eventOf(emit, context) !== null) : emits);
    const encodeAll = () => emits.map((emit) => encode(emit, record, context, io));
    return loading ? loading.then(() => encodeLoaded(encodeAll)) : encodeAll();
  } catch (error) {
    throw failureAt(stage, error);
  }
}

function encodeLoaded(encodeAll: () => OutputRecord[]): OutputRecord[] {
  try {
    return encodeAll();
  } catch (error) {
    throw failureAt('encode', error);
  }
}

/** An error without a consequence of its own is ours or the data's, and trying again would not help. */
function failureAt(stage: DeadLetterStage, error: unknown): unknown {
  return consequenceOf(error, 'permanent') === 'permanent' ? new StageFailure(stage, error) : error;
}
