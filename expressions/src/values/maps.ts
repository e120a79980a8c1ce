/**
 * Maps. Those with string keys alone are objects, as the codec reads and writes them; others are a `KeyedMap`.
 * A key may have any name, `constructor` and `__proto__` too: only own properties are looked at.
 */
import { UnsignedInt } from './special.ts';

export type MapKey = string | bigint | boolean | UnsignedInt;
/** 1, 1u and 1.0 are one key (langdef.md, "Equality"). */
type CanonicalKey = string | bigint | boolean;

/** Values by canonical key. */
export class KeyedMap extends Map<CanonicalKey, unknown> {
  readonly originals = new Map<CanonicalKey, MapKey>();
}

/** Undefined where no map has such a key. */
export function canonicalKey(key: unknown): CanonicalKey | undefined {
  switch (typeof key) {
    case 'string':
    case 'bigint':
    case 'boolean':
      return key;
    case 'number':
      return Number.isInteger(key) ? BigInt(key) : undefined;
    default:
      return key instanceof UnsignedInt ? key.value : undefined;
  }
}

/** A JavaScript object that is a CEL map: plain, without prototype, or a record of a codec. */
export function isMap(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) {
    // A prototype of JavaScript, not data.
    return !Object.hasOwn(value, 'constructor') || typeof value.constructor !== 'function';
  }
  if (prototype === null || value instanceof Map) return value !== Object.prototype;
  return Object.getPrototypeOf(prototype) === Object.prototype && !Object.hasOwn(prototype as object, 'constructor');
}

/** Undefined where the map has no such key. */
export function entryOf(map: object, key: unknown): unknown {
  if (map instanceof Map) {
    const canonical = canonicalKey(key);
    return canonical === undefined ? undefined : (map.get(canonical) as unknown);
  }
  return typeof key === 'string' && Object.hasOwn(map, key) ? (map as Record<string, unknown>)[key] : undefined;
}

export function keysOf(map: object): MapKey[] {
  if (map instanceof KeyedMap) return [...map.originals.values()];
  return map instanceof Map ? [...(map.keys() as Iterable<MapKey>)] : Object.keys(map);
}

export function sizeOfMap(map: object): number {
  return map instanceof Map ? map.size : Object.keys(map).length;
}

/** Sets an own property, whatever its name. */
export function setField(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  else target[name] = value;
}

/** A new map with the entries of both; those of the patch win. */
export function mergeMaps(base: object, patch: object): object {
  if (base instanceof Map || patch instanceof Map) return mergedByKey(base, patch);
  return { ...base, ...patch };
}

function mergedByKey(base: object, patch: object): object {
  const merged = new KeyedMap();
  for (const map of [base, patch]) {
    for (const key of keysOf(map)) {
      const canonical = canonicalKey(key)!;
      merged.set(canonical, entryOf(map, key));
      merged.originals.set(canonical, key);
    }
  }
  const keys = [...merged.keys()];
  return keys.every((key) => typeof key === 'string') ? (Object.fromEntries(merged) as object) : merged;
}
