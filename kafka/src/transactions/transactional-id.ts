import { type Patience, typeOf, untilReady } from '../admin/until-ready.ts';
import type { Connections } from '../connections/connections.ts';
import { CONCURRENT_TRANSACTIONS, COORDINATOR_MOVES, INVALID_PRODUCER_EPOCH, NOT_COORDINATOR } from '../wire/error-codes.ts';
import { errorOf } from '../wire/request.ts';
import {
  COORDINATOR,
  describeTransactionsRequest,
  endTxnRequest,
  findCoordinatorRequest,
  initProducerIdRequest,
  type ProducerIdentity,
  type TransactionDescription,
} from '../wire/transactions.ts';
import { type Ending, lastEnding, LONGEST_TIMEOUT_MS, type Purpose, purposeOf, timeoutFor } from './purpose.ts';

/** The last transaction is still being ended, or the coordinator is being elected or loads its log. */
export const FENCING: Patience = {
  soonOver: new Set(['CONCURRENT_TRANSACTIONS', ...COORDINATOR_MOVES]),
  forMs: 20_000,
  lastWaitMs: 250,
};
/** The same, at a coordinator that was found earlier: once it has moved, waiting does not bring it back; the next takeover of the id looks it up again. */
const AT_THE_COORDINATOR_FOUND: Patience = {
  ...FENCING,
  soonOver: new Set([...FENCING.soonOver].filter((type) => type !== NOT_COORDINATOR)),
};
/** Somebody else fenced since the state was read. */
const OVERTAKEN = ['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH'];
const TRANSACTIONAL_ID_NOT_FOUND = 105;
/** Behind it a coordinator hands out another producer id (`TransactionMetadata.isEpochExhausted`), which cannot end what the first left open. */
const LAST_EPOCH = 2 ** 15 - 2;
/** Leaves epochs for many successors that fail, before one of them has nothing left to end. */
const LAST_WORKING_EPOCH = LAST_EPOCH - 64;

export interface TransactionalIdOptions {
  transactionalId: string;
  transactionTimeoutMs: number;
  /** Asked before each attempt to fence: a caller that is not the owner any more must not throw the new one out. */
  throwIfOver(): void;
  /** Of the connections. Requests of one id keep their order, also over an error. */
  lane: string;
}

export interface Fenced {
  identity: ProducerIdentity;
  coordinator: number;
  ending: Ending;
  before: ProducerIdentity | null;
}

/** A transactional id, fenced in two steps: first to look after what the last holder left behind, then to write. */
export class TransactionalId {
  readonly #connections: Connections;
  readonly #options: TransactionalIdOptions;

  constructor(connections: Connections, options: TransactionalIdOptions) {
    this.#connections = connections;
    this.#options = options;
  }

  /**
   * No earlier holder can write when this resolves, and its last transaction is complete for the coordinator.
   * The ending is read before and stored with the new epoch, in one step with the proof that nobody came between.
   */
  async takeOver(): Promise<Fenced> {
    return untilReady(FENCING, async () => {
      this.#options.throwIfOver();
      const coordinator = await this.#findCoordinator();
      const found = await this.describe(coordinator);
      if (!found) return { identity: await this.#init(coordinator, 'work', null), coordinator, ending: 'unknown', before: null };
      try {
        return await this.#takeOverFrom(found, coordinator);
      } catch (error) {
        throw OVERTAKEN.includes(typeOf(error) ?? '') ? errorOf(CONCURRENT_TRANSACTIONS) : error;
      }
    });
  }

  async wasUsed(): Promise<boolean> {
    return untilReady(FENCING, async () => {
      this.#options.throwIfOver();
      return (await this.describe(await this.#findCoordinator())) !== null;
    });
  }

  /**
   * The epoch to write with. Never compared with an expected one, since a coordinator would give the same epoch to two who
   * expect the same. @throws where anybody has fenced since
   */
  async beginWork({ identity, coordinator }: Fenced): Promise<ProducerIdentity> {
    for (let before = identity; ;) {
      const working = await untilReady(AT_THE_COORDINATOR_FOUND, () => this.#init(coordinator, 'work', null));
      if (!isNext(working, before) && before.producerEpoch < LAST_EPOCH) throw errorOf(INVALID_PRODUCER_EPOCH);
      if (working.producerEpoch <= LAST_WORKING_EPOCH) return working;
      before = working;
    }
  }

  /**
   * Stores how the last transaction is to end. Another taker that holds the same epoch may have decided otherwise, and gets the
   * same one again: what is stored in the end counts for both. @throws where anybody has fenced since
   */
  async decide(fenced: Fenced, ending: Exclude<Ending, 'unknown'>): Promise<Fenced> {
    const identity = await untilReady(AT_THE_COORDINATOR_FOUND, () => this.#init(fenced.coordinator, ending, fenced.identity));
    const stored = await this.completed(fenced.coordinator);
    if (String(stored?.producerId) !== identity.producerId || stored!.producerEpoch !== identity.producerEpoch)
      throw errorOf(INVALID_PRODUCER_EPOCH);
    // The other one may be ending it already
    const marked = purposeOf(stored!.timeoutMs);
    return { ...fenced, identity, ending: stored!.state === 'Ongoing' && marked !== 'work' ? marked : lastEnding(stored!) };
  }

  /** Null where the id was never used, or not for so long that the coordinator has dropped it. */
  async describe(coordinator: number): Promise<TransactionDescription | null> {
    const request = describeTransactionsRequest([this.#options.transactionalId]);
    const {
      transactions: [found],
    } = await this.#connections.send({ nodeId: coordinator, lane: this.#options.lane }, request);
    if (found!.errorCode === TRANSACTIONAL_ID_NOT_FOUND) return null;
    if (found!.errorCode !== 0) throw errorOf(found!.errorCode);
    return found!;
  }

  /** When the coordinator holds the open transaction for complete. */
  async completed(coordinator: number): Promise<TransactionDescription | null> {
    return untilReady(AT_THE_COORDINATOR_FOUND, async () => {
      this.#options.throwIfOver();
      const found = await this.describe(coordinator);
      if (found?.state.startsWith('Prepare')) throw errorOf(CONCURRENT_TRANSACTIONS);
      return found;
    });
  }

  /** After each answer that nothing can be done yet, the state is read again. */
  async #takeOverFrom(found: TransactionDescription, coordinator: number): Promise<Fenced> {
    const before = { producerId: String(found.producerId), producerEpoch: found.producerEpoch };
    const purpose = purposeOf(found.timeoutMs);
    if (found.state.startsWith('Prepare')) throw errorOf(CONCURRENT_TRANSACTIONS);
    if (found.state === 'Ongoing' && purpose === 'commit') return this.#finish(before, coordinator);
    if (found.state === 'Ongoing' && purpose === 'work') {
      // Succeeds only where the transaction has ended since: by a commit, if the epoch was not raised meanwhile. Which it
      // was shows only then, and this process may end before it can say so
      const taken: Fenced = { identity: await this.#init(coordinator, 'unknown', null), coordinator, ending: 'unknown', before };
      return isNext(taken.identity, before) ? this.decide(taken, 'commit') : taken;
    }
    const ending = found.state === 'Ongoing' ? 'abort' : lastEnding(found);
    return { identity: await this.#init(coordinator, ending, before), coordinator, ending, before };
  }

  /** A holder before was about to commit what was open, with no record of its own: an abort would discard it. */
  async #finish(holder: ProducerIdentity, coordinator: number): Promise<never> {
    const { transactionalId, lane } = this.#options;
    const request = endTxnRequest({ ...holder, transactionalId, transactionResult: true });
    await this.#connections.send({ nodeId: coordinator, lane }, request);
    throw errorOf(CONCURRENT_TRANSACTIONS);
  }

  async #init(coordinator: number, purpose: Purpose, expected: ProducerIdentity | null): Promise<ProducerIdentity> {
    const { transactionTimeoutMs } = this.#options;
    if (purpose === 'work') return this.#initWithin(coordinator, timeoutFor(purpose, transactionTimeoutMs), expected);
    try {
      return await this.#initWithin(coordinator, timeoutFor(purpose, LONGEST_TIMEOUT_MS), expected);
    } catch (error) {
      if (typeOf(error) !== 'INVALID_TRANSACTION_TIMEOUT') throw error;
      return this.#initWithin(coordinator, timeoutFor(purpose, transactionTimeoutMs), expected);
    }
  }

  async #initWithin(nodeId: number, timeoutMs: number, expected: ProducerIdentity | null): Promise<ProducerIdentity> {
    const { transactionalId, throwIfOver, lane } = this.#options;
    throwIfOver();
    return this.#connections.send({ nodeId, lane }, initProducerIdRequest({ transactionalId, timeoutMs, expected }));
  }

  async #findCoordinator(): Promise<number> {
    const request = findCoordinatorRequest({ groupId: this.#options.transactionalId, coordinatorType: COORDINATOR.transaction });
    return (await this.#connections.sendToAny(request)).coordinator.nodeId;
  }
}

function isNext(identity: ProducerIdentity, before: ProducerIdentity): boolean {
  return identity.producerId === before.producerId && identity.producerEpoch === before.producerEpoch + 1;
}

/** Producers of all tasks share these connections: a broker handles one request of a connection at a time, also while it waits for replicas. */
const WRITE_LANES = 4;
let nextLane = 0;

/** The same for the same transactional id, so that its requests keep their order also over an error. */
export function writeLaneOf(transactionalId: string | null): string {
  const number = transactionalId === null ? nextLane++ : [...transactionalId].reduce((sum, character) => sum + character.charCodeAt(0), 0);
  return `write-${number % WRITE_LANES}`;
}
