/**
 * What a failure means for whoever asked, the same in every package. What happens next because of it is decided in one
 * place, the worker's `decide.ts`.
 *
 * - `permanent`: repeated, it fails the same way. A record becomes a dead letter, a request or a manifest is rejected.
 * - `transient`: repeated, it may succeed, and nothing else is affected meanwhile.
 * - `systemic`: what everything depends on (broker, registry, topic, permission) is unavailable or set up wrongly. Nothing
 *   succeeds until that changes, and no record is at fault.
 * - `fatal`: the process cannot go on.
 */
export type Consequence = 'permanent' | 'transient' | 'systemic' | 'fatal';

const CONSEQUENCES: readonly unknown[] = ['permanent', 'transient', 'systemic', 'fatal'] satisfies Consequence[];

/** The consequence that an error carries; null where it carries none, as an error that nobody expected. */
export function consequenceOf(error: unknown): Consequence | null {
  const carried = (error as { consequence?: unknown } | null | undefined)?.consequence;
  return CONSEQUENCES.includes(carried) ? (carried as Consequence) : null;
}
