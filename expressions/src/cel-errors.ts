/** What cel-js says, in words that say what to do. */
import { type ASTNode, type Environment, EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js';
import { ExpressionError, type ExpressionErrorCode } from './errors.ts';
import { isMapKey } from './inspect.ts';
import { didYouMean } from './nearest.ts';

type CelError = ParseError | EvaluationError | CelTypeError;
interface Source {
  text: string;
  ast: ASTNode | null;
  environment: Environment;
}

function isCelError(error: unknown): error is CelError {
  return error instanceof ParseError || error instanceof EvaluationError || error instanceof CelTypeError;
}

/** An error found without a record. */
export function checkError(error: unknown, source: Source): ExpressionError {
  if (error instanceof ExpressionError) return error;
  if (!isCelError(error)) return new ExpressionError('type', 'the expression can not be checked', { cause: error });
  const [code, message] = explain(error, source);
  return new ExpressionError(code, message, { range: error.range ?? null, cause: error });
}

function explain(error: CelError, source: Source): [ExpressionErrorCode, string] {
  const summary = decapitalized(error.summary);
  if (error instanceof ParseError) return ['syntax', summary.replace('EOF', 'end of the expression')];
  if (error.code === 'unknown_variable') return ['unknown-name', unknownVariable(error, source)];
  const unknownFunction = error.code === 'no_matching_overload' ? /'([\w.]*?)(\w+)\(/.exec(summary) : null;
  if (unknownFunction) return explainCall(unknownFunction[2] ?? '', summary, source);
  if (error.code === 'no_such_overload') return ['type', explainOperator(summary)];
  if (error.code === 'no_such_key') return ['unknown-field', summary.replace(/^no such key: (.*)$/, 'no field "$1"')];
  if (error.code === 'incompatible_ternary_branches') return ['type', `${summary}: wrap one in dyn()`];
  return ['type', summary];
}

function unknownVariable(error: CelError, { text, ast, environment }: Source): string {
  const { start, end } = error.range ?? { start: 0, end: text.length };
  const name = text.slice(start, end);
  if (ast !== null && isMapKey(ast, { start, end })) return `unknown name "${name}": a key of a map is quoted, '${name}'`;
  const known = environment
    .getDefinitions()
    .variables.filter(({ type }) => type !== 'type')
    .map((variable) => variable.name);
  return `unknown name "${name}"${didYouMean(name, known)}`;
}

function explainCall(name: string, summary: string, { environment }: Source): [ExpressionErrorCode, string] {
  const known = new Set(environment.getDefinitions().functions.map((definition) => definition.name));
  if (!known.has(name)) return ['unknown-name', `unknown function "${name}"${didYouMean(name, known)}`];
  const call = /'(.*)'/.exec(summary)?.[1] ?? name;
  return ['type', `${call} does not exist: ${name}() takes other types or another number of arguments`];
}

function explainOperator(summary: string): string {
  const operation = summary.replace('no such overload: ', '');
  const mixesNumbers = operation.includes('int') && operation.includes('double');
  return `${operation} does not exist${mixesNumbers ? ', convert one side with double() or int()' : ''}`;
}

/** Errors whose text in cel-js quotes values of the record. */
const WITHOUT_VALUES: Readonly<Record<string, string>> = {
  numeric_overflow: 'integer overflow',
  bool_conversion_error: 'bool() can not convert this text',
  invalid_duration: 'duration() can not convert this text',
  invalid_regular_expression: 'matches() was given no regular expression',
};

/** An error that one record causes; says nothing of the record's values. */
export function evaluationError(error: unknown, text: string): ExpressionError {
  if (error instanceof ExpressionError) return error;
  if (!isCelError(error)) return new ExpressionError('evaluation', 'the expression failed', { cause: error });
  const range = error.range ?? null;
  if (error.code === 'no_such_key') {
    return new ExpressionError('unknown-field', missingField(error, text), { range, cause: error });
  }
  const message = WITHOUT_VALUES[error.code] ?? decapitalized(error.summary);
  return new ExpressionError('evaluation', message, { range, cause: error });
}

function missingField({ node }: CelError, text: string): string {
  const access = node as ASTNode | undefined;
  if (access?.op === '.') return `no field "${access.args[1]}" in ${text.slice(access.args[0].start, access.args[0].end)}`;
  if (access?.op === '[]') return `no such key: ${text.slice(access.start, access.end)}`;
  return 'no such field';
}

function decapitalized(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
