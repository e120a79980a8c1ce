/** The way of one record through a step. */
import type { Decoder } from '@sagafleet/registry';
import type { DeadLetterStage } from '@sagafleet/schemas';
import type { InputRecord, OutputRecord } from '../driver.ts';
import { decide } from '../task/decide.ts';
import { encode, eventOf, type EncodeOptions } from './encode.ts';
import { handle } from './handle.ts';
import type { EmitProgram, StepProgram } from './program.ts';

/** What the way needs that is loaded before, so that it runs without waiting. */
export interface StepIo extends EncodeOptions {
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
 * @param decoder null for a tombstone
 * @throws StageFailure where the record is at fault; anything else is not the record's fault
 */
export function runStep(
  program: StepProgram,
  record: InputRecord,
  decoder: Pick<Decoder, 'decode'> | null,
  io: StepIo,
): OutputRecord[] | Promise<OutputRecord[]> {
  let stage: DeadLetterStage = 'decode';
  try {
    const event = decoder === null ? null : decoder.decode(record.value!);
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

/** Only what says of itself that it is the record's fault: an error without a consequence is a defect of ours. */
export function failureAt(stage: DeadLetterStage, error: unknown): unknown {
  return decide({ error, during: 'record' }).next === 'dead-letter' ? new StageFailure(stage, error) : error;
}
