/** Variables, fields and items. Only own properties of maps are seen: nothing of JavaScript can be reached. */
import { qualifiedTypeOf } from '../check/fields.ts';
import { ExpressionError } from '../errors.ts';
import type { IndexNode, NameNode, SelectNode } from '../syntax/tree.ts';
import { kindOf, QUALIFIED_TYPE_VALUES, TYPE_VALUES } from '../values/kind.ts';
import { canonicalKey, entryOf, isMap } from '../values/maps.ts';
import { Optional } from '../values/special.ts';
import { failure, type Plan, type Run, sourceOf, type State } from './state.ts';

export function planName(node: NameNode, { locals }: Plan): Run {
  const { name } = node;
  const slot = node.absolute ? undefined : locals.get(name);
  if (slot !== undefined) return ({ slots }) => slots[slot];
  const type = TYPE_VALUES.get(name);
  return ({ variables }) => {
    const value = (variables as Record<string, unknown>)[name];
    if (value !== undefined) return value;
    if (type !== undefined) return type;
    throw failure(node, `no value of "${name}" here`, 'unknown-name');
  };
}

export function planSelect(node: SelectNode, plan: Plan): Run {
  const qualified = qualifiedTypeOf(node);
  if (qualified !== null) return () => QUALIFIED_TYPE_VALUES.get(qualified);
  const { field } = node;
  const object = plan.make(node.object, plan);
  if (node.test) return (state) => hasField(object(state), node, plan);
  if (node.optional) return (state) => optionalEntry(object(state), field);
  return (state) => {
    const value = object(state);
    const found = isMap(value) ? entryOf(value, field) : undefined;
    return found === undefined ? fieldOf(value, node, plan) : found;
  };
}

function fieldOf(value: unknown, node: SelectNode, plan: Plan): unknown {
  if (value instanceof Optional) return optionalEntry(value, node.field);
  const object = sourceOf(plan, node.object);
  const reason = value === null ? ', which is null' : '';
  throw new ExpressionError('unknown-field', `no field "${node.field}" in ${object}${reason}`, { range: node.fieldRange });
}

function hasField(value: unknown, node: SelectNode, plan: Plan): boolean {
  if (isMap(value)) return entryOf(value, node.field) !== undefined;
  if (value instanceof Optional) return optionalEntry(value, node.field).isPresent;
  const object = sourceOf(plan, node.object);
  throw failure(node, `has() takes a field of a map; ${object} is ${kindOf(value)}, so check ${object} != null first`);
}

/** Entry of a map, of a list, or of an optional. */
function optionalEntry(value: unknown, key: unknown): Optional {
  if (value instanceof Optional) return value.isPresent ? optionalEntry(value.value, key) : Optional.none;
  const found = Array.isArray(value) ? itemOf(value, key) : isMap(value) ? entryOf(value, key) : undefined;
  return found === undefined ? Optional.none : new Optional(found);
}

function itemOf(list: unknown[], index: unknown): unknown {
  const position = typeof index === 'string' || typeof index === 'boolean' ? undefined : canonicalKey(index);
  return typeof position === 'bigint' && position >= 0n && position < BigInt(list.length) ? list[Number(position)] : undefined;
}

export function planIndex(node: IndexNode, plan: Plan): Run {
  const object = plan.make(node.object, plan);
  const index = plan.make(node.index, plan);
  if (node.optional) return (state: State) => optionalEntry(object(state), index(state));
  return (state) => {
    const value = object(state);
    const key = index(state);
    const found = isMap(value) ? entryOf(value, key) : Array.isArray(value) ? itemOf(value, key) : undefined;
    if (found !== undefined) return found;
    throw noItem(value, node, plan);
  };
}

/** Quotes no key: it may come from the record. */
function noItem(value: unknown, node: IndexNode, plan: Plan): ExpressionError {
  if (isMap(value)) return failure(node, `no such key: ${sourceOf(plan, node)}`, 'unknown-field');
  if (Array.isArray(value)) return failure(node, `no such item: ${sourceOf(plan, node)}; the list has ${value.length}`);
  return failure(node, `${sourceOf(plan, node.object)} is ${kindOf(value)}, of which [] gives nothing; it takes a list or a map`);
}
