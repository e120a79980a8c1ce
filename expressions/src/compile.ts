import { typeOfName } from './check/type.ts';
import { compileText } from './engine.ts';
import { ExpressionError } from './errors.ts';
import type { CostLimits } from './evaluate/budget.ts';
import { type Clock, libraryOf } from './functions/library.ts';
import { type ExpressionContext, type ExpressionKind, type ExpressionResults, VARIABLES, wrongResult } from './kinds.ts';
import { foreignTo, mayBeForeign } from './values/avro.ts';
import { kindOf } from './values/kind.ts';
import { isMap } from './values/maps.ts';

export interface CompiledExpression<Result> {
  readonly text: string;
  /** Synchronous; throws an ExpressionError if the expression fails on this record. */
  evaluate(context: ExpressionContext): Result;
}

/** Compiles once what is then evaluated per record. `now` is what the function `now()` gives. @throws ExpressionError with the place of the first mistake */
export function compileExpression<Kind extends ExpressionKind>(
  text: string,
  kind: Kind,
  now: Clock = Date.now,
  limits?: CostLimits,
): CompiledExpression<ExpressionResults[Kind]> {
  // `event` and the others are `dyn`: a tombstone's event is null, and values carry their own types.
  const variables = new Map(VARIABLES[kind].map((name) => [name, typeOfName('dyn')]));
  const { root, run } = compileText(text, { variables, now, ...(limits && { limits }) });
  const fit = FITS[kind];
  if (kind !== 'event' || !mayBeForeign(root, libraryOf({ now }))) return { text, evaluate: (context) => fit(run(context), kind) };
  return { text, evaluate: (context) => native(fit(run(context), kind)) };
}

/** An encoder takes an object of JavaScript for a record, and an empty one for what it does not know. */
function native<Result>(event: Result): Result {
  const fault = foreignTo(event);
  if (fault !== null) throw new ExpressionError('result-type', fault);
  return event;
}

type Fit<Result> = (value: unknown, kind: ExpressionKind) => Result;
const FITS: { [Kind in ExpressionKind]: Fit<ExpressionResults[Kind]> } = {
  outcome: fitText,
  httpOutcome: fitText,
  event: fitEvent,
  key: fitBytes,
  header: fitBytes,
  ingressKey: (value, kind) => fitText(typeof value === 'bigint' ? String(value) : value, kind),
};

function fitText(value: unknown, kind: ExpressionKind): string {
  if (typeof value === 'string') return value;
  throw new ExpressionError('result-type', wrongResult(kind, kindOf(value)));
}

function fitBytes(value: unknown, kind: ExpressionKind): string | Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  return fitText(typeof value === 'bigint' ? String(value) : value, kind);
}

function fitEvent(value: unknown, kind: ExpressionKind): Record<string, unknown> {
  if (isMap(value)) return value as Record<string, unknown>;
  throw new ExpressionError('result-type', wrongResult(kind, kindOf(value)));
}
