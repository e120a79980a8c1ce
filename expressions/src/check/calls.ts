/** Calls of functions: which of those with the name takes these types. */
import { FunctionFailure, type Overload } from '../functions/signature.ts';
import { didYouMean } from '../nearest.ts';
import type { CallNode, Node } from '../syntax/tree.ts';
import { presentType } from './presence.ts';
import { failAt, type Scope } from './scope.ts';
import { DYN, familyOf, joined, nameOf, sure, type Type } from './type.ts';

type Infer = (node: Node, scope: Scope) => Type;

/**
 * Functions that say what becomes of null: `string(event.discount)` demands that there is a value,
 * and a record without one is a dead letter.
 */
const TAKES_OPTIONAL = new Set(['bool', 'bytes', 'double', 'dyn', 'int', 'string', 'timestamp', 'duration', 'type', 'uint', 'orValue']);

export function callType(node: CallNode, scope: Scope, infer: Infer): Type {
  const overloads = scope.library.get(node.name);
  if (node.name === 'merge' && node.target === null) return mergeType(node, scope, infer);
  if (overloads === undefined || !overloads.some(({ receiver }) => (receiver === null) === (node.target === null))) {
    throw unknownFunction(node, scope);
  }
  const parts = node.target === null ? node.args : [node.target, ...node.args];
  const types = parts.map((part) => {
    const type = infer(part, scope);
    return TAKES_OPTIONAL.has(node.name) ? sure(type) : presentType(part, type, { scope, taker: `${node.name}()` });
  });
  const found = overloads.filter((overload) => isMethod(overload) === (node.target !== null) && accepts(overload, types));
  if (found.length === 0) throw noOverload(node, types);
  checkConstant(node, found);
  return resultOf(found, types);
}

function isMethod({ receiver }: Overload): boolean {
  return receiver !== null;
}

function accepts({ parameters }: Overload, types: readonly Type[]): boolean {
  return parameters.length === types.length && parameters.every((parameter, index) => takes(parameter, types[index]!));
}

function takes(parameter: Type, type: Type): boolean {
  const [wanted, given] = [sure(parameter), sure(type)];
  if (wanted.kind === 'dyn' || given.kind === 'dyn') return true;
  if (wanted.kind === 'list' && given.kind === 'list') return takes(wanted.of, given.of);
  return familyOf(wanted) === familyOf(given);
}

function resultOf(found: readonly Overload[], types: readonly Type[]): Type {
  const [first] = types;
  if (found.some(({ name }) => name === 'value' || name === 'orValue') && first?.kind === 'optional') {
    return types[1] === undefined ? first.of : (joined(sure(first.of), types[1]) ?? DYN);
  }
  return found.map(({ result }) => result).reduce((one, other) => joined(one, other) ?? DYN);
}

function unknownFunction(node: CallNode, { library, text }: Scope) {
  const usage = node.target === null ? FUNCTION_USAGE : MACRO_USAGE;
  if (Object.hasOwn(usage, node.name)) return failAt(node, 'type', `${node.name}() takes ${usage[node.name]}`);
  const isFunction = library.get(node.name)?.some(({ receiver }) => (receiver === null) === (node.target === null));
  const sameForm = [...library].filter(([, overloads]) => overloads.some(({ receiver }) => (receiver === null) === (node.target === null)));
  if (library.has(node.name) && !isFunction) {
    const form =
      node.target === null
        ? `write it behind a value, as in value.${node.name}()`
        : `write ${node.name}(${text.slice(node.target.start, node.target.end)})`;
    return failAt(node, 'unknown-name', `${node.name}() is called the other way: ${form}`);
  }
  const known =
    node.target === null
      ? [...sameForm.map(([name]) => name), 'merge', ...Object.keys(FUNCTION_USAGE)]
      : [...sameForm.map(([name]) => name), ...Object.keys(MACRO_USAGE)];
  return failAt(node, 'unknown-name', `unknown function "${node.name}"${didYouMean(node.name, known)}`);
}

/** Macros that are called in another way than they are read. */
const FUNCTION_USAGE: Readonly<Record<string, string>> = { has: 'a field, as in has(event.status)' };
const MACRO_USAGE: Readonly<Record<string, string>> = {
  all: 'the name of a variable and a condition, as in list.all(x, x > 0)',
  exists: 'the name of a variable and a condition, as in list.exists(x, x > 0)',
  exists_one: 'the name of a variable and a condition, as in list.exists_one(x, x > 0)',
  filter: 'the name of a variable and a condition, as in list.filter(x, x > 0)',
  map: 'the name of a variable and a value, as in list.map(x, x + 1)',
};

function noOverload(node: CallNode, types: readonly Type[]) {
  const names = types.map(nameOf);
  const receiver = node.target === null ? '' : `${names.shift()}.`;
  const call = `${receiver}${node.name}(${names.join(', ')})`;
  return failAt(node, 'type', `${call} does not exist: ${node.name}() takes other types or another number of arguments`);
}

function checkConstant(node: CallNode, [overload]: readonly Overload[]): void {
  const last = node.args.at(-1);
  if (overload?.checks === undefined || last?.op !== 'literal' || typeof last.value !== 'string') return;
  try {
    overload.checks(last.value);
  } catch (error) {
    if (!(error instanceof FunctionFailure)) throw error;
    throw failAt(last, 'type', error.message);
  }
}

/** A type of its own: a patch may set a field to another type, so what comes out is not the record. */
function mergeType(node: CallNode, scope: Scope, infer: Infer): Type {
  const types = node.args.map((argument) => infer(argument, scope));
  if (types.length !== 2) throw noOverload(node, types);
  for (const [index, argument] of node.args.entries()) {
    const type = presentType(argument, types[index]!, { scope, taker: 'merge()' });
    if (type.kind !== 'map' && type.kind !== 'record' && type.kind !== 'dyn') {
      throw failAt(argument, 'type', `merge() takes two maps, this is ${nameOf(type)}`);
    }
  }
  // In `paid ? merge(event, {…}) : event` it has to go with a record, so it is dyn to all that takes it.
  return DYN;
}
