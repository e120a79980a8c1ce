/** Middle value of several rounds, and how far apart they were. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** @param values at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values);
  return { median: medianOf(values), min: sorted[0]!, max: sorted.at(-1)! };
}

/** The mean of the two in the middle where their number is even. */
export function medianOf(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** The smallest value that `percent` of all do not exceed (nearest rank). */
export function percentileOf(values: readonly number[], percent: number): number {
  const sorted = ascending(values);
  return sorted[Math.max(Math.ceil((percent / 100) * sorted.length), 1) - 1]!;
}

function ascending(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('statistics of no values');
  return values.toSorted((a, b) => a - b);
}
