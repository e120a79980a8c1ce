/** A JSON body as the event it stands for: no number is rounded on the way. */

export class BodyError extends Error {
  override readonly name = 'BodyError';
}

/**
 * Integers become BigInt, as Avro ints and longs are everywhere in a step.
 * @throws BodyError that says where the text is no JSON, or that it is no object
 */
export function parseBody(bytes: Buffer): Record<string, unknown> {
  const body = parse(toText(bytes));
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new BodyError(
      `the body must be a JSON object, not ${Array.isArray(body) ? 'a list' : body === null ? 'null' : `a ${typeof body}`}`,
    );
  }
  return body as Record<string, unknown>;
}

/** A wrong byte read as U+FFFD would make one key of two. */
function toText(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new BodyError('the body is not UTF-8', { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return (JSON.parse as (text: string, reviver: Reviver) => unknown)(text, exactInteger);
  } catch (error) {
    throw new BodyError(`body is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}

type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** ECMAScript proposal "JSON.parse source text access": the digits as they stand in the body. */
const exactInteger: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
