/** Values that an event can hold: those that Avro has. */
import type { Library } from '../functions/library.ts';
import { childrenOf, type Node } from '../syntax/tree.ts';
import { kindOf, TYPE_VALUES, type ValueKind } from './kind.ts';
import { entryOf, KeyedMap, keysOf } from './maps.ts';
import { UnsignedInt } from './special.ts';

/** For each kind that Avro does not have, what to write in its place. */
export const ADVICE: Readonly<Partial<Record<ValueKind, string>>> = {
  uint: 'convert it with int()',
  timestamp: 'convert it with string() or int()',
  duration: 'convert it with string() or getSeconds()',
  type: 'leave it out',
};
const KEYS_ADVICE = 'convert the keys with string()';

/** What an event holds that Avro does not have, null where there is nothing of it. */
export function foreignTo(event: unknown): string | null {
  // Not recursive: a record may be nested deeper than the stack allows
  const left: unknown[] = [event];
  while (left.length > 0) {
    const value = left.pop();
    const kind = kindOf(value);
    const advice = ADVICE[kind];
    if (advice !== undefined) return `an event cannot hold a value of type ${kind}; ${advice}`;
    if (value instanceof KeyedMap) return `an event cannot hold a map whose keys are not strings; ${KEYS_ADVICE}`;
    if (kind === 'list') for (const item of value as unknown[]) left.push(item);
    if (kind === 'map') for (const key of keysOf(value as object)) left.push(entryOf(value as object, key));
  }
  return null;
}

/** Can the expression make such a value at all? Of most it is known beforehand, and their events are not looked through. */
export function mayBeForeign(node: Node, library: Library): boolean {
  return makesForeign(node, library) || childrenOf(node).some((child) => mayBeForeign(child, library));
}

function makesForeign(node: Node, library: Library): boolean {
  switch (node.op) {
    case 'literal':
      return node.value instanceof UnsignedInt;
    case 'name':
      return TYPE_VALUES.has(node.name) || node.name === 'google';
    case 'map':
      return node.entries.some(({ key }) => key.op !== 'literal' || typeof key.value !== 'string');
    case 'call':
      return library.get(node.name)?.some(({ result }) => Object.hasOwn(ADVICE, result.kind)) ?? false;
    default:
      return false;
  }
}
