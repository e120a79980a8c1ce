/** Text → tree → types → functions: one way for expressions of steps, rules of the CRD, and the conformance suite. */
import { infer } from './check/infer.ts';
import type { Scope } from './check/scope.ts';
import type { Type } from './check/type.ts';
import { ExpressionError } from './errors.ts';
import { Budget, type CostLimits, DEFAULT_LIMITS } from './evaluate/budget.ts';
import { planNode } from './evaluate/plan.ts';
import type { State } from './evaluate/state.ts';
import { type Clock, libraryOf } from './functions/library.ts';
import { parse } from './syntax/parse.ts';
import type { Node } from './syntax/tree.ts';

export interface EngineOptions {
  variables: ReadonlyMap<string, Type>;
  now: Clock;
  /** Optional values, `.?field` and `[?index]`: in rules of a CRD alone. */
  optionals?: boolean;
  limits?: CostLimits;
}

export interface CompiledText {
  root: Node;
  run: (variables: object) => unknown;
}

export interface CheckedExpression {
  root: Node;
  type: Type;
  /** Type of each node. */
  types: ReadonlyMap<Node, Type>;
}

/** @throws ExpressionError with the place of the first mistake */
export function checkText(text: string, options: EngineOptions): CheckedExpression {
  const root = parse(text, options);
  const types = new Map<Node, Type>();
  const scope: Scope = { text, library: libraryOf(options), variables: options.variables, locals: new Map(), present: new Set(), types };
  return { root, type: infer(root, scope), types };
}

/** @throws ExpressionError with the place of the first mistake; so does `run`, where the expression fails on its variables */
export function compileText(text: string, options: EngineOptions): CompiledText {
  const { root } = checkText(text, options);
  const evaluate = planNode(root, { text, library: libraryOf(options), locals: new Map(), make: planNode });
  const budget = new Budget(text, options.limits ?? DEFAULT_LIMITS);
  const state: State = { variables: NOTHING, slots: [], budget };
  const run = (variables: object): unknown => {
    budget.reset();
    state.variables = variables;
    try {
      return evaluate(state);
    } catch (error) {
      throw evaluationError(error);
    } finally {
      // Values of one record are not kept until the next
      state.variables = NOTHING;
      state.slots.length = 0;
    }
  };
  return { root, run };
}

const NOTHING = {};

/** Whatever goes wrong on a record is the record's and the expression's: also a value nested too deeply to be looked through. */
function evaluationError(error: unknown): ExpressionError {
  return error instanceof ExpressionError ? error : new ExpressionError('evaluation', 'the expression failed', { cause: error });
}
