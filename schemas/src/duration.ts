/** Pattern of a duration in a SagaStep: whole numbers with a unit, one after another (`500ms`, `1m30s`). */
export const DURATION_PATTERN = '^([0-9]{1,6}(ms|s|m|h))+$';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as `5s`; a RangeError for text that is none. */
export function parseDurationMs(text: string): number {
  if (!new RegExp(DURATION_PATTERN).test(text)) {
    throw new RangeError(`"${text}" is no duration, write one such as 500ms, 5s or 1m30s`);
  }
  let total = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+)(ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return total;
}
