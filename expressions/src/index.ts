export { type CheckOptions, checkExpression, type CheckResult } from './check.ts';
export { type CompiledExpression, compileExpression } from './compile.ts';
export { type CostLimits, DEFAULT_LIMITS } from './evaluate/budget.ts';
export type { Clock } from './functions/library.ts';
export { ExpressionError, type ExpressionErrorCode, type TextRange } from './errors.ts';
export type { ExpressionContext, ExpressionKind, ExpressionResults } from './kinds.ts';
export { compileRule } from './rule.ts';
export { didYouMean, nearestName } from './nearest.ts';
