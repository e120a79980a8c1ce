/** JSON of an event: ints beyond 2^53 become decimal text, bytes base64; nothing is rounded. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, replace, indent);
}

function replace(this: unknown, _key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  // Buffer's own toJSON has run before: it is recognised by its form
  if (isBufferJson(value)) return Buffer.from(value.data).toString('base64');
  return value;
}

function isBufferJson(value: unknown): value is { type: 'Buffer'; data: number[] } {
  const candidate = value as { type?: unknown; data?: unknown } | null;
  return typeof value === 'object' && candidate?.type === 'Buffer' && Array.isArray(candidate.data);
}

/** Parses JSON with whole numbers as BigInt, as Avro ints are everywhere. */
export function parseExactJson(text: string): unknown {
  const exact = (_key: string, value: unknown, context: { source?: string }) =>
    typeof value === 'number' && /^-?\d+$/.test(context.source ?? '') ? BigInt(context.source!) : value;
  return (JSON.parse as (text: string, reviver: typeof exact) => unknown)(text, exact);
}
