/** Calls of functions. The types of the arguments choose which of those with the name runs. */
import { sure, type Type } from '../check/type.ts';
import { type Overload, same } from '../functions/signature.ts';
import type { CallNode } from '../syntax/tree.ts';
import { kindOf, type ValueKind } from '../values/kind.ts';
import { isMap, mergeMaps, sizeOfMap } from '../values/maps.ts';
import type { Budget } from './budget.ts';
import { failure, placed, type Plan, type Run, sourceOf } from './state.ts';

export function planCall(node: CallNode, plan: Plan): Run {
  if (node.name === 'merge' && node.target === null) return planMerge(node, plan);
  const parts = node.target === null ? node.args : [node.target, ...node.args];
  const runs = parts.map((part) => plan.make(part, plan));
  const candidates = (plan.library.get(node.name) ?? [])
    .filter(({ receiver, parameters }) => (receiver === null) === (node.target === null) && parameters.length === runs.length)
    .map((overload) => prepared(overload, node));
  return (state) => {
    const values = runs.map((run) => run(state));
    const overload = candidates.find(({ parameters }) => parameters.every((type, index) => fits(type, values[index])));
    if (overload === undefined) throw noOverload(node, plan, values);
    try {
      return called(overload, values, state.budget);
    } catch (error) {
      throw placed(error, node);
    }
  };
}

/** The constant stays among the values, where the prepared function does not look at it. */
function prepared(overload: Overload, { args }: CallNode): Overload {
  const last = args.at(-1);
  if (overload.prepare === undefined || last?.op !== 'literal' || typeof last.value !== 'string') return overload;
  return { ...overload, ...overload.prepare(last.value) };
}

/** Items of a list are not looked at: the function does that. */
function fits(type: Type, value: unknown): boolean {
  const { kind } = sure(type);
  return kind === 'dyn' || kind === (kindOf(value) as string);
}

function called({ run, builds, steps, result }: Overload, values: unknown[], budget: Budget): unknown {
  const args = values as never[];
  if (steps === undefined) for (const value of values) budget.lookThrough(value);
  else budget.step(steps(...args));
  if (builds !== undefined) budget.build(builds(...args));
  const value = run(...args);
  if (builds === undefined && run !== same && BUILT.has(result.kind)) budget.buildValue(value);
  return value;
}
const BUILT: ReadonlySet<string> = new Set(['string', 'bytes']);

function noOverload(node: CallNode, plan: Plan, values: unknown[]) {
  const kinds: ValueKind[] = values.map(kindOf);
  const receiver = node.target === null ? '' : `${kinds.shift()}.`;
  const parts = node.target === null ? node.args : [node.target, ...node.args];
  const nothing = parts.find((part, index) => values[index] === null && part.op !== 'literal');
  const source = nothing === undefined ? '' : sourceOf(plan, nothing);
  const advice = nothing === undefined ? '' : `: ${source} is null, so check ${source} != null first`;
  return failure(node, `${receiver}${node.name}(${kinds.join(', ')}) does not exist${advice}`);
}

function planMerge(node: CallNode, plan: Plan): Run {
  const [base, patch] = node.args.map((argument) => {
    const run = plan.make(argument, plan);
    return (state: Parameters<Run>[0]): object => {
      const value = run(state);
      if (isMap(value)) return value;
      const kind = kindOf(value);
      throw failure(argument, `merge() takes two maps, ${sourceOf(plan, argument)} is ${kind === 'unknown' ? 'another value' : kind}`);
    };
  }) as [(state: Parameters<Run>[0]) => object, (state: Parameters<Run>[0]) => object];
  return (state) => {
    const one = base(state);
    const other = patch(state);
    state.budget.buildEntries(sizeOfMap(one) + sizeOfMap(other));
    return mergeMaps(one, other);
  };
}
