/** Calls that are macros: they name a variable, or look at how their argument is written (langdef.md, "Macros"). */
import type { TextRange } from '../errors.ts';
import { syntaxError } from './tokens.ts';
import { type MacroName, node, type Node, rangeOf } from './tree.ts';

export interface Call {
  name: string;
  nameRange: TextRange;
  target: Node | null;
  args: Node[];
  range: TextRange;
}

const MACROS: Readonly<Record<MacroName, readonly number[]>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  filter: [2],
  map: [2, 3],
};

/** Null where the call is none of these macros. */
export function macroOf({ name, target, args, range }: Call): Node | null {
  const macro = (name === 'existsOne' ? 'exists_one' : name) as MacroName;
  if (target === null || !Object.hasOwn(MACROS, macro) || !MACROS[macro].includes(args.length)) return null;
  const variable = variableOf(args[0]!, name);
  const condition = args.length === 3 ? args[1]! : null;
  return node({ op: 'macro', macro, range: target, variable, condition, body: args.at(-1)! }, range);
}

/** `cel.bind(variable, init, body)` */
export function bindOf({ name, target, args, range }: Call): Node | null {
  if (name !== 'bind' || target?.op !== 'name' || target.name !== 'cel' || args.length !== 3) return null;
  return node({ op: 'bind', variable: variableOf(args[0]!, 'cel.bind'), init: args[1]!, body: args[2]! }, range);
}

/** `has(object.field)` */
export function hasOf({ name, target, args, range }: Call): Node | null {
  if (name !== 'has' || target !== null || args.length !== 1) return null;
  const [field] = args as [Node];
  if (field.op !== 'select' || field.optional) {
    throw syntaxError("has() takes a field, as in has(event.status); for a key write 'key' in map", rangeOf(field));
  }
  return node({ ...field, test: true }, range);
}

function variableOf(argument: Node, macro: string): string {
  if (argument.op === 'name' && !argument.absolute) return argument.name;
  throw syntaxError(`the first argument of ${macro}() is the name of a variable`, rangeOf(argument));
}
