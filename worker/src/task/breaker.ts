/**
 * Stops a task whose records nearly all become dead letters: then the registry, a schema, an expression or the deployment
 * is wrong more likely than the records, and going on would move the whole topic to the dead letters.
 */

/** Dead letters of one task in input order, with no success between. */
export interface Streak {
  readonly count: number;
  /** As many as are needed to know that it is not one key alone. */
  readonly keys: ReadonlySet<string>;
  /** How many there are of each cause, and what one of them said. */
  readonly causes: ReadonlyMap<string, { count: number; message: string }>;
}

export const NO_STREAK: Streak = { count: 0, keys: new Set(), causes: new Map() };
/** Of fewer keys it may be the keys. */
const MIN_KEYS = 3;

/** @param letter `key` names the record itself where it has no key; `cause` is the same for many, `message` is not */
export function withDeadLetter(
  { count, keys, causes }: Streak,
  { key, cause, message }: { key: string; cause: string; message: string },
): Streak {
  return {
    count: count + 1,
    keys: keys.size < MIN_KEYS ? new Set(keys).add(key) : keys,
    causes: new Map(causes).set(cause, { count: (causes.get(cause)?.count ?? 0) + 1, message }),
  };
}

/** @param stopAfter dead letters in a row; 0: never */
export function isTripped({ count, keys }: Streak, stopAfter: number): boolean {
  return stopAfter > 0 && count >= stopAfter && keys.size >= MIN_KEYS;
}

export function commonestCause({ causes }: Streak): { cause: string; count: number; message: string } {
  const [cause, most] = [...causes].reduce((first, each) => (each[1].count > first[1].count ? each : first));
  return { cause, ...most };
}
