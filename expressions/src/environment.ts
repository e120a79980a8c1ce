/** The one CEL environment of sagafleet, in two forms: typed to check in, untyped to evaluate in. */
import { Environment, EvaluationError } from '@marcbachmann/cel-js';
import type { VariableName } from './kinds.ts';
import type { RecordType, ValueType } from './value-types.ts';
import { isMap, mergeMaps } from './values.ts';

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** `event` and the others are `dyn`: a tombstone's event is null, and values carry their own types. */
export function evaluatingEnvironment(variables: Iterable<VariableName>, now: Clock): Environment {
  const environment = base(now);
  for (const name of variables) environment.registerVariable(name, 'dyn');
  return environment;
}

/** Only for checking: values of these types do not exist. */
export function checkingEnvironment(variables: ReadonlyMap<VariableName, ValueType>): Environment {
  const environment = base(() => 0);
  const registered = new Set<string>();
  for (const [name, type] of variables) environment.registerVariable(name, celType(type, environment, registered));
  return environment;
}

function base(now: Clock): Environment {
  return new Environment({ homogeneousAggregateLiterals: false })
    .registerFunction('now(): int', () => BigInt(now()), { async: false })
    .registerFunction('merge(ast, ast): dyn', mergeMacro);
}

type CelType = { kind: string; name: string };
/** The part of cel-js' macro interface that is used. */
interface Checker {
  check(node: unknown, context: unknown): CelType;
  createError(code: string, message: string, node: unknown): Error;
  getType(name: string): CelType;
}
interface Evaluator {
  run(node: unknown, context: unknown): unknown;
}
interface MergeMacro {
  args: [unknown, unknown];
}

/**
 * A macro and not two overloads: typed, `merge(map, map)` does not match a record, and an overload
 * `merge(dyn, map)` silently gives the patch alone.
 */
function mergeMacro({ args }: MergeMacro) {
  return {
    args,
    async: false,
    typeCheck(checker: Checker, macro: MergeMacro, context: unknown): CelType {
      for (const arg of macro.args) {
        const type = checker.check(arg, context);
        if (type.kind === 'map' || type.kind === 'message' || type.kind === 'dyn') continue;
        throw checker.createError('no_matching_overload', `merge() takes two maps, this is ${type.name}`, arg);
      }
      // Not a map: in `paid ? merge(event, {…}) : event` it has to go with a record.
      return checker.getType('dyn');
    },
    evaluate(evaluator: Evaluator, macro: MergeMacro, context: unknown): unknown {
      const [left, right] = macro.args;
      return mergeMaps(runToMap(evaluator, left, context), runToMap(evaluator, right, context));
    },
  };
}

function runToMap(evaluator: Evaluator, node: unknown, context: unknown): object {
  const value = evaluator.run(node, context);
  if (isMap(value)) return value;
  const message = `merge() takes two maps, this is ${value === null ? 'null' : 'another value'}`;
  throw new EvaluationError({ code: 'no_matching_overload', message, node: node as never });
}

/** CEL's name of the type; records are registered on the way. */
function celType(type: ValueType, environment: Environment, registered: Set<string>): string {
  if ('cel' in type) return type.cel;
  if ('list' in type) return `list<${celType(type.list, environment, registered)}>`;
  if ('map' in type) return `map<string, ${celType(type.map, environment, registered)}>`;
  if (type.record.nullable) return 'dyn';
  return recordType(type.record, environment, registered);
}

function recordType({ name, fields }: RecordType, environment: Environment, registered: Set<string>): string {
  // Not the bare name: an Avro record may be called `string`, or `T`, which CEL takes for a placeholder.
  const celName = `record ${name}`;
  if (registered.has(celName)) return celName;
  registered.add(celName);
  const celFields = Object.fromEntries([...fields].map(([field, type]) => [field, celType(type, environment, registered)]));
  environment.registerType(celName, { ctor: class {}, fields: celFields });
  return celName;
}
