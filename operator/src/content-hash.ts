import { createHash } from 'node:crypto';

/** A short name for a text: equal texts, equal hashes. */
export function contentHash(text: string, length = 16): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

/** JSON whose bytes depend on the content alone: keys sorted, indented, one line end at the end. */
export function stableJson(value: unknown): string {
  return `${JSON.stringify(value, (_key, part: unknown) => (isPlainObject(part) ? Object.fromEntries(Object.entries(part).sort(byKey)) : part), 2)}\n`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}
