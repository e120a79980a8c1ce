/**
 * A registry's answer → its data, or what went wrong (Confluent Schema Registry API, "Errors").
 *
 * What something else on the way answers (a proxy, a gateway, a login page) must never look like what a
 * registry says of a schema: a refusal counts by a code that the API documents for the very call, with
 * the status that belongs to it, and data by its fields.
 */
import { RegistryError } from './errors.ts';
import type { RegistryErrorCode } from './errors.ts';
import type { Answer } from './transport.ts';

export interface Expected<T> {
  /** Codes that the API documents for this call, and what they mean. */
  refusals: Readonly<Record<number, RegistryErrorCode>>;
  isData(body: unknown): body is T;
}

export interface SchemaReference {
  name: string;
  subject: string;
  version: number;
}
export interface SchemaAnswer {
  schema: string;
  schemaType?: string | null;
  references?: SchemaReference[] | null;
}
export interface VersionAnswer extends SchemaAnswer {
  id: number;
  version: number;
}

/** Answers leave it out. */
export const AVRO = 'AVRO';

const UNKNOWN_SUBJECT = { 40401: 'subject-unknown', 40402: 'subject-unknown', 42202: 'subject-unknown' } as const;

/** By call. */
export const EXPECTED = {
  schemaById: { refusals: { 40403: 'schema-unknown' }, isData: isSchema },
  version: { refusals: UNKNOWN_SUBJECT, isData: isVersion },
  lookup: { refusals: { 40401: 'subject-unknown', 40403: 'schema-unknown', 42201: 'invalid-schema' }, isData: isPlace },
  subjects: { refusals: {}, isData: (body): body is string[] => isListOf(body, (item) => typeof item === 'string') },
  register: {
    refusals: { 409: 'incompatible', 42201: 'invalid-schema' },
    isData: (body): body is { id: number } => isObject(body) && isNumber(body['id']),
  },
  // 40408: no level is set on the subject (Confluent Platform 6.2 and later)
  level: { refusals: { 40401: 'subject-unknown', 40408: 'subject-unknown' }, isData: isLevel },
  setLevel: { refusals: {}, isData: isObject },
  compatibility: { refusals: { ...UNKNOWN_SUBJECT, 42201: 'invalid-schema' }, isData: isCompatibility },
} satisfies Record<string, Expected<unknown>>;

/** @param asked the registry's URL, and what it was asked for @throws {RegistryError} */
export function dataOf<T>(asked: { url: string; what: string }, { refusals, isData }: Expected<T>, { status, body }: Answer): T {
  const answered = `registry ${asked.url} answered ${status} when asked for ${asked.what}`;
  if (status >= 200 && status < 300) {
    if (isData(body)) return body;
    throw new RegistryError('unexpected-answer', `${answered}, but not as a registry does: check its URL`);
  }
  const refusal = isObject(body) ? body : {};
  const reason = typeof refusal['message'] === 'string' ? `: ${refusal['message']}` : '';
  throw new RegistryError(documentedCode(refusals, status, refusal['error_code']) ?? codeOfStatus(status), answered + reason);
}

function documentedCode(refusals: Expected<unknown>['refusals'], status: number, errorCode: unknown): RegistryErrorCode | undefined {
  if (!isNumber(errorCode) || Number(String(errorCode).slice(0, 3)) !== status) return undefined;
  return refusals[errorCode];
}

function codeOfStatus(status: number): RegistryErrorCode {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 429 || status >= 500) return 'unreachable';
  return 'unexpected-answer';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** Absent, or null as some registries write it. */
function isAbsentOr(value: unknown, isValue: (value: unknown) => boolean): boolean {
  return value === undefined || value === null || isValue(value);
}

function isReference(value: unknown): boolean {
  return isObject(value) && typeof value['subject'] === 'string' && isNumber(value['version']);
}

function isSchema(body: unknown): body is SchemaAnswer {
  return (
    isObject(body) &&
    typeof body['schema'] === 'string' &&
    isAbsentOr(body['schemaType'], (type) => typeof type === 'string') &&
    isAbsentOr(body['references'], (references) => isListOf(references, isReference)) &&
    // No registry takes an Avro schema that is not JSON
    ((body['schemaType'] ?? AVRO) !== AVRO || isJson(body['schema']))
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isPlace(body: unknown): body is { id: number; version: number } {
  return isObject(body) && isNumber(body['id']) && isNumber(body['version']);
}

function isVersion(body: unknown): body is VersionAnswer {
  return isSchema(body) && isPlace(body);
}

function isLevel(body: unknown): body is { compatibilityLevel: string } {
  return isObject(body) && typeof body['compatibilityLevel'] === 'string';
}

function isCompatibility(body: unknown): body is { is_compatible: boolean; messages?: string[] | null } {
  return (
    isObject(body) &&
    typeof body['is_compatible'] === 'boolean' &&
    isAbsentOr(body['messages'], (messages) => isListOf(messages, (message) => typeof message === 'string'))
  );
}
