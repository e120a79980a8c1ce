import { UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { checkError, evaluationError } from './cel-errors.ts';
import { type Clock, evaluatingEnvironment } from './environment.ts';
import { ExpressionError } from './errors.ts';
import { inspect } from './inspect.ts';
import { type ExpressionContext, type ExpressionKind, type ExpressionResults, type VariableName, VARIABLES, wrongResult } from './kinds.ts';
import { isMap, shielded, unshielded } from './values.ts';

export interface CompiledExpression<Result> {
  readonly text: string;
  /** Synchronous; throws an ExpressionError if the expression fails on this record. */
  evaluate(context: ExpressionContext): Result;
}

/** Compiles once what is then evaluated per record. `now` is what the function `now()` gives. */
export function compileExpression<Kind extends ExpressionKind>(
  text: string,
  kind: Kind,
  now: Clock = Date.now,
): CompiledExpression<ExpressionResults[Kind]> {
  const environment = evaluatingEnvironment(VARIABLES[kind], now);
  const run = parse(text, environment);
  const fit = FITS[kind];
  return {
    text,
    evaluate(context) {
      try {
        return fit(run(context), kind);
      } catch (error) {
        return classified(() => {
          const twin = shieldedContext(context, VARIABLES[kind]);
          if (twin === null) throw error;
          return fit(unshielded(run(twin)), kind);
        }, text);
      }
    },
  };
}

function parse(text: string, environment: ReturnType<typeof evaluatingEnvironment>) {
  let ast = null;
  try {
    const run = environment.parse(text);
    ast = run.ast;
    inspect(ast, new Map());
    const { valid, error } = run.check();
    if (!valid) throw error;
    return run;
  } catch (error) {
    throw checkError(error, { text, ast, environment });
  }
}

/** Whatever goes wrong on a record is the record's and the expression's: also a value nested too deeply to be looked through. */
function classified<Result>(evaluate: () => Result, text: string): Result {
  try {
    return evaluate();
  } catch (error) {
    throw evaluationError(error, text);
  }
}

/** Null unless a value holds a field `constructor`; costs nothing on the way of good records. */
function shieldedContext(context: ExpressionContext, names: readonly VariableName[]): ExpressionContext | null {
  const twins = names.map((name) => [name, shielded(context[name])] as const);
  if (twins.every(([, twin]) => twin === null)) return null;
  return Object.fromEntries(twins.map(([name, twin]) => [name, twin ?? context[name]])) as unknown as ExpressionContext;
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
  throw new ExpressionError('result-type', wrongResult(kind, typeName(value)));
}

function fitBytes(value: unknown, kind: ExpressionKind): string | Uint8Array | null {
  if (value === null || value instanceof Uint8Array) return value;
  return fitText(typeof value === 'bigint' ? String(value) : value, kind);
}

function fitEvent(value: unknown, kind: ExpressionKind): Record<string, unknown> {
  if (isMap(value)) return value as Record<string, unknown>;
  throw new ExpressionError('result-type', wrongResult(kind, typeName(value)));
}

function typeName(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'string':
      return 'string';
    default:
      break;
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'list';
  if (value instanceof UnsignedInt) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  return isMap(value) ? 'map' : 'another type';
}
