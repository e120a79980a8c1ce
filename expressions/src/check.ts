import type { ASTNode } from '@marcbachmann/cel-js';
import { checkError } from './cel-errors.ts';
import { checkingEnvironment } from './environment.ts';
import { ExpressionError, type TextRange } from './errors.ts';
import { constantResults, inspect, isMerge, writtenFields } from './inspect.ts';
import { type ExpressionKind, RESULT_TYPES, VARIABLES, type VariableName, wrongResult } from './kinds.ts';
import { didYouMean } from './nearest.ts';
import { rangeOf } from './nodes.ts';
import { numberOf, ofType } from './numbers.ts';
import { fromAvro, type ValueType, VARIABLE_TYPES } from './value-types.ts';

export interface CheckOptions {
  kind: ExpressionKind;
  /** Avro schema of the event, as parsed JSON. Without one, fields of the event are not checked. */
  eventSchema?: unknown;
  /** Names of the outcomes: a constant result must be one of them. */
  outcomes?: readonly string[];
  /** Of an `event`: Avro schema that it is written with. An encoder leaves out fields that the schema does not have. */
  resultSchema?: unknown;
  /** Does the step's handler give `result` and `response`? */
  handlerAnswers?: boolean;
}

/** `resultType` is a CEL type, `dyn` where it depends on the event. */
export type CheckResult = { ok: true; resultType: string } | { ok: false; message: string; range: TextRange };

/** Checks an expression without a record: syntax, names, fields and types as far as they are known, the result's type. */
export function checkExpression(text: string, options: CheckOptions): CheckResult {
  try {
    return { ok: true, resultType: typeCheck(text, options) };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { ok: false, message: error.message, range: error.range ?? { start: 0, end: text.length } };
  }
}

function typeCheck(text: string, options: CheckOptions): string {
  const types = variableTypes(options);
  const environment = checkingEnvironment(types);
  let ast: ASTNode | null = null;
  try {
    const parsed = environment.parse(text);
    ast = parsed.ast;
    inspect(ast, types);
    const { valid, type, error } = parsed.check();
    if (!valid) throw error;
    const resultType = isMerge(ast) ? 'map<string, dyn>' : (type ?? 'dyn');
    checkResultType(resultType, options.kind);
    checkOutcomes(ast, options);
    checkWrittenFields(ast, types, options.resultSchema);
    return resultType;
  } catch (error) {
    throw checkError(error, { text, ast, environment });
  }
}

function variableTypes({ kind, eventSchema, handlerAnswers }: CheckOptions): Map<VariableName, ValueType> {
  const names = VARIABLES[kind].filter((name) => kind === 'httpOutcome' || handlerAnswers || (name !== 'result' && name !== 'response'));
  const types = new Map(names.map((name) => [name, VARIABLE_TYPES[name]]));
  if (eventSchema !== undefined) types.set('event', fromAvro(eventSchema));
  return types;
}

function checkResultType(type: string, kind: ExpressionKind): void {
  const plain = /^dyn<(.*)>$/.exec(type)?.[1] ?? type;
  const family = plain.startsWith('map<') || plain.startsWith('record ') ? 'map' : plain;
  if (family === 'dyn' || RESULT_TYPES[kind].includes(family)) return;
  throw new ExpressionError('result-type', wrongResult(kind, plain));
}

function checkOutcomes(ast: ASTNode, { kind, outcomes }: CheckOptions): void {
  if (outcomes === undefined || (kind !== 'outcome' && kind !== 'httpOutcome')) return;
  for (const { text, node } of constantResults(ast)) {
    if (outcomes.includes(text)) continue;
    const known = outcomes.map((name) => `"${name}"`).join(', ');
    const hint = didYouMean(text, outcomes) || `, declared are ${known}`;
    throw new ExpressionError('unknown-outcome', `no outcome "${text}"${hint}`, { range: rangeOf(node) });
  }
}

function checkWrittenFields(ast: ASTNode, types: ReadonlyMap<string, ValueType>, resultSchema: unknown): void {
  const type = resultSchema === undefined ? null : fromAvro(resultSchema);
  if (type === null || !('record' in type)) return;
  const { name, fields } = type.record;
  for (const { text, node, value } of writtenFields(ast)) {
    const field = fields.get(text);
    if (field === undefined) {
      throw new ExpressionError('unknown-field', `no field "${text}" in ${name}, which is written${didYouMean(text, fields.keys())}`, {
        range: rangeOf(node),
      });
    }
    if (ofType(field) === 'int' && numberOf(value, types) === 'double') {
      throw new ExpressionError(
        'type',
        `field "${text}" of ${name}, which is written, is a whole number and this a double: convert it with int()`,
        { range: rangeOf(value) },
      );
    }
  }
}
