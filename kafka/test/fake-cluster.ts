import { randomBytes } from 'node:crypto';
import { once, EventEmitter } from 'node:events';
import type { Destination } from '../src/connections/connections.ts';
import { Leaders } from '../src/connections/leaders.ts';
import { KafkaError } from '../src/errors.ts';
import { type ProtocolRequest } from '../src/kafkajs/private-shape.ts';
import type { AbortedTransaction, FetchAnswer, FetchedPartition } from '../src/wire/fetch.ts';
import { WireReader } from '../src/wire/flexible.ts';
import type { ClusterMetadata } from '../src/wire/metadata.ts';

interface StoredPartition {
  leader: number | null;
  leaderEpoch: number;
  /** Stands in every answer. */
  errorCode: number;
  start: bigint;
  batches: Buffer[];
  aborted: AbortedTransaction[];
}
interface StoredTopic {
  id: string;
  errorCode: number;
  partitions: StoredPartition[];
}
interface AskedPartition {
  name: string;
  topicId: string;
  partition: number;
  leaderEpoch: number;
  offset: bigint;
  maxBytes: number;
}
/** A fetch as a broker got it. */
export interface SeenFetch {
  nodeId: number;
  lane: string;
  maxWaitMs: number;
  maxBytes: number;
  session: { id: number; epoch: number };
  partitions: AskedPartition[];
  forgotten: string[];
  at: number;
}
interface Session {
  at: string;
  epoch: number;
  partitions: Map<string, AskedPartition>;
}

export const LIMITS = { maxWaitMs: 500, maxBytes: 4 * 1024 * 1024 };
const ERROR = {
  outOfRange: 1,
  unknownTopic: 3,
  notLeader: 6,
  fencedEpoch: 74,
  unknownEpoch: 75,
  unknownTopicId: 100,
  noSession: 70,
  sessionEpoch: 71,
};

/** Brokers as a reader sees them: logs, leaders, and fetch sessions as in KIP-227; in place of `Connections`. */
export class FakeCluster {
  readonly requests: SeenFetch[] = [];
  readonly leaders = new Leaders({ metadata: (names) => this.#metadata(names) });
  readonly #topics = new Map<string, StoredTopic>();
  readonly #down = new Set<number>();
  readonly #sessions = new Map<number, Session>();
  readonly #changes = new EventEmitter().setMaxListeners(0);
  readonly #failures: (Error | { errorCode: number })[] = [];
  #lastSession = 0;
  /** Why no broker tells where leaders are. */
  failLook: Error | null = null;
  #isClosed = false;
  hasSessions = true;
  /** How many of the next answers with records are changed on their way. */
  damages = 0;
  /** Times of questions for metadata. */
  readonly lookedAt: number[] = [];
  readonly #busy = new Set<string>();

  get looks(): number {
    return this.lookedAt.length;
  }

  get sessionIds(): number[] {
    return [...this.#sessions.keys()];
  }

  session(nodeId: number, lane: string): Session | undefined {
    return [...this.#sessions.values()].findLast(({ at }) => at === `${lane}@${nodeId}`);
  }

  createTopic(name: string, { partitions = 1, leader = 1 }: { partitions?: number; leader?: number } = {}): void {
    const created = Array.from({ length: partitions }, (): StoredPartition => ({
      leader,
      leaderEpoch: 0,
      errorCode: 0,
      start: 0n,
      batches: [],
      aborted: [],
    }));
    this.#topics.set(name, { id: randomBytes(16).toString('base64url'), errorCode: 0, partitions: created });
    this.#changed();
  }

  deleteTopic(name: string): void {
    this.#topics.delete(name);
    this.#changed();
  }

  topic(name: string): StoredTopic {
    return this.#topics.get(name)!;
  }

  append(topic: string, partition: number, ...batches: Buffer[]): void {
    this.topic(topic).partitions[partition]!.batches.push(...batches);
    this.#changed();
  }

  update(topic: string, partition: number, change: Partial<StoredPartition>): void {
    Object.assign(this.topic(topic).partitions[partition]!, change);
    this.#changed();
  }

  moveLeader(topic: string, partition: number, leader: number | null): void {
    this.update(topic, partition, { leader, leaderEpoch: this.topic(topic).partitions[partition]!.leaderEpoch + 1 });
  }

  stop(nodeId: number): void {
    this.#down.add(nodeId);
    this.#sessions.clear();
    this.#changed();
  }

  start(nodeId: number): void {
    this.#down.delete(nodeId);
  }

  failNext(failure: Error | { errorCode: number }): void {
    this.#failures.push(failure);
  }

  close(): void {
    this.#isClosed = true;
    this.#changed();
  }

  async send<Answer>({ nodeId, lane }: Destination, request: ProtocolRequest<Answer>): Promise<Answer> {
    if (this.#isClosed) throw new KafkaError('unavailable', 'the connections are closed');
    const seen = { nodeId, lane, ...this.#parse(Buffer.concat((await request.request.encode()).parts)) };
    this.requests.push(seen);
    const name = `${lane}@${nodeId}`;
    // A broker answers one fetch of a session at a time, and holds the others up
    if (this.#busy.has(name)) throw new Error(`a second fetch over ${name} while one is under way`);
    this.#busy.add(name);
    return (await this.#answer(seen).finally(() => this.#busy.delete(name))) as Answer;
  }

  async #answer(seen: SeenFetch): Promise<FetchAnswer> {
    const failure = this.#failures.shift();
    if (failure instanceof Error) throw failure;
    if (failure) return { ...failure, sessionId: 0, partitions: [] };
    const deadline = performance.now() + seen.maxWaitMs;
    const session = this.#sessionFor(seen);
    if (typeof session === 'number') return { errorCode: session, sessionId: 0, partitions: [] };
    for (;;) {
      this.#throwIfAway(seen.nodeId);
      const partitions = this.#read(seen, session);
      const sessionId = this.#idOf(session);
      const records = partitions.find((each) => each.records.length > 0)?.records;
      if (records && this.damages > 0) {
        records[70]! ^= 1;
        this.damages--;
      }
      if (partitions.length > 0) return { errorCode: 0, sessionId, partitions: asViews(partitions) };
      if (performance.now() >= deadline)
        return { errorCode: 0, sessionId, partitions: this.hasSessions ? [] : seen.partitions.map((asked) => empty(asked)) };
      await this.#changeWithin(deadline - performance.now());
    }
  }

  async #changeWithin(ms: number): Promise<void> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), ms);
    await once(this.#changes, 'change', { signal: over.signal }).catch(() => undefined);
    clearTimeout(timer);
  }

  #sessionFor({ nodeId, lane, session: { id, epoch }, partitions, forgotten }: SeenFetch): Session | number {
    if (epoch === 0) {
      this.#sessions.delete(id);
      const opened = { at: `${lane}@${nodeId}`, epoch: 1, partitions: new Map(partitions.map((each) => [each.name, each])) };
      if (this.hasSessions) this.#sessions.set(++this.#lastSession, opened);
      return opened;
    }
    const session = this.#sessions.get(id);
    if (!session) return ERROR.noSession;
    if (session.epoch !== epoch) return ERROR.sessionEpoch;
    session.epoch = epoch === 2 ** 31 - 1 ? 1 : epoch + 1;
    for (const each of partitions) session.partitions.set(each.name, each);
    for (const name of forgotten) session.partitions.delete(name);
    return session;
  }

  #idOf(session: Session): number {
    return [...this.#sessions].find(([, each]) => each === session)?.[0] ?? 0;
  }

  #read({ nodeId, maxBytes }: SeenFetch, session: Session): FetchedPartition[] {
    const answers: FetchedPartition[] = [];
    let left = maxBytes;
    for (const asked of [...session.partitions.values()]) {
      const answer = this.#readPartition(nodeId, asked, answers.length === 0, left);
      if (!answer) continue;
      answers.push(answer);
      left -= answer.records.length;
      // As brokers do: who got something is the last one the next time
      session.partitions.delete(asked.name);
      session.partitions.set(asked.name, asked);
    }
    return answers;
  }

  #readPartition(nodeId: number, asked: AskedPartition, isFirst: boolean, left: number): FetchedPartition | null {
    const { topicId, partition: number, offset, leaderEpoch } = asked;
    const refused = (errorCode: number) => ({ ...empty(asked), errorCode });
    const partition = this.#byId(topicId)?.partitions[number];
    if (!partition) return refused(ERROR.unknownTopicId);
    if (partition.errorCode !== 0) return refused(partition.errorCode);
    if (partition.leader !== nodeId) return refused(ERROR.notLeader);
    if (leaderEpoch !== partition.leaderEpoch) return refused(leaderEpoch < partition.leaderEpoch ? ERROR.fencedEpoch : ERROR.unknownEpoch);
    const end = endOf(partition.batches.at(-1)) ?? partition.start;
    if (offset < partition.start || offset > end) return refused(ERROR.outOfRange);
    const taken: Buffer[] = [];
    let room = Math.min(left, asked.maxBytes);
    for (const batch of partition.batches.filter((each) => endOf(each)! > offset)) {
      if (batch.length > room && !(isFirst && taken.length === 0)) break;
      taken.push(batch);
      room -= batch.length;
    }
    return taken.length === 0 ? null : { ...refused(0), lastStableOffset: end, aborted: partition.aborted, records: Buffer.concat(taken) };
  }

  async #metadata(names: readonly string[]): Promise<ClusterMetadata> {
    if (this.#isClosed) throw new KafkaError('unavailable', 'the connections are closed');
    this.lookedAt.push(performance.now());
    if (this.failLook) throw this.failLook;
    const topics = names.map((name) => {
      const topic = this.#topics.get(name);
      if (!topic) return { errorCode: ERROR.unknownTopic, name, id: '', partitions: [] };
      const partitions = topic.partitions.map(({ leader, leaderEpoch }, partition) => ({ partition, leader, leaderEpoch }));
      return { errorCode: topic.errorCode, name, id: topic.id, partitions: topic.errorCode === 0 ? partitions : [] };
    });
    return { brokers: [], topics };
  }

  #parse(bytes: Buffer): Omit<SeenFetch, 'nodeId' | 'lane'> {
    const from = WireReader.ofResponse(bytes); // both begin with tagged fields
    from.int32();
    const [maxWaitMs, , maxBytes] = [from.int32(), from.int32(), from.int32()];
    from.int8();
    const session = { id: from.int32(), epoch: from.int32() };
    const partitions = from
      .structs(() => {
        const topicId = from.uuid();
        return from.structs((): AskedPartition => {
          const [partition, leaderEpoch, offset] = [from.int32(), from.int32(), from.int64()];
          from.int32();
          from.int64();
          return { name: this.#nameOf(topicId, partition), topicId, partition, leaderEpoch, offset, maxBytes: from.int32() };
        });
      })
      .flat();
    const forgotten = from
      .structs(() => {
        const topicId = from.uuid();
        return from.array(() => this.#nameOf(topicId, from.int32()));
      })
      .flat();
    return { maxWaitMs, maxBytes, session, partitions, forgotten, at: performance.now() };
  }

  #byId(topicId: string): StoredTopic | undefined {
    return [...this.#topics.values()].find(({ id }) => id === topicId);
  }

  #nameOf(topicId: string, partition: number): string {
    const known = [...this.#topics].find(([, { id }]) => id === topicId);
    return `${known?.[0] ?? topicId}-${partition}`;
  }

  #throwIfAway(nodeId: number): void {
    if (this.#isClosed) throw new KafkaError('unavailable', 'the connections are closed');
    if (this.#down.has(nodeId)) throw Object.assign(new Error('connection refused'), { name: 'KafkaJSConnectionError' });
  }

  #changed(): void {
    this.#changes.emit('change');
  }
}

function empty({ topicId, partition }: AskedPartition): FetchedPartition {
  return { topicId, partition, errorCode: 0, lastStableOffset: -1n, aborted: [], records: Buffer.alloc(0) };
}

/** As of one answer. */
function asViews(partitions: readonly FetchedPartition[]): FetchedPartition[] {
  const answer = Buffer.concat(partitions.map(({ records }) => records));
  let end = 0;
  return partitions.map((partition) => ({ ...partition, records: answer.subarray(end, (end += partition.records.length)) }));
}

function endOf(batch: Buffer | undefined): bigint | null {
  return batch ? batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23)) + 1n : null;
}
