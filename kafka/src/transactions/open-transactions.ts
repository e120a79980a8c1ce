import { type Patience, untilReady } from '../admin/until-ready.ts';
import type { Connections } from '../connections/connections.ts';
import { listOffsetsRequest, LOG_END, type OffsetAnswer } from '../wire/offsets.ts';
import { throwUnlessOk } from '../wire/request.ts';
import { byTopic, describeProducersRequest, type PartitionProducers, type Place, type TopicPartitions } from '../wire/transactions.ts';

/** A partition holds records of a transaction that has not ended there, from `since` on. */
export interface OpenTransaction {
  topic: string;
  partition: number;
  producerId: bigint;
  since: bigint;
}

const LANE = 'offsets';
/** A partition's leader is being elected. */
const LEADERS_COME: Patience = {
  soonOver: new Set([
    'LEADER_NOT_AVAILABLE',
    'NOT_LEADER_FOR_PARTITION',
    'REPLICA_NOT_AVAILABLE',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
  ]),
  forMs: 10_000,
  lastWaitMs: 250,
};
/** A leader that was just elected does not know where the committed records end, or they end before its time (KIP-207). */
const OFFSET_NOT_AVAILABLE = 78;
/** An answer lists every producer of the last day. */
const PARTITIONS_PER_REQUEST = 50;

/** Transactions that partitions hold open, whatever their coordinators say of them. */
export class OpenTransactions {
  readonly #connections: Connections;
  readonly #topics: readonly string[];
  #looking: Promise<OpenTransaction[]> | null = null;
  #next: Promise<OpenTransaction[]> | null = null;

  /** @param topics where to look */
  constructor(connections: Connections, topics: readonly string[]) {
    this.#connections = connections;
    this.#topics = topics;
  }

  /** In all partitions of the topics, by a look that begins after this call: who comes while one is under way shares the next. */
  look(): Promise<OpenTransaction[]> {
    if (!this.#looking) {
      this.#looking = this.#lookEverywhere().finally(() => {
        this.#looking = null;
      });
      return this.#looking;
    }
    const share = () => {
      this.#next = null;
      return this.look();
    };
    this.#next ??= this.#looking.then(share, share);
    return this.#next;
  }

  /** In these partitions. */
  async in(partitions: readonly TopicPartitions[]): Promise<OpenTransaction[]> {
    return untilReady(LEADERS_COME, async () => {
      await this.#connections.leaders.look(partitions.map(({ topic }) => topic));
      return this.#lookInto(partitions.flatMap(({ topic, partitions: its }) => its.map((partition) => ({ topic, partition }))));
    });
  }

  #lookEverywhere(): Promise<OpenTransaction[]> {
    const { leaders } = this.#connections;
    return untilReady(LEADERS_COME, async () => {
      await leaders.look(this.#topics);
      return this.#lookInto(
        this.#topics.flatMap((topic) => leaders.expect(topic).partitions.map(({ partition }) => ({ topic, partition }))),
      );
    });
  }

  async #lookInto(places: readonly Place[]): Promise<OpenTransaction[]> {
    const { leaders } = this.#connections;
    const byLeader = Map.groupBy(places, ({ topic, partition }) => leaders.expectLeader(topic, partition).leader);
    const found = await Promise.all([...byLeader].map(([leader, its]) => this.#askLeader(leader, its)));
    return found.flat();
  }

  /** Producers are asked for only where the stable records end before the others: their list is long. */
  async #askLeader(nodeId: number, places: readonly Place[]): Promise<OpenTransaction[]> {
    const destination = { nodeId, lane: LANE };
    const topics = byTopic(places);
    const [stable, all] = await Promise.all(
      [true, false].map((isCommitted) => this.#connections.send(destination, listOffsetsRequest(topics, { time: LOG_END, isCommitted }))),
    );
    const ends = new Map(all!.partitions.map((end) => [placeOf(end), end]));
    const doubtful = stable!.partitions.filter((end) => !isSame(end, ends.get(placeOf(end))!));
    const open: OpenTransaction[] = [];
    for (let at = 0; at < doubtful.length; at += PARTITIONS_PER_REQUEST) {
      const request = describeProducersRequest(byTopic(doubtful.slice(at, at + PARTITIONS_PER_REQUEST)));
      open.push(...(await this.#connections.send(destination, request)).partitions.flatMap(openIn));
    }
    return open;
  }
}

function openIn({ topic, partition, errorCode, producers }: PartitionProducers): OpenTransaction[] {
  throwUnlessOk(errorCode);
  return producers.flatMap(({ producerId, openSince }) => (openSince === null ? [] : [{ topic, partition, producerId, since: openSince }]));
}

function isSame(stable: OffsetAnswer, end: OffsetAnswer): boolean {
  for (const { errorCode } of [stable, end]) {
    if (errorCode !== OFFSET_NOT_AVAILABLE) throwUnlessOk(errorCode);
  }
  return stable.errorCode === 0 && end.errorCode === 0 && stable.offset === end.offset;
}

export function placeOf({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}
