/** What is known at a place of an expression. */
import { ExpressionError, type ExpressionErrorCode } from '../errors.ts';
import type { Library } from '../functions/library.ts';
import { type Node, rangeOf } from '../syntax/tree.ts';
import type { Type } from './type.ts';

export interface Scope {
  /** Text of the whole expression. */
  text: string;
  library: Library;
  /** Variables of the expression. */
  variables: ReadonlyMap<string, Type>;
  /** Variables of macros, which hide those of the same name. */
  locals: ReadonlyMap<string, Type>;
  /** Paths that are known not to be null here, such as `event.discount`. */
  present: ReadonlySet<string>;
  /** Type of each node that was checked. */
  types: Map<Node, Type>;
}

export function textOf({ text }: Scope, { start, end }: Node): string {
  return text.slice(start, end);
}

export function withLocal(scope: Scope, name: string, type: Type): Scope {
  const present = [...scope.present].filter((path) => !isBelow(path, name));
  return { ...scope, locals: new Map([...scope.locals, [name, type]]), present: new Set(present) };
}

function isBelow(path: string, name: string): boolean {
  return path.startsWith(name) && !/^\w/.test(path.slice(name.length));
}

export function withPresent(scope: Scope, paths: Iterable<string>): Scope {
  return { ...scope, present: new Set([...scope.present, ...paths]) };
}

export function failAt(node: Node, code: ExpressionErrorCode, message: string): ExpressionError {
  return new ExpressionError(code, message, { range: rangeOf(node) });
}
