import { ExpressionError, type ExpressionErrorCode } from '../errors.ts';
import type { Library } from '../functions/library.ts';
import { FunctionFailure } from '../functions/signature.ts';
import { type Node, rangeOf } from '../syntax/tree.ts';
import type { Budget } from './budget.ts';

/** Of the evaluation that runs; an expression is evaluated for one record at a time. */
export interface State {
  variables: object;
  /** Values of the variables of macros. */
  slots: unknown[];
  budget: Budget;
}

/** A part of an expression, made ready to run. */
export type Run = (state: State) => unknown;

/** What is known while an expression is made ready. */
export interface Plan {
  text: string;
  library: Library;
  /** Slot of each variable of the macros around. */
  locals: ReadonlyMap<string, number>;
  make: (node: Node, plan: Plan) => Run;
}

export function failure(node: Node, message: string, code: ExpressionErrorCode = 'evaluation'): ExpressionError {
  return new ExpressionError(code, message, { range: rangeOf(node) });
}

/** The error with its place in the expression. */
export function placed(error: unknown, node: Node): unknown {
  return error instanceof FunctionFailure
    ? new ExpressionError('evaluation', error.message, { range: rangeOf(node), cause: error })
    : error;
}

/**
 * Another operand may decide in place of one that failed (langdef.md, "Logical operators").
 * @returns the error to throw where none does: the first one
 * @throws what cannot be passed over: cost is spent, whatever decides
 */
export function passOver(error: unknown, first: unknown, { budget }: State): unknown {
  if (!(error instanceof ExpressionError) || error.code === 'cost') throw error;
  budget.passOverError();
  return first ?? error;
}

export function sourceOf({ text }: Plan, { start, end }: Node): string {
  return text.slice(start, end);
}
