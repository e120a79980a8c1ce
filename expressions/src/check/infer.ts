/** Types of an expression, from the types of its variables. What is not known is `dyn` and is checked on the record. */
import { ARITHMETIC, ORDERED } from '../functions/operators.ts';
import { didYouMean } from '../nearest.ts';
import type { BinaryNode, ConditionalNode, IndexNode, LogicNode, MacroNode, MapNode, NameNode, Node } from '../syntax/tree.ts';
import { TYPE_VALUES } from '../values/kind.ts';
import { canonicalKey } from '../values/maps.ts';
import { UnsignedInt } from '../values/special.ts';
import { callType } from './calls.ts';
import { isQualifiedType, selectType } from './fields.ts';
import { pathOf, presentType, presentWhenFalse, presentWhenTrue } from './presence.ts';
import { failAt, type Scope, textOf, withLocal, withPresent } from './scope.ts';
import {
  BOOL,
  comparable,
  DYN,
  INT,
  joined,
  listOf,
  mapOf,
  nameOf,
  NULL,
  STRING,
  sure,
  type Type,
  TYPE,
  typeOfName,
  unsure,
} from './type.ts';

/** @throws ExpressionError with the place of the first mistake */
export function infer(node: Node, scope: Scope): Type {
  const type = known(node, inferred(node, scope), scope);
  scope.types.set(node, type);
  return type;
}

function known(node: Node, type: Type, { present }: Scope): Type {
  if (type.kind !== 'unsure' || !type.orNull || present.size === 0) return type;
  const path = pathOf(node);
  return path !== null && present.has(path) ? type.of : type;
}

function inferred(node: Node, scope: Scope): Type {
  switch (node.op) {
    case 'literal':
      return literalType(node.value);
    case 'name':
      return variableType(node, scope);
    case 'select':
      return isQualifiedType(node) ? TYPE : selectType(node, infer(node.object, scope), scope);
    case 'index':
      return indexType(node, scope);
    case 'call':
      return callType(node, scope, infer);
    case 'unary':
      return node.operator === '!' ? boolOf(node.operand, '!', scope) : negatedType(node.operand, scope);
    case 'binary':
      return binaryType(node, scope);
    case 'logic':
      return logicType(node, scope);
    case 'conditional':
      return conditionalType(node, scope);
    case 'list':
      return listOf(allJoined(node.items.map((item) => infer(item, scope))));
    case 'map':
      return mapType(node, scope);
    case 'macro':
      return macroType(node, scope);
    case 'bind':
      return infer(node.body, withLocal(scope, node.variable, infer(node.init, scope)));
  }
}

function literalType(value: unknown): Type {
  switch (typeof value) {
    case 'bigint':
      return INT;
    case 'number':
      return typeOfName('double');
    case 'boolean':
      return BOOL;
    case 'string':
      return STRING;
    default:
      return value === null ? NULL : typeOfName(value instanceof UnsignedInt ? 'uint' : 'bytes');
  }
}

function variableType(node: NameNode, { locals, variables }: Scope): Type {
  const type = (node.absolute ? undefined : locals.get(node.name)) ?? variables.get(node.name);
  if (type !== undefined) return type;
  if (TYPE_VALUES.has(node.name)) return TYPE;
  throw failAt(node, 'unknown-name', `unknown name "${node.name}"${didYouMean(node.name, [...locals.keys(), ...variables.keys()])}`);
}

function indexType({ object, index, optional }: IndexNode, scope: Scope): Type {
  const objectType = infer(object, scope);
  const indexedBy = presentType(index, infer(index, scope), { scope, taker: '[]' });
  const of = sure(objectType);
  const element = of.kind === 'list' ? of.of : of.kind === 'map' ? of.value : of.kind === 'record' || of.kind === 'dyn' ? DYN : null;
  if (element === null) throw failAt(object, 'type', `${nameOf(objectType)} has no items; [] takes a list or a map`);
  const takes = of.kind === 'list' ? INT : of.kind === 'map' ? of.key : of.kind === 'record' ? STRING : DYN;
  if (!comparable(takes, indexedBy)) {
    throw failAt(index, 'type', `${nameOf(indexedBy)} is not an index of ${nameOf(of)}; it takes ${nameOf(takes)}`);
  }
  if (optional) return { kind: 'optional', of: element };
  return objectType.kind === 'unsure' ? unsure(element, false) : element;
}

function boolOf(node: Node, taker: string, scope: Scope): Type {
  const type = presentType(node, infer(node, scope), { scope, taker });
  if (type.kind !== 'bool' && type.kind !== 'dyn') throw failAt(node, 'type', `${taker} takes bool, this is ${nameOf(type)}`);
  return BOOL;
}

function negatedType(node: Node, scope: Scope): Type {
  const type = presentType(node, infer(node, scope), { scope, taker: '-' });
  if (type.kind === 'int' || type.kind === 'double' || type.kind === 'dyn') return type;
  throw failAt(node, 'type', `-${nameOf(type)} does not exist`);
}

function binaryType(node: BinaryNode, scope: Scope): Type {
  const left = infer(node.left, scope);
  const right = infer(node.right, scope);
  switch (node.operator) {
    case '==':
    case '!=':
      if (!comparable(left, right)) throw noOperation(node, left, right);
      return BOOL;
    case 'in':
      return membershipType(node, { left, right, scope });
    case '<':
    case '<=':
    case '>':
    case '>=':
      return orderType(node, { left, right, scope });
    default:
      return arithmeticType(node, { left, right, scope });
  }
}

interface Operands {
  left: Type;
  right: Type;
  scope: Scope;
}

function membershipType(node: BinaryNode, { left, right, scope }: Operands): Type {
  const within = presentType(node.right, right, { scope, taker: 'in' });
  const element = within.kind === 'list' ? within.of : within.kind === 'map' ? within.key : within.kind === 'record' ? STRING : DYN;
  if (!['list', 'map', 'record', 'dyn'].includes(within.kind) || !comparable(left, element)) throw noOperation(node, left, within);
  return BOOL;
}

function orderType(node: BinaryNode, { left, right, scope }: Operands): Type {
  const one = presentType(node.left, left, { scope, taker: node.operator });
  const other = presentType(node.right, right, { scope, taker: node.operator });
  for (const type of [one, other]) {
    if (type.kind !== 'dyn' && !ORDERED.includes(type.kind)) throw noOperation(node, one, other);
  }
  if (!comparable(one, other)) throw noOperation(node, one, other);
  return BOOL;
}

function arithmeticType(node: BinaryNode, { left, right, scope }: Operands): Type {
  const one = presentType(node.left, left, { scope, taker: node.operator });
  const other = presentType(node.right, right, { scope, taker: node.operator });
  const matches = (type: Type, name: string) => type.kind === 'dyn' || type.kind === name;
  const overloads = ARITHMETIC[node.operator as keyof typeof ARITHMETIC];
  const found = overloads.filter(([first, second]) => matches(one, first) && matches(other, second));
  if (found.length === 0) throw noOperation(node, one, other);
  if (found.length > 1) return DYN;
  const result = found[0]![2];
  if (result === 'list') return one.kind === 'list' && other.kind === 'list' ? listOf(joined(one.of, other.of) ?? DYN) : listOf(DYN);
  return typeOfName(result as 'int');
}

function noOperation(node: BinaryNode, left: Type, right: Type) {
  const [one, other] = [nameOf(sure(left)), nameOf(sure(right))];
  const numbers = ['int', 'uint', 'double'];
  const mixesNumbers = one !== other && numbers.includes(one) && numbers.includes(other);
  const advice = mixesNumbers ? `, convert one side with ${one === 'uint' || other === 'uint' ? 'int()' : 'double() or int()'}` : '';
  return failAt(node, 'type', `${one} ${node.operator} ${other} does not exist${advice}`);
}

/** What one operand says of a value holds in all: where it does not, that operand decides, and errors of the others do not count. */
function logicType({ operator, operands }: LogicNode, scope: Scope): Type {
  const inner = withPresent(scope, operands.flatMap(operator === '&&' ? presentWhenTrue : presentWhenFalse));
  for (const operand of operands) boolOf(operand, operator, inner);
  return BOOL;
}

function conditionalType(node: ConditionalNode, scope: Scope): Type {
  boolOf(node.test, '?', scope);
  const yes = infer(node.yes, withPresent(scope, presentWhenTrue(node.test)));
  const no = infer(node.no, withPresent(scope, presentWhenFalse(node.test)));
  const type = joined(yes, no);
  if (type !== undefined) return type;
  throw failAt(node, 'type', `ternary branches must have the same type, got '${nameOf(yes)}' and '${nameOf(no)}': wrap one in dyn()`);
}

function allJoined(types: readonly Type[]): Type {
  return types.reduce<Type | null>((all, type) => (all === null ? type : (joined(all, type) ?? DYN)), null) ?? DYN;
}

const KEY_KINDS: readonly string[] = ['string', 'int', 'uint', 'bool', 'dyn'];

function mapType({ entries }: MapNode, scope: Scope): Type {
  const seen = new Set<unknown>();
  for (const { key } of entries) {
    checkKey(key, scope);
    if (key.op !== 'literal') continue;
    const canonical = canonicalKey(key.value);
    if (seen.has(canonical)) throw failAt(key, 'type', `the map has the key ${textOf(scope, key)} twice`);
    seen.add(canonical);
  }
  return mapOf(allJoined(entries.map(({ key }) => scope.types.get(key)!)), allJoined(entries.map(({ value }) => infer(value, scope))));
}

function checkKey(key: Node, scope: Scope): void {
  if (key.op === 'name' && !key.absolute && !scope.locals.has(key.name) && !scope.variables.has(key.name)) {
    throw failAt(key, 'unknown-name', `unknown name "${key.name}": a key of a map is quoted, '${key.name}'`);
  }
  const type = presentType(key, infer(key, scope), { scope, taker: 'a key of a map' });
  scope.types.set(key, type);
  if (KEY_KINDS.includes(type.kind)) return;
  throw failAt(key, 'type', `a key of a map is string, int, uint or bool, this is ${nameOf(type)}`);
}

function macroType({ macro, range, variable, condition, body }: MacroNode, scope: Scope): Type {
  const type = presentType(range, infer(range, scope), { scope, taker: `${macro}()` });
  const item = type.kind === 'list' ? type.of : type.kind === 'map' ? type.key : type.kind === 'record' ? STRING : DYN;
  if (!['list', 'map', 'record', 'dyn'].includes(type.kind)) {
    throw failAt(range, 'type', `${macro}() takes a list or a map, this is ${nameOf(type)}`);
  }
  const inner = withLocal(scope, variable, item);
  if (macro !== 'map') {
    boolOf(body, `${macro}()`, inner);
    return macro === 'filter' ? listOf(item) : BOOL;
  }
  if (condition === null) return listOf(infer(body, inner));
  boolOf(condition, 'map()', inner);
  return listOf(infer(body, withPresent(inner, presentWhenTrue(condition))));
}
