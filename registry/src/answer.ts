/** A registry's answer → its data, or what went wrong (Confluent Schema Registry API, "Errors"). */
import { RegistryError } from './errors.ts';
import type { RegistryErrorCode } from './errors.ts';

/** As the transport gives it: also for refusals and for calls that got no answer. */
export interface Answer { status(): number; error(): Error | null; data(): unknown }
export interface Asked { what: string; url: string }

const CODES: Record<number, RegistryErrorCode> = {
  40401: 'subject-unknown', 40402: 'subject-unknown', 40403: 'schema-unknown',
  // No level is set on the subject (Confluent Platform 6.2 and later).
  40408: 'subject-unknown',
  409: 'incompatible', 42201: 'invalid-schema', 42202: 'subject-unknown',
};

/** @throws {RegistryError} */
export function dataOf(asked: Asked, answer: Answer): unknown {
  const cause = answer.error();
  if (cause) throw new RegistryError('unreachable', `registry ${asked.url} can not be reached, asked for ${asked.what}: ${cause.message}`, { cause });
  const status = answer.status();
  const data = answer.data();
  if (status >= 200 && status < 300 && typeof data === 'object' && data !== null) return data;
  const refusal = (typeof data === 'object' && data !== null ? data : {}) as { error_code?: number; message?: string };
  const reason = refusal.message ? `: ${refusal.message}` : '';
  throw new RegistryError(codeOf(status, refusal.error_code), `registry ${asked.url} answered ${status} when asked for ${asked.what}${reason}`);
}

function codeOf(status: number, errorCode: number | undefined): RegistryErrorCode {
  const known = CODES[errorCode ?? status];
  if (known) return known;
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 429 || status >= 500) return 'unreachable';
  return 'unexpected-answer';
}
