import { closest, distance } from 'fastest-levenshtein';

/** The name that was likely meant, or null when none is near. */
export function nearestName(name: string, known: Iterable<string>): string | null {
  const candidates = [...known];
  if (candidates.length === 0) return null;
  const plain = name.toLowerCase();
  const same = candidates.find((candidate) => candidate.toLowerCase() === plain);
  if (same !== undefined) return same;
  const nearest = closest(name, candidates);
  return distance(name, nearest) <= Math.max(1, Math.floor(name.length / 3)) ? nearest : null;
}

/** `, did you mean "status"?`, or nothing when no known name is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === null ? '' : `, did you mean "${nearest}"?`;
}
