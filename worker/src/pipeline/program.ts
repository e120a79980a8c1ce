/** A step's settings made ready to run: expressions compiled, constant headers encoded once. */
import { compileExpression, type CompiledExpression } from '@sagafleet/expressions';
import {
  CE_SOURCE,
  CE_SPECVERSION,
  CE_TYPE,
  type EmitSettings,
  type InputSettings,
  type SchemaSource,
  type WorkerSettings,
} from '@sagafleet/schemas';
import type { OutputHeaders } from '../driver.ts';

export interface EmitProgram {
  topic: string;
  source: SchemaSource;
  event: CompiledExpression<Record<string, unknown>> | null;
  key: CompiledExpression<string | Uint8Array | null> | null;
  headers: readonly (readonly [name: string, value: CompiledExpression<string | Uint8Array | null>])[];
  /** The same on every record of this step and outcome. */
  constantHeaders: OutputHeaders;
  /** `/{group}/{outcome}/{index}`: the part of `ce_id` that does not come from the input. */
  idSuffix: Buffer;
}

export interface StepProgram {
  step: { name: string; namespace: string };
  readers: ReadonlyMap<string, SchemaSource | null>;
  /** Null: the step has one outcome and only maps. */
  chooseOutcome: CompiledExpression<string> | null;
  outcomes: ReadonlyMap<string, readonly EmitProgram[]>;
}

const CE_SPECVERSION_VALUE = '1.0';

/** @throws ExpressionError where an expression does not compile */
export function compileStep(settings: WorkerSettings, now: () => number): StepProgram {
  const { step, inputs, handler, outcomes } = settings;
  return {
    step,
    readers: new Map(inputs.map(({ topic, schema }: InputSettings) => [topic, schema])),
    chooseOutcome: handler.kind === 'cel' ? compileExpression(handler.outcome, 'outcome', now) : null,
    outcomes: new Map(
      Object.entries(outcomes).map(([outcome, { emit }]) => [
        outcome,
        emit.map((each, index) => compileEmit(each, { settings, outcome, index, now })),
      ]),
    ),
  };
}

interface EmitPlace {
  settings: WorkerSettings;
  outcome: string;
  index: number;
  now: () => number;
}

function compileEmit(emit: EmitSettings, { settings, outcome, index, now }: EmitPlace): EmitProgram {
  const { step, group } = settings;
  return {
    topic: emit.topic,
    source: emit.schema,
    event: emit.event === null ? null : compileExpression(emit.event, 'event', now),
    key: emit.key === null ? null : compileExpression(emit.key, 'key', now),
    headers: Object.entries(emit.headers).map(([name, text]) => [name, compileExpression(text, 'header', now)] as const),
    constantHeaders: [
      [CE_SPECVERSION, CE_SPECVERSION_VALUE],
      [CE_TYPE, `${step.name}.${outcome}`],
      [CE_SOURCE, `/sagafleet/${step.namespace}/${step.name}`],
    ],
    idSuffix: Buffer.from(`/${group}/${outcome}/${index}`),
  };
}
