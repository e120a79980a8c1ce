import type { ExpressionContext } from '@sagafleet/expressions';
import { SAGA_ID } from '@sagafleet/schemas';
import type { InputRecord } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import type { EmitProgram, StepProgram } from './program.ts';

export interface Handled {
  emits: readonly EmitProgram[];
  context: ExpressionContext;
}

/** Decides the outcome of an event. @throws `unknown-outcome`, or the expression's own error: permanent both */
export function handle(program: StepProgram, record: InputRecord, event: unknown): Handled {
  const context = new RecordContext(program.step, record, event);
  const outcome = program.chooseOutcome ? program.chooseOutcome.evaluate(context) : onlyOutcome(program);
  const emits = program.outcomes.get(outcome);
  if (!emits) {
    const known = [...program.outcomes.keys()].join(', ');
    // Not what it returned: an expression may return a part of the event
    throw new WorkerError(
      'unknown-outcome',
      'permanent',
      `the handler returned an outcome that the step does not declare; it declares ${known}`,
    );
  }
  return { emits, context };
}

function onlyOutcome({ outcomes }: StepProgram): string {
  return outcomes.keys().next().value!;
}

/** What CEL sees of a record, made when an expression looks at it; ints are BigInt. */
class RecordContext implements ExpressionContext {
  readonly step: StepProgram['step'];
  readonly event: unknown;
  readonly #record: InputRecord;

  constructor(step: StepProgram['step'], record: InputRecord, event: unknown) {
    this.step = step;
    this.event = event;
    this.#record = record;
  }

  get record() {
    const { topic, partition, offset, timestamp, key, headers } = this.#record;
    return {
      topic,
      partition: BigInt(partition),
      offset: BigInt(offset),
      timestamp: BigInt(timestamp),
      key: key?.toString() ?? null,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, value?.toString() ?? ''])),
    };
  }

  get saga() {
    return { id: sagaIdOf(this.#record)?.toString() ?? '' };
  }
}

/** Header `saga-id`, else the key. */
export function sagaIdOf(record: InputRecord): Buffer | null {
  return headerOf(record, SAGA_ID) ?? record.key;
}

/** The last header of that name, as Kafka's own `Headers.lastHeader`. */
export function headerOf({ headers }: InputRecord, name: string): Buffer | null {
  for (let at = headers.length - 1; at >= 0; at--) if (headers[at]![0] === name) return headers[at]![1];
  return null;
}
