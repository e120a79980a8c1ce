/** The time in which nothing came out of a partition. */
export interface Silence {
  beganAtMs: number;
  endedAtMs: number;
}

/**
 * The longest time without a record that touches the span from `fromMs` to the last record.
 * @param seenAtMs when records came out, ascending, at least one of them after `fromMs`
 */
export function longestSilence(seenAtMs: readonly number[], fromMs: number): Silence {
  let longest: Silence = { beganAtMs: fromMs, endedAtMs: fromMs };
  seenAtMs.forEach((endedAtMs, at) => {
    const beganAtMs = seenAtMs[at - 1] ?? fromMs;
    if (endedAtMs >= fromMs && endedAtMs - beganAtMs > longest.endedAtMs - longest.beganAtMs) longest = { beganAtMs, endedAtMs };
  });
  return longest;
}
