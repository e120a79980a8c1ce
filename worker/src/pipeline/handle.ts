import type { ExpressionContext } from '@sagafleet/expressions';
import { SAGA_ID } from '@sagafleet/schemas';
import type { InputRecord } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import type { EmitProgram, StepProgram } from './program.ts';

export interface Handled { emits: readonly EmitProgram[]; context: ExpressionContext }

/** Decides the outcome of an event. @throws `unknown-outcome`, or the expression's own error: permanent both */
export function handle(program: StepProgram, record: InputRecord, event: unknown): Handled {
  const context = contextOf(program, record, event);
  const outcome = program.chooseOutcome ? program.chooseOutcome.evaluate(context) : onlyOutcome(program);
  const emits = program.outcomes.get(outcome);
  if (!emits) {
    const known = [...program.outcomes.keys()].join(', ');
    // Not what it returned: an expression may return a part of the event
    throw new WorkerError('unknown-outcome', 'permanent', `the handler returned an outcome that the step does not declare; it declares ${known}`);
  }
  return { emits, context };
}

function onlyOutcome({ outcomes }: StepProgram): string {
  return outcomes.keys().next().value!;
}

/** What CEL sees of a record; ints are BigInt. */
function contextOf({ step }: StepProgram, record: InputRecord, event: unknown): ExpressionContext {
  return {
    event,
    record: {
      topic: record.topic,
      partition: BigInt(record.partition),
      offset: BigInt(record.offset),
      timestamp: BigInt(record.timestamp),
      key: record.key?.toString() ?? null,
      headers: Object.fromEntries(record.headers.map(([name, value]) => [name, value?.toString() ?? ''])),
    },
    saga: { id: sagaIdOf(record) },
    step,
  };
}

/** Header `saga-id`, else the key as text. */
export function sagaIdOf(record: InputRecord): string {
  return headerOf(record, SAGA_ID)?.toString() ?? record.key?.toString() ?? '';
}

/** The last header of that name, as Kafka's own `Headers.lastHeader`. */
export function headerOf({ headers }: InputRecord, name: string): Buffer | null {
  return headers.findLast(([each]) => each === name)?.[1] ?? null;
}
