import { setTimeout as delay } from 'node:timers/promises';
import { typeOf } from '../admin/until-ready.ts';
import type { Connections } from '../connections/connections.ts';
import { coordinatorOf } from '../group/group-offsets.ts';
import { CONCURRENT_TRANSACTIONS, COORDINATOR_MOVES, INVALID_PRODUCER_EPOCH } from '../wire/error-codes.ts';
import { type ClusterMetadata, metadataRequest } from '../wire/metadata.ts';
import { offsetFetchRequest } from '../wire/offsets.ts';
import { errorOf, throwUnlessOk } from '../wire/request.ts';
import {
  byTopic,
  describeTransactionsRequest,
  type Place,
  type ProducerIdentity,
  type TopicPartitions,
  type TransactionDescription,
} from '../wire/transactions.ts';
import { LeaderView } from './leader-view.ts';
import { type OpenTransactions, placeOf } from './open-transactions.ts';

/** A transaction whose end was acknowledged. */
export interface Ended {
  transactionalId: string;
  identity: ProducerIdentity;
  coordinator: number;
  /** Leaders as the coordinator's broker knew them before it began. */
  before: LeaderView;
  outputs: TopicPartitions[];
  positions: TopicPartitions[];
}

/** The coordinator calls a transaction complete and has not written all of its markers (ADR 10). */
export class MarkersMissing extends Error {
  override readonly name = 'MarkersMissing';
}

interface Waiting {
  ended: Ended;
  since: number;
  resolve: () => void;
  reject: (error: Error) => void;
}
interface View {
  payload: Buffer;
  metadata: ClusterMetadata;
  leaders: LeaderView;
}

const LANE = 'settle';
/** Markers take some milliseconds; transactions that end meanwhile are looked after together. */
const PAUSE_MS = 4;
/** A coordinator that cannot reach a leader goes on trying for as long as it takes. */
const ENDS_WITHIN_MS = 10_000;
const UNSTABLE_FOR_MS = 1_000;
const UNSTABLE = 'UNSTABLE_OFFSET_COMMIT';
const MOVING: ReadonlySet<string> = new Set(COORDINATOR_MOVES);
const UNKNOWN = -1;

/**
 * Whether the markers of a transaction were written. EndTxn is answered before that, and a coordinator leaves out
 * partitions that have no leader where it looks, its own broker's metadata. A leader that goes raises the partition's
 * leader epoch. So where that broker shows the same epoch before the transaction began and after it was complete,
 * nothing was left out; where it does not, the partition itself is asked. One round for all transactions that wait.
 */
export class Settlements {
  readonly #connections: Connections;
  readonly #group: string;
  readonly #topics: readonly string[];
  readonly #open: OpenTransactions;
  readonly #waiting = new Map<number, Waiting[]>();
  readonly #views = new Map<number, View>();
  #groupCoordinator: Promise<{ nodeId: number }> | null = null;

  /** @param topics that the transactions write to */
  constructor(connections: Connections, { group, topics }: { group: string; topics: readonly string[] }, open: OpenTransactions) {
    this.#connections = connections;
    this.#group = group;
    this.#topics = topics;
    this.#open = open;
  }

  /** Leaders as that broker knew them when it was asked last; it was, by `look`. */
  latestView(coordinator: number): LeaderView {
    return this.#views.get(coordinator)!.leaders;
  }

  /**
   * Resolves when all markers are written.
   * @throws MarkersMissing, or whatever kept it from finding out: the outcome is a commit in any case
   */
  settle(ended: Ended): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(ended.coordinator) ?? [];
    waiting.push({ ended, since: performance.now(), resolve, reject });
    if (!this.#waiting.has(ended.coordinator)) {
      this.#waiting.set(ended.coordinator, waiting);
      void this.#run(ended.coordinator, waiting);
    }
    return promise;
  }

  async #run(coordinator: number, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      await delay(PAUSE_MS);
      const all = waiting.splice(0);
      try {
        waiting.push(...(await this.#round(coordinator, all)));
      } catch (error) {
        this.#groupCoordinator = null;
        for (const { reject } of all) reject(error as Error);
      }
    }
    this.#waiting.delete(coordinator);
  }

  /** Returns those that have to wait for another round. */
  async #round(coordinator: number, all: readonly Waiting[]): Promise<Waiting[]> {
    const request = describeTransactionsRequest(all.map(({ ended }) => ended.transactionalId));
    const { transactions } = await this.#connections.send({ nodeId: coordinator, lane: LANE }, request);
    const states = new Map(transactions.map((found) => [found.transactionalId, found]));
    const complete: Waiting[] = [];
    const busy: Waiting[] = [];
    for (const each of all) {
      const found = states.get(each.ended.transactionalId);
      if (found?.errorCode !== 0) {
        each.reject(errorOf(found?.errorCode ?? UNKNOWN));
        continue;
      }
      const state = stateOf(each.ended, found);
      if (state === 'complete') complete.push(each);
      else if (state === 'busy' && performance.now() - each.since < ENDS_WITHIN_MS) busy.push(each);
      else each.reject(errorOf(state === 'busy' ? CONCURRENT_TRANSACTIONS : INVALID_PRODUCER_EPOCH));
    }
    if (complete.length === 0) return busy;
    // Asked only now: what these brokers know is younger than the end of the transactions
    const [leaders, troubles] = await Promise.all([this.look(coordinator), this.#positionTroubles(complete)]);
    const unsettled = complete.filter((each) => !this.#conclude(each, leaders, troubles));
    return [...busy, ...unsettled];
  }

  #conclude({ ended, since, resolve, reject }: Waiting, leaders: LeaderView, troubles: ReadonlyMap<string, Error>): boolean {
    const its = ended.positions.flatMap(({ topic, partitions }) =>
      partitions.flatMap((partition) => troubles.get(placeOf({ topic, partition })) ?? []),
    );
    const [worst] = its.sort((a, b) => patienceWith(a) - patienceWith(b));
    if (worst && performance.now() - since < patienceWith(worst)) return false;
    if (typeOf(worst) === UNSTABLE) {
      reject(new MarkersMissing(`positions of group ${this.#group} are held by a transaction that the coordinator calls complete`));
    } else if (worst) reject(worst);
    else if (leaders.hasKept(ended.before, ended.outputs)) resolve();
    else this.#search(ended).then(resolve, reject);
    return true;
  }

  /** Leaders have changed meanwhile. */
  async #search({ identity, outputs }: Ended): Promise<void> {
    const open = await this.#open.in(outputs);
    const ours = open.find(({ producerId }) => String(producerId) === identity.producerId);
    if (ours) throw new MarkersMissing(`${ours.topic}/${ours.partition} holds a transaction open that its coordinator calls complete`);
  }

  /** Why a position cannot be taken for the last one, by its place. */
  async #positionTroubles(complete: readonly Waiting[]): Promise<Map<string, Error>> {
    const places = complete.flatMap(({ ended }) =>
      ended.positions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition }))),
    );
    const troubles = await this.#askGroup(places).catch((error: Error) => {
      if (!MOVING.has(typeOf(error) ?? '')) throw error;
      return new Map(places.map((place) => [placeOf(place), error]));
    });
    if ([...troubles.values()].some((error) => MOVING.has(typeOf(error) ?? ''))) this.#groupCoordinator = null;
    return troubles;
  }

  async #askGroup(places: readonly Place[]): Promise<Map<string, Error>> {
    this.#groupCoordinator ??= coordinatorOf(this.#connections, this.#group);
    const { nodeId } = await this.#groupCoordinator;
    const answer = await this.#connections.send({ nodeId, lane: LANE }, offsetFetchRequest(this.#group, byTopic(places), true));
    throwUnlessOk(answer.errorCode);
    return new Map(answer.partitions.filter(({ errorCode }) => errorCode !== 0).map((each) => [placeOf(each), errorOf(each.errorCode)]));
  }

  /** Most answers are the same as the one before, byte for byte, and need no decoding. */
  async look(coordinator: number): Promise<LeaderView> {
    const known = this.#views.get(coordinator);
    const request = metadataRequest(this.#topics);
    let payload: Buffer | null = null;
    const metadata = await this.#connections.send(
      { nodeId: coordinator, lane: LANE },
      {
        ...request,
        response: {
          ...request.response,
          decode: async (received) => {
            payload = received;
            return known?.payload.equals(received)
              ? (known.metadata as Awaited<ReturnType<typeof request.response.decode>>)
              : request.response.decode(received);
          },
        },
      },
    );
    if (metadata === known?.metadata) return known.leaders;
    const view = { payload: Buffer.from(payload!), metadata, leaders: LeaderView.of(metadata) };
    this.#views.set(coordinator, view);
    return view.leaders;
  }
}

function stateOf({ identity }: Ended, found: TransactionDescription): 'complete' | 'busy' | 'over' {
  if (String(found.producerId) !== identity.producerId || found.producerEpoch !== identity.producerEpoch) return 'over';
  return found.state === 'CompleteCommit' ? 'complete' : found.state === 'PrepareCommit' ? 'busy' : 'over';
}

/** How long it may take until such a trouble is over. */
function patienceWith(trouble: Error): number {
  const type = typeOf(trouble) ?? '';
  return type === UNSTABLE ? UNSTABLE_FOR_MS : MOVING.has(type) ? ENDS_WITHIN_MS : 0;
}
