/** A JSON body as the event it stands for: no number is rounded on the way. */
import { didYouMean } from '@sagafleet/expressions';
import type { UnknownField } from '@sagafleet/registry';

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

/** Longest name that an answer repeats: a body can have one of 900 kB. */
const MAX_SHOWN = 200;

/** @throws BodyError that names each field with its path, and the name that was likely meant */
export function rejectUnknownFields(fields: readonly UnknownField[]): void {
  if (fields.length === 0) return;
  throw new BodyError(fields.map(describe).join('; '));
}

function describe({ path, name, known }: UnknownField): string {
  const hint = name.length > MAX_SHOWN ? '' : didYouMean(name, known);
  return `unknown field "${path.length > MAX_SHOWN ? `${path.slice(0, MAX_SHOWN)}…` : path}"${hint || ': leave it out'}`;
}
