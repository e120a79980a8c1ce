/** Plain values between the codec and CEL. */

/** A JavaScript object that is a CEL map: plain, without prototype, or a record of a codec. */
export function isMap(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  if (value instanceof Map) return true;
  // A prototype of JavaScript, not data.
  if (Object.hasOwn(value, 'constructor') && typeof value.constructor === 'function') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  return Object.getPrototypeOf(prototype) === Object.prototype && !Object.hasOwn(prototype as object, 'constructor');
}

/** A new map with the entries of both; those of the patch win. Fields may have any name, `__proto__` too. */
export function mergeMaps(base: object, patch: object): object {
  return { ...entriesAsObject(base), ...entriesAsObject(patch) };
}

function entriesAsObject(map: object): object {
  return map instanceof Map ? Object.fromEntries(map) : map;
}

/**
 * The same value with each map as a `Map`, or null if no map in it has a field `constructor`.
 * cel-js tells maps by `value.constructor`, so that such a field makes them unknown to it; a `Map` it knows.
 */
export function shielded(value: unknown): unknown {
  return hasConstructorField(value) ? toMaps(value) : null;
}

function hasConstructorField(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasConstructorField);
  if (!isMap(value)) return false;
  return Object.hasOwn(value, 'constructor') || Object.values(value).some(hasConstructorField);
}

function toMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toMaps);
  if (!isMap(value)) return value;
  return new Map(Object.entries(value).map(([name, field]) => [name, toMaps(field)]));
}

/** The reverse of `shielded`. */
export function unshielded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unshielded);
  if (!isMap(value)) return value;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([name, field]) => [name, unshielded(field)]));
}
