import { describe, expect, test } from 'vitest';
import { parseDurationMs } from './duration.ts';

const good: Record<string, number> = { '500ms': 500, '5s': 5000, '2m': 120_000, '24h': 86_400_000, '1m30s': 90_000, '0ms': 0 };
const bad = ['', '5', 's', '1.5s', '-1s', '5 s', '1d', '1m30', '1234567s'];

describe('a duration', () => {
  test.each(Object.entries(good))('%s is %d ms', (text, ms) => expect(parseDurationMs(text)).toBe(ms));
  test.each(bad)('"%s" is refused', (text) => expect(() => parseDurationMs(text)).toThrow(`"${text}" is no duration`));
});
