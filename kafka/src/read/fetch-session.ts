import type { Connections } from '../connections/connections.ts';
import { type ProtocolRequest } from '../kafkajs/private-shape.ts';
import { type FetchAnswer, type FetchedPartition, fetchRequest, type PartitionFetch, type PartitionPlace } from '../wire/fetch.ts';
import { errorOf } from '../wire/request.ts';

const NONE = 0;
/** FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR */
const FORGOTTEN: ReadonlySet<number> = new Set([70, 71, 106]);
const LAST_EPOCH = 2 ** 31 - 1;

export interface FetchLimits {
  maxWaitMs: number;
  maxBytes: number;
}

/**
 * An incremental fetch session with one broker (KIP-227): only what changed since the last request is sent, and
 * only partitions that brought something are answered, so that idle partitions cost nothing. One
 * request at a time.
 */
export class FetchSession {
  readonly #send: (request: ProtocolRequest<FetchAnswer>) => Promise<FetchAnswer>;
  #session = { id: NONE, epoch: 0 };
  /** What the broker knows of the session, by partition. */
  #known = new Map<string, PartitionFetch>();

  constructor(connections: Pick<Connections, 'send'>, nodeId: number, lane: string) {
    this.#send = (request) => connections.send({ nodeId, lane }, request);
  }

  /** Committed records of these partitions; none of them where the broker has forgotten the session: ask again. */
  async fetch(wanted: readonly PartitionFetch[], limits: FetchLimits): Promise<FetchedPartition[]> {
    const { changed, forgotten } = this.#changes(wanted);
    try {
      const answer = await this.#send(fetchRequest({ session: this.#session, partitions: changed, forgotten, ...limits }));
      return this.#taken(answer);
    } catch (error) {
      // What the broker made of the request is not known
      this.#restart();
      throw error;
    }
  }

  #changes(wanted: readonly PartitionFetch[]): { changed: PartitionFetch[]; forgotten: PartitionPlace[] } {
    const left = new Map(this.#known);
    const changed: PartitionFetch[] = [];
    for (const fetch of wanted) {
      const name = `${fetch.topicId}/${fetch.partition}`;
      const known = left.get(name);
      left.delete(name);
      if (known && known.offset === fetch.offset && known.leaderEpoch === fetch.leaderEpoch && known.maxBytes === fetch.maxBytes) continue;
      changed.push(fetch);
      this.#known.set(name, fetch);
    }
    for (const name of left.keys()) this.#known.delete(name);
    return { changed, forgotten: [...left.values()] };
  }

  #taken({ errorCode, sessionId, partitions }: FetchAnswer): FetchedPartition[] {
    if (FORGOTTEN.has(errorCode) && this.#session.id !== NONE) {
      this.#restart();
      return [];
    }
    if (errorCode !== 0) throw errorOf(errorCode);
    // A broker without room for sessions answers 0: each request is then a whole one
    if (sessionId === NONE) this.#restart();
    else this.#session = { id: sessionId, epoch: epochAfter(this.#session.epoch) };
    return partitions;
  }

  /** With epoch 0 a broker closes the session, if it still has it, and opens another: it keeps a limited number. */
  #restart(): void {
    this.#session = { id: this.#session.epoch === 0 ? NONE : this.#session.id, epoch: 0 };
    this.#known = new Map();
  }
}

/** 0 stands for a new session. */
export function epochAfter(epoch: number): number {
  return epoch === LAST_EPOCH ? 1 : epoch + 1;
}
