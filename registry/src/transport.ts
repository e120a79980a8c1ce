/**
 * HTTP, paths and authentication of `@kafkajs/confluent-schema-registry`, used one layer below its
 * `SchemaRegistry` class: that one hands out parsed types instead of texts, fails on a registered
 * schema whose field default is wrong, and its `register` throws unless it is told the subject's
 * compatibility level.
 */
import { createRequire } from 'node:module';
import type * as RegistryApi from '@kafkajs/confluent-schema-registry/dist/api/index.js';
import type { Answer } from './answer.ts';

/** Required, since Node and vitest disagree on what the default import of such a module is. */
const registryApi = createRequire(import.meta.url)('@kafkajs/confluent-schema-registry/dist/api/index.js') as (typeof RegistryApi)['default'];

export interface TransportOptions { url: string; username?: string; password?: string }

/**
 * Answers by the request that they refuse. The library's errors drop the registry's error code, without
 * which an unknown schema can not be told from a wrong URL; its retry policy alone sees whole answers.
 * One map for all clients, since the library merges their policies into one object.
 */
const refusals = new WeakMap<object, Answer>();

/**
 * A refusal is not repeated; a lost connection is, which a kept-alive socket needs. What answers the last
 * retry is not noted, so the loss before it is what the caller hears of.
 */
const RETRY = {
  retries: 2,
  initialRetryTimeInSecs: 0.05,
  enableRetry: () => true,
  validateRetry(refusal: Answer & { request(): object }) {
    refusals.set(refusal.request(), refusal);
    return false;
  },
};

/** Calls resolve with the answer, whatever its status. */
export function openTransport({ url, username, password }: TransportOptions) {
  return registryApi.default({
    host: url,
    clientId: 'sagafleet',
    retry: RETRY,
    middlewares: [() => ({
      response: async (next, _renew, request) => {
        try {
          return await next();
        } catch (error) {
          const refusal = refusals.get(request);
          if (!refusal) throw error;
          return refusal as never;
        }
      },
    })],
    ...(username === undefined ? {} : { auth: { username, password: password ?? '' } }),
  });
}
