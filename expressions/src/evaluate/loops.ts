/** Macros. Each item is a step, or more where the body is large. */
import { type BindNode, childrenOf, type MacroNode, type Node } from '../syntax/tree.ts';
import { kindOf } from '../values/kind.ts';
import { isMap, keysOf } from '../values/maps.ts';
import type { Budget } from './budget.ts';
import { failure, passOver, type Plan, type Run, sourceOf, type State } from './state.ts';

interface Loop {
  items: (state: State) => unknown[];
  slot: number;
  /** Of one item. */
  steps: number;
  condition: Run | null;
  body: Run;
}

export function planMacro(node: MacroNode, plan: Plan): Run {
  const range = plan.make(node.range, plan);
  const slot = slotOf(plan);
  const inner = { ...plan, locals: new Map([...plan.locals, [node.variable, slot]]) };
  const truth = (run: Run): Run => {
    return (state) => {
      const value = run(state);
      if (typeof value === 'boolean') return value;
      throw failure(node.body, `${node.macro}() takes bool, this is ${kindOf(value)}`);
    };
  };
  const body = plan.make(node.body, inner);
  const loop: Loop = {
    items: (state) => itemsOf(range(state), { node, plan, budget: state.budget }),
    slot,
    steps: 1 + Math.floor((sizeOf(node.body) + (node.condition === null ? 0 : sizeOf(node.condition))) / NODES_PER_STEP),
    condition: node.condition === null ? null : truth(plan.make(node.condition, inner)),
    body: node.macro === 'map' ? body : truth(body),
  };
  return RUNS[node.macro](loop);
}

/** Of its own also where it hides another: that one is read again behind the macro. */
function slotOf({ locals }: Plan): number {
  return Math.max(-1, ...locals.values()) + 1;
}

/** About as many as run in the time of one step of a function. */
const NODES_PER_STEP = 10;

function sizeOf(node: Node): number {
  return childrenOf(node).reduce((size, child) => size + sizeOf(child), 1);
}

interface Place {
  node: MacroNode;
  plan: Plan;
  budget: Budget;
}

function itemsOf(value: unknown, { node, plan, budget }: Place): unknown[] {
  if (Array.isArray(value)) return value;
  if (isMap(value)) {
    const keys = keysOf(value);
    budget.buildItems(keys.length);
    return keys;
  }
  throw failure(node.range, `${node.macro}() takes a list or a map, ${sourceOf(plan, node.range)} is ${kindOf(value)}`);
}

const RUNS: Readonly<Record<MacroNode['macro'], (loop: Loop) => Run>> = {
  all: (loop) => quantified(loop, false),
  exists: (loop) => quantified(loop, true),
  exists_one: existsOne,
  filter,
  map: mapped,
};

/** One item that decides is enough, also where others fail. */
function quantified({ items, slot, steps, body }: Loop, deciding: boolean): Run {
  return (state) => {
    let first: unknown;
    for (const item of items(state)) {
      state.budget.step(steps);
      state.slots[slot] = item;
      try {
        if (body(state) === deciding) return deciding;
      } catch (error) {
        first = passOver(error, first, state);
      }
    }
    if (first !== undefined) throw first;
    return !deciding;
  };
}

function existsOne({ items, slot, steps, body }: Loop): Run {
  return (state) => {
    let count = 0;
    for (const item of items(state)) {
      state.budget.step(steps);
      state.slots[slot] = item;
      if (body(state) === true) count++;
    }
    return count === 1;
  };
}

function filter({ items, slot, steps, body }: Loop): Run {
  return (state) => {
    const kept: unknown[] = [];
    for (const item of items(state)) {
      state.budget.step(steps);
      state.slots[slot] = item;
      if (body(state) !== true) continue;
      state.budget.buildItems(1);
      kept.push(item);
    }
    return kept;
  };
}

function mapped({ items, slot, steps, condition, body }: Loop): Run {
  return (state) => {
    const results: unknown[] = [];
    for (const item of items(state)) {
      state.budget.step(steps);
      state.slots[slot] = item;
      if (condition !== null && condition(state) !== true) continue;
      state.budget.buildItems(1);
      results.push(body(state));
    }
    return results;
  };
}

export function planBind(node: BindNode, plan: Plan): Run {
  const init = plan.make(node.init, plan);
  const slot = slotOf(plan);
  const body = plan.make(node.body, { ...plan, locals: new Map([...plan.locals, [node.variable, slot]]) });
  return (state) => {
    state.slots[slot] = init(state);
    return body(state);
  };
}
