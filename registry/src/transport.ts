/**
 * HTTP, paths and authentication of `@kafkajs/confluent-schema-registry`, used one layer below its
 * `SchemaRegistry` class: that one hands out parsed types instead of texts, fails on a registered
 * schema whose field default is wrong, and its `register` throws unless it is told the subject's
 * compatibility level.
 *
 * Retries and the deadline are done here: the library's retries look at the answers that it loses
 * (see {@link resolveRefusals}), and its time-out starts again with each byte.
 */
import { createRequire } from 'node:module';
import { setTimeout as wait } from 'node:timers/promises';
import type * as RegistryApi from '@kafkajs/confluent-schema-registry/dist/api/index.js';
import { RegistryError } from './errors.ts';

/** Required, since Node and vitest disagree on what the default import of such a module is. */
const { default: openApi } = createRequire(import.meta.url)(
  '@kafkajs/confluent-schema-registry/dist/api/index.js',
) as (typeof RegistryApi)['default'];

export interface TransportOptions {
  /** With or without base path, trailing slash and credentials. */
  url: string;
  username?: string;
  password?: string;
  /** From the call to the last byte of its answer. */
  timeoutMs: number;
}

type Api = ReturnType<typeof openApi>;
type Response = Awaited<ReturnType<Api['Schema']['find']>>;

/** One call of the library; `params` go along with those of the call. It is repeated when a connection is lost. */
export type Call = (api: Api, params: { signal: AbortSignal }) => Promise<Response>;

/** Whatever its status; `body` undefined where it is not JSON. */
export interface Answer {
  status: number;
  body: unknown;
}

/** A lost connection is tried again, which a kept-alive socket needs; every call may be repeated. */
const RETRY_AFTER_MS = [50, 100];

export class Transport {
  /** For messages: without trailing slash and credentials. */
  readonly url: string;
  readonly #timeoutMs: number;
  readonly #api: Api;

  constructor({ url, username, password, timeoutMs }: TransportOptions) {
    const split = splitUrl(url);
    const auth = username === undefined ? split.auth : { username, password: password ?? '' };
    this.url = split.url;
    this.#timeoutMs = timeoutMs;
    this.#api = openApi({ host: this.url, clientId: 'sagafleet', retry: { enableRetry: () => false }, ...(auth === null ? {} : { auth }) });
    resolveRefusals(this.#api);
  }

  /** @throws {RegistryError} `unreachable` where no whole answer comes in time */
  async ask(what: string, call: Call): Promise<Answer> {
    // The library would ask this host, port 80
    if (!URL.canParse(this.url)) throw this.#unreachable(`cannot be reached, asked for ${what}: its URL is not valid`);
    const late = Promise.withResolvers<never>();
    const over = new AbortController();
    const timer = setTimeout(() => {
      late.reject(this.#unreachable(`did not answer within ${this.#timeoutMs} ms, asked for ${what}`));
      over.abort();
    }, this.#timeoutMs);
    try {
      // The library never comes back from a connection that is lost half way through an answer
      return await Promise.race([this.#answer(what, call, over.signal), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #answer(what: string, call: Call, signal: AbortSignal): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const response = await call(this.#api, { signal });
      const loss = response.error() as (Error & { code?: string }) | null;
      if (loss === null) return { status: response.status(), body: parsed(response.rawData()) };
      const retryAfterMs = RETRY_AFTER_MS[attempt];
      if (signal.aborted || retryAfterMs === undefined) {
        // That of several addresses has a code alone
        throw this.#unreachable(`cannot be reached, asked for ${what}: ${loss.message || loss.code}`, loss);
      }
      await wait(retryAfterMs, undefined, { signal });
    }
  }

  #unreachable(how: string, cause?: Error): RegistryError {
    return new RegistryError('unreachable', `registry ${this.url} ${how}`, cause && { cause });
  }
}

/**
 * Calls resolve with the response, also a refusal's and that of a lost connection, which has an `error()`.
 *
 * A rejection must not reach the library's error middleware: it drops the registry's error code, without
 * which an unknown schema cannot be told from a wrong URL, and where the body is `null` it throws inside
 * a catch handler, which ends the process in an unhandled rejection. What the library takes as
 * `middlewares` comes after that one; the first of the manifest's list is the one next to HTTP.
 *
 * @throws {Error} where the library is made in another way than that of the version in `package.json`
 */
export function resolveRefusals(api: object): void {
  const { middleware } = (api as { _manifest?: { middleware?: unknown } })._manifest ?? {};
  if (!Array.isArray(middleware)) {
    throw new Error(
      '@kafkajs/confluent-schema-registry is not the version that the registry package is pinned to: its client has no list of middleware',
    );
  }
  middleware.unshift(() => ({
    response: (next: () => Promise<Response>) => next().catch((refusal: Response) => refusal),
  }));
}

/** Messages must not show credentials; the library takes them as options. */
function splitUrl(text: string): { url: string; auth: { username: string; password: string } | null } {
  const withoutSlash = (url: string) => url.replace(/\/+$/, '');
  // Not valid for a character in its password, maybe
  if (!URL.canParse(text)) return { url: withoutSlash(text.replace(/\/\/.*@/, '//')), auth: null };
  const url = new URL(text);
  if (url.username === '' && url.password === '') return { url: withoutSlash(text), auth: null };
  const auth = { username: decoded(url.username), password: decoded(url.password) };
  url.username = '';
  url.password = '';
  return { url: withoutSlash(url.href), auth };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    return undefined;
  }
}
