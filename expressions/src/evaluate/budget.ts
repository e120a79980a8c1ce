/** What one evaluation may cost. Counted, not timed: the same record costs the same on every machine. */
import { ExpressionError } from '../errors.ts';
import { BYTES_PER_ENTRY, BYTES_PER_ITEM, CHARACTERS_PER_STEP } from '../functions/signature.ts';
import { kindOf } from '../values/kind.ts';
import { sizeOfMap } from '../values/maps.ts';

export interface CostLimits {
  /** Items that macros go through; functions and comparisons count by the size of what they look through. */
  steps: number;
  /** Size of the strings, bytes, lists and maps that the evaluation builds, those that it drops included. */
  bytes: number;
}

export const DEFAULT_LIMITS: CostLimits = { steps: 1_000_000, bytes: 16 * 1024 * 1024 };

/** An error costs more than an item does, and `||` and `exists()` may pass over any number of them. */
const STEPS_PER_ERROR = 40;
const QUOTED_CHARACTERS = 200;

export class Budget {
  readonly #limits: CostLimits;
  readonly #text: string;
  #steps = 0;
  #bytes = 0;

  constructor(text: string, limits: CostLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  reset(): void {
    this.#steps = 0;
    this.#bytes = 0;
  }

  /** @throws ExpressionError `cost` */
  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > this.#limits.steps) throw this.#exceeded(`takes more than ${this.#limits.steps} steps`);
  }

  passOverError(): void {
    this.step(STEPS_PER_ERROR);
  }

  buildItems(count: number): void {
    this.build(count * BYTES_PER_ITEM);
  }

  buildEntries(count: number): void {
    this.build(count * BYTES_PER_ENTRY);
  }

  /** @throws ExpressionError `cost` */
  build(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes) throw this.#exceeded(`builds more than ${this.#limits.bytes} bytes`);
  }

  /** Counts what a function gave. */
  buildValue(value: unknown): void {
    if (typeof value === 'string') this.build(value.length);
    else if (typeof value === 'object' && value !== null) this.build(sizeOf(value));
  }

  /** Counts strings and bytes that are looked through. */
  lookThrough(value: unknown): void {
    if (typeof value === 'string' || value instanceof Uint8Array) this.step(value.length / CHARACTERS_PER_STEP);
  }

  #exceeded(what: string): ExpressionError {
    const text = this.#text.length > QUOTED_CHARACTERS ? `${this.#text.slice(0, QUOTED_CHARACTERS)}…` : this.#text;
    return new ExpressionError('cost', `the expression ${what}; loop over less or build less: ${text}`);
  }
}

function sizeOf(value: object): number {
  if (Array.isArray(value))
    return value.reduce<number>((size, item) => size + BYTES_PER_ITEM + (typeof item === 'string' ? item.length : 0), 0);
  if (value instanceof Uint8Array) return value.length;
  return kindOf(value) === 'map' ? sizeOfMap(value) * BYTES_PER_ENTRY : 0;
}
