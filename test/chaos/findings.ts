import type { Finding, FindingKind } from './judge.ts';

const EXAMPLES = 5;

/** Counted by kind, with the first few of each. */
export class Findings {
  readonly #byKind = new Map<FindingKind, { count: number; examples: string[] }>();

  add(kind: FindingKind, example: string): void {
    const found = this.#byKind.get(kind) ?? { count: 0, examples: [] };
    found.count++;
    if (found.examples.length < EXAMPLES) found.examples.push(example);
    this.#byKind.set(kind, found);
  }

  all(): Finding[] {
    return [...this.#byKind].map(([kind, found]) => ({ kind, ...found }));
  }
}
