import { DYN, type Type, nameOf, sure } from './check/type.ts';
import { constantResults, isMerge, writtenFields } from './check/written.ts';
import { type CheckedExpression, checkText } from './engine.ts';
import { ExpressionError, type TextRange } from './errors.ts';
import { type ExpressionKind, RESULT_TYPES, VARIABLES, type VariableName, wrongResult } from './kinds.ts';
import { didYouMean } from './nearest.ts';
import { type Node, rangeOf } from './syntax/tree.ts';
import { fromAvro, VARIABLE_TYPES } from './value-types.ts';
import { ADVICE } from './values/avro.ts';

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
  const checked = checkText(text, { variables: variableTypes(options), now: () => 0 });
  const { root, type } = checked;
  const resultType = isMerge(root) ? 'map<string, dyn>' : nameOf(type);
  checkResultType(isMerge(root) ? 'map' : kindName(type), resultType, options.kind);
  checkResultPresence(text, type, options.kind);
  checkOutcomes(root, options);
  if (options.kind === 'event') checkForeignValues(checked);
  checkWrittenFields(checked, options.resultSchema);
  return resultType;
}

function variableTypes({ kind, eventSchema, handlerAnswers }: CheckOptions): Map<VariableName, Type> {
  const names = VARIABLES[kind].filter((name) => kind === 'httpOutcome' || handlerAnswers || (name !== 'result' && name !== 'response'));
  const types = new Map(names.map((name) => [name, VARIABLE_TYPES[name]]));
  if (eventSchema !== undefined) types.set('event', fromAvro(eventSchema));
  return types;
}

function kindName(type: Type): string {
  const { kind } = sure(type);
  return kind === 'record' ? 'map' : kind;
}

function checkResultType(kindOfResult: string, type: string, kind: ExpressionKind): void {
  if (kindOfResult === 'dyn' || RESULT_TYPES[kind].includes(kindOfResult)) return;
  throw new ExpressionError('result-type', wrongResult(kind, type === 'dyn' ? kindOfResult : type));
}

function checkResultPresence(text: string, type: Type, kind: ExpressionKind): void {
  if (type.kind !== 'unsure' || !type.orNull || RESULT_TYPES[kind].includes('null')) return;
  throw new ExpressionError('may-be-null', `${wrongResult(kind, 'null where a field is null')}; write ${text} == null ? … : …`);
}

function checkOutcomes(root: Node, { kind, outcomes }: CheckOptions): void {
  if (outcomes === undefined || (kind !== 'outcome' && kind !== 'httpOutcome')) return;
  for (const { text, node } of constantResults(root)) {
    if (outcomes.includes(text)) continue;
    const known = outcomes.map((name) => `"${name}"`).join(', ');
    const hint = didYouMean(text, outcomes) || `, declared are ${known}`;
    throw new ExpressionError('unknown-outcome', `no outcome "${text}"${hint}`, { range: rangeOf(node) });
  }
}

function checkForeignValues({ root, types }: CheckedExpression): void {
  for (const { value } of writtenFields(root)) {
    const kind = foreignKind(types.get(value) ?? DYN);
    if (kind === null) continue;
    throw new ExpressionError('type', `an event cannot hold a value of type ${kind}; ${ADVICE[kind]}`, { range: rangeOf(value) });
  }
}

/** Kind of the value, or of one in it, that Avro does not have. */
function foreignKind(type: Type): keyof typeof ADVICE | null {
  const known = sure(type);
  if (known.kind === 'list') return foreignKind(known.of);
  if (known.kind === 'map') return foreignKind(known.value);
  return Object.hasOwn(ADVICE, known.kind) ? (known.kind as keyof typeof ADVICE) : null;
}

function checkWrittenFields({ root, types }: CheckedExpression, resultSchema: unknown): void {
  const written = resultSchema === undefined ? null : sure(fromAvro(resultSchema));
  if (written?.kind !== 'record') return;
  const { name, fields } = written;
  for (const { text, node, value } of writtenFields(root)) {
    const field = fields.get(text);
    if (field === undefined) {
      throw new ExpressionError('unknown-field', `output schema ${name} has no field "${text}"${didYouMean(text, fields.keys())}`, {
        range: rangeOf(node),
      });
    }
    checkWrittenValue({ text, value, field, name }, types.get(value));
  }
}

interface WrittenField {
  text: string;
  value: Node;
  field: Type;
  /** Of the output schema. */
  name: string;
}

function checkWrittenValue({ text, value, field, name }: WrittenField, type: Type | undefined): void {
  if (type === undefined) return;
  const range = rangeOf(value);
  if (sure(field).kind === 'int' && sure(type).kind === 'double') {
    const message = `field "${text}" of output schema ${name} is an integer, this is a double: convert it with int()`;
    throw new ExpressionError('type', message, { range });
  }
  const isOptional = field.kind === 'unsure' || field.kind === 'dyn' || field.kind === 'null';
  if (!isOptional && (type.kind === 'null' || (type.kind === 'unsure' && type.orNull))) {
    const message = `field "${text}" of output schema ${name} cannot be null, this may be null: give a value for that case, as in (… == null ? … : …)`;
    throw new ExpressionError('may-be-null', message, { range });
  }
}
