import { FETCH } from '../wire/fetch.ts';
import { METADATA } from '../wire/metadata.ts';
import { LIST_OFFSETS, OFFSET_FETCH } from '../wire/offsets.ts';
import type { Api } from '../wire/request.ts';
import { DESCRIBE_PRODUCERS, DESCRIBE_TRANSACTIONS, INIT_PRODUCER_ID, TXN_OFFSET_COMMIT } from '../wire/transactions.ts';

/** What a broker answers, by API key. */
export type ApiVersions = Readonly<Record<number, { minVersion: number; maxVersion: number }>>;

const ALWAYS: readonly Api[] = [FETCH, METADATA, INIT_PRODUCER_ID, OFFSET_FETCH, LIST_OFFSETS];
const WITH_TRANSACTIONS: readonly Api[] = [DESCRIBE_PRODUCERS, DESCRIBE_TRANSACTIONS, TXN_OFFSET_COMMIT];

/** Requests that a worker sends and this broker does not take, with their versions: too old, or a service that hides them. */
export function missingApis(offered: ApiVersions, { transactions }: { transactions: boolean }): string[] {
  const needed = transactions ? [...ALWAYS, ...WITH_TRANSACTIONS] : ALWAYS;
  return needed
    .filter(({ apiKey, apiVersion }) => {
      const versions = offered[apiKey];
      return !versions || apiVersion < versions.minVersion || apiVersion > versions.maxVersion;
    })
    .map(({ apiName, apiVersion }) => `${apiName} (version ${apiVersion})`);
}
