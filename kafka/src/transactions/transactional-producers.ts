import { setTimeout as delay } from 'node:timers/promises';
import { typeOf, untilReady } from '../admin/until-ready.ts';
import type { Connections } from '../connections/connections.ts';
import { coordinatorOf, type TopicPartitionOffset } from '../group/group-offsets.ts';
import { type ProtocolRequest } from '../kafkajs/private-shape.ts';
import { BatchProducer } from '../produce/batch-producer.ts';
import { UNSTABLE_OFFSET_COMMIT } from '../wire/error-codes.ts';
import type { HeaderPair } from '../wire/fetched-record.ts';
import { type CommittedAnswer, offsetFetchRequest } from '../wire/offsets.ts';
import { throwUnlessOk } from '../wire/request.ts';
import { addOffsetsToTxnRequest, addPartitionsToTxnRequest, byTopic, endTxnRequest, type TopicPartitions } from '../wire/transactions.ts';
import { firstHeadersOf } from './first-record.ts';
import { HungTransaction } from './hung-transaction.ts';
import { type OpenTransaction, OpenTransactions } from './open-transactions.ts';
import type { Ending } from './purpose.ts';
import { Settlements } from './settlements.ts';
import { type Fenced, TransactionalId, writeLaneOf } from './transactional-id.ts';

export interface TransactionalProducersOptions {
  group: string;
  /** Topics that the transactions write to. */
  outputs: readonly string[];
  /** After this long without a commit the broker aborts a transaction. */
  transactionTimeoutMs: number;
  /** Milliseconds, monotonic. */
  now?: () => number;
}

/** Who holds a transactional id, and which positions of the group are its own. */
export interface Holder {
  transactionalId: string;
  inputs: TopicPartitions[];
  /** Asked before each step: a caller that is not the owner any more must not throw the new one out, nor go on waiting. */
  throwIfOver(): void;
  /**
   * Whether the input that a record comes from, as its headers tell, is known to have been committed.
   * @param committed positions of the inputs; one that the transaction itself moves is missing
   */
  isBehind(headers: readonly HeaderPair[], committed: readonly TopicPartitionOffset[]): boolean;
  /** The position of an input that a member of the group knows to be committed; null where none does. */
  toldPosition(topic: string, partition: number): bigint | null;
}

/** Of a transactional id: producers that may have left something open, and when ending it had no effect. */
interface Suspects {
  producerIds: Set<string>;
  hung: { at: number; open: OpenTransaction | null } | null;
}
interface LeftOpen {
  outputs: OpenTransaction[];
  hasPositions: boolean;
  committed: CommittedAnswer[];
}

/** An ending that meets the same fault again is repeated; one without effect would be for ever. */
const ATTEMPTS = 8;
/** How rarely it is tried again after that: each try uses up epochs, and the last one ends the producer id. */
const HUNG_RETRY_MS = 300_000;
const UNSTABLE_ATTEMPTS = 4;
const WAIT_MS = 50;
const NO_POSITION = -1n;
const ENDING_STARTS = { soonOver: new Set(['CONCURRENT_TRANSACTIONS']), forMs: 10_000, lastWaitMs: 50 };

/** The transactional producers of a process, for one group. They share how they look for what is left open. */
export class TransactionalProducers {
  readonly #connections: Connections;
  readonly #options: TransactionalProducersOptions;
  readonly #open: OpenTransactions;
  readonly #settlements: Settlements;
  readonly #suspects = new Map<string, Suspects>();
  readonly #now: () => number;

  constructor(connections: Connections, options: TransactionalProducersOptions) {
    this.#connections = connections;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#open = new OpenTransactions(connections, options.outputs);
    this.#settlements = new Settlements(connections, { group: options.group, topics: options.outputs }, this.#open);
  }

  /**
   * When this resolves no earlier holder of the id can write, and what its last transaction wrote is visible or aborted,
   * also where the coordinator left markers out. It writes once `activate` was called.
   * @throws HungTransaction: asked again soon it only looks, so a caller may wait longer before each repetition
   */
  async open(holder: Holder): Promise<BatchProducer> {
    // After an error leaders may be others
    await this.#connections.leaders.look();
    await this.#throwIfStillHung(holder);
    const { transactionalId } = holder;
    const [id, lane] = [this.#idOf(holder), writeLaneOf(transactionalId)];
    const fenced = await this.#endWhatIsOpen(id, await id.takeOver(), holder);
    return new BatchProducer(this.#connections, {
      lane,
      identity: fenced.identity,
      transactions: {
        transactionalId,
        coordinator: fenced.coordinator,
        settlements: this.#settlements,
        beginWork: () => id.beginWork(fenced),
      },
    });
  }

  /**
   * For a caller without transactions: the same for what one with transactions left behind under this id. A caller that may
   * not use the id never had any. @throws HungTransaction
   */
  async endLeftOpen(holder: Holder): Promise<void> {
    try {
      if (await this.#idOf(holder).wasUsed()) await (await this.open(holder)).close();
    } catch (error) {
      if (typeOf(error) !== 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED') throw error;
    }
  }

  #idOf({ transactionalId, throwIfOver }: Holder): TransactionalId {
    const { transactionTimeoutMs } = this.#options;
    return new TransactionalId(this.#connections, {
      transactionalId,
      transactionTimeoutMs,
      throwIfOver,
      lane: writeLaneOf(transactionalId),
    });
  }

  async #throwIfStillHung(holder: Holder): Promise<void> {
    const { producerIds, hung } = this.#suspectsOf(holder);
    if (!hung || this.#now() - hung.at >= HUNG_RETRY_MS) return;
    const { outputs, hasPositions } = await this.#leftOpen(producerIds, holder);
    // Another one may be of an owner in between, which is to be fenced
    const { open } = hung;
    const isThere = open
      ? outputs.some((each) => each.topic === open.topic && each.partition === open.partition && each.since === open.since)
      : hasPositions;
    if (isThere) throw new HungTransaction(holder.transactionalId, { group: this.#options.group, open });
    this.#suspectsOf(holder).hung = null;
  }

  #suspectsOf({ transactionalId }: Holder): Suspects {
    const known = this.#suspects.get(transactionalId) ?? { producerIds: new Set(), hung: null };
    this.#suspects.set(transactionalId, known);
    return known;
  }

  async #endWhatIsOpen(id: TransactionalId, taken: Fenced, holder: Holder): Promise<Fenced> {
    const suspects = this.#suspectsOf(holder);
    // The coordinator forgets the one before with this answer
    for (const each of [taken.identity, taken.before]) if (each) suspects.producerIds.add(each.producerId);
    let fenced = taken;
    for (let attempt = 0; ; attempt++) {
      holder.throwIfOver();
      const left = await this.#leftOpen(suspects.producerIds, holder);
      if (left.outputs.length === 0 && !left.hasPositions) {
        this.#suspects.delete(holder.transactionalId);
        return fenced;
      }
      this.#throwIfHung(left, fenced, { holder, attempt });
      const ending = fenced.ending === 'commit' ? 'commit' : await this.#decide(left, holder);
      if (ending !== fenced.ending) fenced = await id.decide(fenced, ending);
      // Another taker may have ended it in a way that is not the one stored last: look again
      if (fenced.ending === 'unknown') continue;
      await this.#repeatEnding(fenced, left, holder);
      await id.completed(fenced.coordinator);
    }
  }

  /** Without a record: the markers end what is open in these partitions. */
  async #repeatEnding({ identity, coordinator, ending }: Fenced, { outputs, hasPositions }: LeftOpen, holder: Holder): Promise<void> {
    const { transactionalId, throwIfOver } = holder;
    const transaction = { ...identity, transactionalId };
    const to = { nodeId: coordinator, lane: writeLaneOf(transactionalId) };
    const topics = byTopic(outputs);
    const begin = (request: ProtocolRequest<unknown>) =>
      untilReady(ENDING_STARTS, () => {
        throwIfOver();
        return this.#connections.send(to, request);
      });
    if (topics.length > 0) await begin(addPartitionsToTxnRequest({ ...transaction, topics }));
    if (hasPositions) await begin(addOffsetsToTxnRequest({ ...transaction, groupId: this.#options.group }));
    await this.#connections.send(to, endTxnRequest({ ...transaction, transactionResult: ending === 'commit' }));
  }

  async #leftOpen(producerIds: ReadonlySet<string>, holder: Holder): Promise<LeftOpen> {
    const [outputs, committed] = await Promise.all([this.#open.look(), this.#stablePositions(holder)]);
    return {
      outputs: outputs.filter(({ producerId }) => producerIds.has(String(producerId))),
      hasPositions: committed.some(({ errorCode }) => errorCode === UNSTABLE_OFFSET_COMMIT),
      committed,
    };
  }

  /** A marker that was just written may not be applied yet. */
  async #stablePositions({ inputs, throwIfOver }: Holder): Promise<CommittedAnswer[]> {
    for (let attempt = 1; ; attempt++) {
      throwIfOver();
      const answer = await this.#fetchOffsets(inputs, true);
      const isUnstable = answer.partitions.some(({ errorCode }) => errorCode === UNSTABLE_OFFSET_COMMIT);
      for (const { errorCode } of answer.partitions) if (errorCode !== UNSTABLE_OFFSET_COMMIT) throwUnlessOk(errorCode);
      if (!isUnstable || attempt === UNSTABLE_ATTEMPTS) return answer.partitions;
      await delay(WAIT_MS);
    }
  }

  async #fetchOffsets(inputs: readonly TopicPartitions[], isStable: boolean): Promise<{ partitions: CommittedAnswer[] }> {
    const { group } = this.#options;
    const answer = await this.#connections.send(await coordinatorOf(this.#connections, group), offsetFetchRequest(group, inputs, isStable));
    throwUnlessOk(answer.errorCode);
    return answer;
  }

  #throwIfHung({ outputs }: LeftOpen, { identity }: Fenced, { holder, attempt }: { holder: Holder; attempt: number }): void {
    const foreign = outputs.find(({ producerId }) => String(producerId) !== identity.producerId);
    if (!foreign && attempt < ATTEMPTS) return;
    const open = foreign ?? outputs[0] ?? null;
    this.#suspectsOf(holder).hung = { at: this.#now(), open };
    throw new HungTransaction(holder.transactionalId, { group: this.#options.group, open });
  }

  /**
   * Where the coordinator cannot say, or says that it was an abort: a commit if its effects were seen, else nobody has seen
   * anything of it. A coordinator that has an entry no other replica has may carry out a commit, and lose it to a successor that aborts.
   */
  async #decide({ outputs, committed }: LeftOpen, { isBehind, toldPosition }: Holder): Promise<Exclude<Ending, 'unknown'>> {
    const held = committed.filter(({ errorCode }) => errorCode === UNSTABLE_OFFSET_COMMIT);
    if (held.length > 0) {
      // A member learns a position when its commit was acknowledged: one behind what the group shows is in what is open
      const { partitions } = await this.#fetchOffsets(byTopic(held), false);
      for (const { errorCode } of partitions) throwUnlessOk(errorCode);
      if (partitions.some(({ topic, partition, offset }) => (toldPosition(topic, partition) ?? NO_POSITION) > offset)) return 'commit';
    }
    const positions = committed.filter(({ errorCode, offset }) => errorCode === 0 && offset >= 0n);
    for (const open of outputs) {
      const headers = await firstHeadersOf(this.#connections, open);
      if (headers && isBehind(headers, positions)) return 'commit';
    }
    return 'abort';
  }
}
