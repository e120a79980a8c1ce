/** How a function is declared: `string.substring(int, int): string`. */
import { BOOL, DYN, listOf, mapOf, type ScalarKind, type Type, typeOfName } from '../check/type.ts';

/** How cost is counted: what a function looks through in one step, and what an item of a list and an entry of a map count. */
export const CHARACTERS_PER_STEP = 64;
export const BYTES_PER_ITEM = 16;
export const BYTES_PER_ENTRY = 32;

export interface FunctionDefinition {
  /** `receiver.name(types): result`; a function without receiver is called by its name alone. */
  signature: string;
  /** For the reference page: what it gives, and when it fails. */
  description: string;
  /** Called with the receiver, if any, and the arguments. @throws FunctionFailure. */
  run: (...args: never[]) => unknown;
  /** Size of what it builds, known before it runs. Without one what it gave is measured. */
  builds?: (...args: never[]) => number;
  /** Steps that it takes. Without one they follow from the sizes of strings and bytes that it is given. */
  steps?: (...args: never[]) => number;
  /** Checks the last argument where it is a constant string, when the expression is applied. @throws FunctionFailure */
  checks?: (constant: string) => void;
  /** What runs in its place where the last argument is a constant string; it takes the others. */
  prepare?: (constant: string) => PreparedFunction;
}

export type PreparedFunction = Pick<FunctionDefinition, 'run' | 'steps'>;

export interface Overload extends FunctionDefinition {
  name: string;
  receiver: Type | null;
  /** The receiver, if any, then the arguments. */
  parameters: readonly Type[];
  result: Type;
}

const SIGNATURE = /^(?:([\w<>, ]+)\.)?([\w.]+)\(([^)]*)\): (.+)$/;

export function overloadOf(definition: FunctionDefinition): Overload {
  const match = SIGNATURE.exec(definition.signature);
  if (!match) throw new Error(`${definition.signature} is not a signature`);
  const [, receiver, name, parameters, result] = match;
  const receiverType = receiver === undefined ? null : typeNamed(receiver);
  const types = parameters === '' ? [] : parameters!.split(', ').map(typeNamed);
  return {
    ...definition,
    name: name!,
    receiver: receiverType,
    parameters: receiverType === null ? types : [receiverType, ...types],
    result: typeNamed(result!),
  };
}

function typeNamed(name: string): Type {
  const list = /^list<(.+)>$/.exec(name);
  if (list) return listOf(typeNamed(list[1]!));
  if (name === 'list') return listOf(DYN);
  if (name === 'map') return mapOf(DYN, DYN);
  if (name === 'optional') return { kind: 'optional', of: DYN };
  return typeOfName(name as ScalarKind) ?? BOOL;
}

/** Gives its argument, and builds nothing. */
export const same = (value: unknown): unknown => value;

/** Why a function fails on its arguments; quotes no value of the record. */
export class FunctionFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FunctionFailure';
  }
}
