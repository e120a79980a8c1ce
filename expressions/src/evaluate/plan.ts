/** Makes an expression ready to run: a function for each part of it, put together once. */
import type { ListNode, MapNode, Node } from '../syntax/tree.ts';
import { kindOf } from '../values/kind.ts';
import { canonicalKey, KeyedMap, type MapKey, setField } from '../values/maps.ts';
import { planIndex, planName, planSelect } from './access.ts';
import { planCall } from './calls.ts';
import { planBind, planMacro } from './loops.ts';
import { planBinary, planConditional, planLogic, planUnary } from './operations.ts';
import { failure, type Plan, type Run, sourceOf } from './state.ts';

export function planNode(node: Node, plan: Plan): Run {
  switch (node.op) {
    case 'literal': {
      const { value } = node;
      return () => value;
    }
    case 'name':
      return planName(node, plan);
    case 'select':
      return planSelect(node, plan);
    case 'index':
      return planIndex(node, plan);
    case 'call':
      return planCall(node, plan);
    case 'unary':
      return planUnary(node, plan);
    case 'binary':
      return planBinary(node, plan);
    case 'logic':
      return planLogic(node, plan);
    case 'conditional':
      return planConditional(node, plan);
    case 'list':
      return planList(node, plan);
    case 'map':
      return planMap(node, plan);
    case 'macro':
      return planMacro(node, plan);
    case 'bind':
      return planBind(node, plan);
  }
}

function planList({ items }: ListNode, plan: Plan): Run {
  const runs = items.map((item) => planNode(item, plan));
  return (state) => {
    state.budget.buildItems(runs.length);
    return runs.map((run) => run(state));
  };
}

function planMap(node: MapNode, plan: Plan): Run {
  const entries = node.entries.map(({ key, value }) => [key, planNode(value, plan)] as const);
  const names = entries.map(([key]) => (key.op === 'literal' && typeof key.value === 'string' ? key.value : null));
  if (names.some((name) => name === null)) return planKeyedMap(node, plan);
  const fields = entries.map(([, run], index) => [names[index]!, run] as const);
  return (state) => {
    state.budget.buildEntries(fields.length);
    const map: Record<string, unknown> = {};
    for (const [name, run] of fields) setField(map, name, run(state));
    return map;
  };
}

function planKeyedMap(node: MapNode, plan: Plan): Run {
  const entries = node.entries.map(({ key, value }) => ({ node: key, key: planNode(key, plan), value: planNode(value, plan) }));
  return (state) => {
    state.budget.buildEntries(entries.length);
    const map = new KeyedMap();
    for (const entry of entries) {
      const key = entry.key(state);
      const canonical = typeof key === 'number' ? undefined : canonicalKey(key);
      if (canonical === undefined) throw failure(entry.node, `a key of a map is string, int, uint or bool, this is ${kindOf(key)}`);
      if (map.has(canonical)) throw failure(entry.node, `the map has the key ${sourceOf(plan, entry.node)} twice`);
      map.set(canonical, entry.value(state));
      map.originals.set(canonical, key as MapKey);
    }
    return [...map.keys()].every((key) => typeof key === 'string') ? plainMap(map) : map;
  };
}

function plainMap(map: KeyedMap): object {
  return Object.fromEntries(map as Iterable<[string, unknown]>);
}
