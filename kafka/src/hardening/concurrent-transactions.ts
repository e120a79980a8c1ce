import { setTimeout as delay } from 'node:timers/promises';
import type { Override, Prototype } from './override.ts';

const CONCURRENT_TRANSACTIONS = 'CONCURRENT_TRANSACTIONS';

const FIRST_RETRY_MS = 4;
const LAST_RETRY_MS = 20;
const MAX_RETRIES = 100;

type Call = (this: unknown, request: object) => Promise<unknown>;
type BrokerClass = Prototype<Record<(typeof PATIENT_CALLS)[number], Call>>;

/** The requests that open the next transaction, refused as long as the markers of the last are being written. */
const PATIENT_CALLS = ['addPartitionsToTxn', 'addOffsetsToTxn'] as const;

const patient = new WeakSet<Call>();

/**
 * A coordinator answers CONCURRENT_TRANSACTIONS for a few milliseconds after a commit. kafkajs gives up
 * the transaction on AddOffsetsToTxn, and on AddPartitionsToTxn refreshes its metadata and starts the
 * whole send again. The answer has no side effect, so the same request is sent again.
 */
function patiently(call: Call): Call {
  async function callPatiently(this: unknown, request: object): Promise<unknown> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await call.call(this, request);
      } catch (error) {
        const isConcurrent = (error as { type?: string }).type === CONCURRENT_TRANSACTIONS;
        if (!isConcurrent || attempt === MAX_RETRIES) throw error;
      }
      await delay(Math.min(FIRST_RETRY_MS * 1.5 ** attempt, LAST_RETRY_MS));
    }
  }
  patient.add(callPatiently);
  return callPatiently;
}

export const concurrentTransactions: Override = {
  name: 'concurrent-transactions',
  install: (internals) => {
    const { prototype } = internals.load('broker') as BrokerClass;
    for (const name of PATIENT_CALLS) prototype[name] = patiently(prototype[name]);
  },
  isActive: (internals) => {
    const { prototype } = internals.load('broker') as BrokerClass;
    return PATIENT_CALLS.every((name) => patient.has(prototype[name]));
  },
};
