/** Operators. */
import { calculate, negate } from '../functions/operators.ts';
import { CHARACTERS_PER_STEP } from '../functions/signature.ts';
import type { Arithmetic, BinaryNode, ConditionalNode, LogicNode, Node, Ordering, UnaryNode } from '../syntax/tree.ts';
import { compare, equals } from '../values/compare.ts';
import { kindOf } from '../values/kind.ts';
import { canonicalKey, entryOf, isMap, keysOf } from '../values/maps.ts';
import type { Budget } from './budget.ts';
import { failure, passOver, placed, type Plan, type Run, sourceOf } from './state.ts';

export function planUnary(node: UnaryNode, plan: Plan): Run {
  const operand = plan.make(node.operand, plan);
  const taker = { name: node.operator, plan };
  if (node.operator === '!') return (state) => !truth(operand(state), node.operand, taker);
  return (state) => {
    const value = operand(state);
    const result = attempt(node, () => negate(value));
    if (result === undefined) throw failure(node, `-${kindOf(value)} does not exist${ifNull(plan, [node.operand, value])}`);
    return result;
  };
}

function attempt(node: Node, run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    throw placed(error, node);
  }
}

interface Taker {
  name: string;
  plan: Plan;
}

function truth(value: unknown, node: Node, { name, plan }: Taker): boolean {
  if (typeof value === 'boolean') return value;
  throw failure(node, `${name} takes bool, ${sourceOf(plan, node)} is ${kindOf(value)}`);
}

type Operands = [left: Run, right: Run];

export function planBinary(node: BinaryNode, plan: Plan): Run {
  const operands: Operands = [plan.make(node.left, plan), plan.make(node.right, plan)];
  const [left, right] = operands;
  switch (node.operator) {
    case '==':
      return (state) => counted(left(state), right(state), state.budget);
    case '!=':
      return (state) => !counted(left(state), right(state), state.budget);
    case 'in':
      return planIn(node, plan, operands);
    case '+':
      return planPlus(node, plan, operands);
    case '<':
    case '<=':
    case '>':
    case '>=':
      return ordered(node, plan, { operands, holds: ORDERS[node.operator] });
    default:
      return planArithmetic(node, plan, { operator: node.operator, operands });
  }
}

/** None of them holds of NaN. */
const ORDERS: Readonly<Record<Ordering, (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
};

/** Costs by the size of what is compared. */
function counted(left: unknown, right: unknown, budget: Budget): boolean {
  if (typeof left === 'object' && left !== null && typeof right === 'object') budget.step(weightOf(left));
  else if (typeof left === 'string') budget.lookThrough(left);
  return equals(left, right);
}

function weightOf(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return value.length / CHARACTERS_PER_STEP;
  if (Array.isArray(value)) return value.reduce<number>((weight, item) => weight + 1 + weightOf(item), 0);
  if (!isMap(value)) return 0;
  return keysOf(value).reduce<number>((weight, key) => weight + 1 + weightOf(entryOf(value, key)), 0);
}

interface Place {
  node: BinaryNode;
  plan: Plan;
  budget: Budget;
}

/** A list of constants is built once: it goes nowhere but here. */
function planIn(node: BinaryNode, plan: Plan, [left, right]: Operands): Run {
  const list = constantList(node.right);
  if (list === null) return (state) => isIn(left(state), right(state), { node, plan, budget: state.budget });
  return (state) => isIn(left(state), list, { node, plan, budget: state.budget });
}

function constantList(node: Node): unknown[] | null {
  if (node.op !== 'list') return null;
  const literals = node.items.filter((item) => item.op === 'literal');
  return literals.length === node.items.length ? literals.map(({ value }) => value) : null;
}

function isIn(value: unknown, within: unknown, { node, plan, budget }: Place): boolean {
  if (isMap(within)) return canonicalKey(value) !== undefined && entryOf(within, value) !== undefined;
  if (!Array.isArray(within)) {
    throw failure(node, `in takes a list or a map, ${sourceOf(plan, node.right)} is ${kindOf(within)}`);
  }
  return within.some((item) => {
    budget.step();
    return counted(item, value, budget);
  });
}

interface Comparison {
  operands: Operands;
  holds: (order: number) => boolean;
}

function ordered(node: BinaryNode, plan: Plan, { operands: [left, right], holds }: Comparison): Run {
  return (state) => {
    const one = left(state);
    const other = right(state);
    state.budget.lookThrough(one);
    const order = compare(one, other);
    if (order === undefined) throw noOperation(node, plan, [one, other]);
    return holds(order);
  };
}

function planArithmetic(node: BinaryNode, plan: Plan, { operator, operands }: { operator: Arithmetic; operands: Operands }): Run {
  const [left, right] = operands;
  return (state) => calculated(node, plan, { operator, operands: [left(state), right(state)] });
}

interface Calculation {
  operator: Arithmetic;
  operands: [unknown, unknown];
}

function calculated(node: BinaryNode, plan: Plan, { operator, operands }: Calculation): unknown {
  let result: unknown;
  try {
    result = calculate(operator, ...operands);
  } catch (error) {
    throw placed(error, node);
  }
  if (result === undefined) throw noOperation(node, plan, operands);
  return result;
}

/** Strings, bytes and lists are built, so they are counted first. */
function planPlus(node: BinaryNode, plan: Plan, [left, right]: Operands): Run {
  return (state) => {
    const one = left(state);
    const other = right(state);
    if (typeof one === 'string' && typeof other === 'string') {
      state.budget.build(one.length + other.length);
      return one + other;
    }
    if (Array.isArray(one) && Array.isArray(other)) {
      state.budget.buildItems(one.length + other.length);
      return [...(one as unknown[]), ...(other as unknown[])];
    }
    if (one instanceof Uint8Array && other instanceof Uint8Array) {
      state.budget.build(one.length + other.length);
      return new Uint8Array(Buffer.concat([one, other]));
    }
    return calculated(node, plan, { operator: '+', operands: [one, other] });
  };
}

function noOperation(node: BinaryNode, plan: Plan, [left, right]: [unknown, unknown]) {
  const [one, other] = [kindOf(left), kindOf(right)];
  const numbers = ['int', 'uint', 'double'];
  const mixesNumbers = numbers.includes(one) && numbers.includes(other);
  const advice = mixesNumbers ? ', convert one side with double() or int()' : ifNull(plan, [node.left, left], [node.right, right]);
  return failure(node, `${one} ${node.operator} ${other} does not exist${advice}`);
}

function ifNull(plan: Plan, ...operands: [Node, unknown][]): string {
  const [first] = operands.filter(([node, value]) => value === null && node.op !== 'literal').map(([node]) => sourceOf(plan, node));
  return first === undefined ? '' : `: ${first} is null, so check ${first} != null first`;
}

/** One operand that decides is enough, also where others fail (langdef.md, "Logical operators"). */
export function planLogic({ operator, operands }: LogicNode, plan: Plan): Run {
  const runs = operands.map((operand) => plan.make(operand, plan));
  const deciding = operator === '||';
  const taker = { name: operator, plan };
  return (state) => {
    let first: unknown;
    for (let index = 0; index < runs.length; index++) {
      try {
        if (truth(runs[index]!(state), operands[index]!, taker) === deciding) return deciding;
      } catch (error) {
        first = passOver(error, first, state);
      }
    }
    if (first !== undefined) throw first;
    return !deciding;
  };
}

export function planConditional(node: ConditionalNode, plan: Plan): Run {
  const test = plan.make(node.test, plan);
  const yes = plan.make(node.yes, plan);
  const no = plan.make(node.no, plan);
  const taker = { name: '?', plan };
  return (state) => (truth(test(state), node.test, taker) ? yes(state) : no(state));
}
