import type { Connections, Destination } from '../src/connections/connections.ts';
import { Leaders } from '../src/connections/leaders.ts';
import { loadInternal, type ProtocolRequest } from '../src/kafkajs/private-shape.ts';
import { crc32c } from '../src/produce/crc32c.ts';
import { WireReader, WireWriter } from '../src/wire/flexible.ts';
import { type GroupMembership, NO_MEMBER } from '../src/wire/group.ts';
import type { ClusterMetadata } from '../src/wire/metadata.ts';

interface Decoder {
  readInt8(): number;
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readString(): string;
  readBytes(): Buffer;
  readArray<T>(read: (decoder: Decoder) => T): T[];
}
interface Encoder {
  buffer: Buffer;
  writeInt16(value: number): Encoder;
  writeInt32(value: number): Encoder;
  writeInt64(value: bigint): Encoder;
  writeString(value: string | null): Encoder;
  writeArray(items: readonly Encoder[]): Encoder;
}
const Decoder = loadInternal('protocol/decoder') as new (bytes: Buffer) => Decoder;
const Encoder = loadInternal('protocol/encoder') as new () => Encoder;

/** A record batch as it arrived. */
export interface AppendedBatch {
  producerId: string;
  epoch: number;
  firstSequence: number;
  count: number;
  isTransactional: boolean;
  bytes: Buffer;
}

interface StoredPartition {
  leader: number | null;
  batches: AppendedBatch[];
  errorCode: number;
}

/** `partitions`: as `topic/partition`, in the order of the request. */
export interface SeenRequest {
  api: string;
  nodeId: number | null;
  lane: string;
  transactionalId: string | null;
  partitions: string[];
  bytes: Buffer;
}

interface Transaction {
  partitions: Set<string>;
  groups: Set<string>;
  pending: Map<string, GroupOffset>;
  ended: boolean[];
}
export interface GroupOffset {
  offset: string;
  metadata: string | null;
}

const ERROR = { unknownTopic: 3, notLeader: 6, corrupt: 2, illegalGeneration: 22, unknownMember: 25, outOfOrder: 45, invalidTxnState: 48 };
/** Coordinator of all groups. */
const COORDINATOR = 9;

/**
 * Brokers as a producer sees them, in place of `Connections`: they read requests and write answers in Kafka's bytes, keep a log
 * and the sequence numbers of each partition, and know which partitions a transaction was told of.
 */
export class FakeBrokers {
  readonly requests: SeenRequest[] = [];
  readonly leaders = new Leaders({ metadata: (names) => this.#metadata(names) });
  /** By `group/topic/partition`. */
  readonly committed = new Map<string, GroupOffset>();
  looks = 0;
  /** Why no broker tells where leaders are. */
  failLook: Error | null = null;
  producerId = 7n;
  /** The only one of all groups. */
  member: GroupMembership = { memberId: 'member', generation: 1 };
  /** In which the partitions of a produce request are answered. */
  answers: 'in order' | 'in reverse' = 'in order';
  readonly #topics = new Map<string, StoredPartition[]>();
  readonly #sequences = new Map<string, number>();
  readonly #transactions = new Map<string, Transaction>();
  readonly #refusals: { api: string; errorCode: number }[] = [];
  readonly #gates: { what: string | number; opened: Promise<void> }[] = [];

  get connections(): Connections {
    return this as unknown as Connections;
  }

  createTopic(name: string, leaders: readonly (number | null)[] = [1]): void {
    this.#topics.set(
      name,
      leaders.map((leader) => ({ leader, batches: [], errorCode: 0 })),
    );
  }

  partition(topic: string, partition: number): StoredPartition {
    return this.#topics.get(topic)![partition]!;
  }

  /** Names of the requests since the first `skipped`. */
  apis(skipped = 0): string[] {
    return this.requests.slice(skipped).map(({ api }) => api);
  }

  transaction(id: string): Transaction {
    const known = this.#transactions.get(id) ?? { partitions: new Set(), groups: new Set(), pending: new Map(), ended: [] };
    this.#transactions.set(id, known);
    return known;
  }

  /** The next request of this name is answered with the code. */
  refuseNext(api: string, errorCode: number): void {
    this.#refusals.push({ api, errorCode });
  }

  /** Requests of this name are answered, or the broker of this number is connected to, only when the gate is opened. */
  hold(what: string | number): { open: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gates.push({ what, opened: promise });
    return { open: resolve };
  }

  sendToAny<Answer>(request: ProtocolRequest<Answer>): Promise<Answer> {
    return this.#take({ nodeId: null, lane: 'any' }, request);
  }

  send<Answer>(destination: Destination, request: ProtocolRequest<Answer>, signal?: AbortSignal): Promise<Answer> {
    return this.#take(destination, request, signal);
  }

  /** What was withdrawn before there was a connection is not seen by a broker. */
  async #take<Answer>(
    { nodeId, lane }: { nodeId: number | null; lane: string },
    { request, response }: ProtocolRequest<Answer>,
    signal?: AbortSignal,
  ): Promise<Answer> {
    const { apiName: api } = request;
    signal?.throwIfAborted();
    await this.#pass(nodeId);
    signal?.throwIfAborted();
    const { parts, buffer } = (await request.encode()) as { parts?: Buffer[]; buffer: Buffer };
    const bytes = parts ? Buffer.concat(parts) : buffer;
    const seen: SeenRequest = { api, nodeId, lane, transactionalId: null, partitions: [], bytes };
    this.requests.push(seen);
    await this.#pass(api);
    const refusal = this.#refusals.find((each) => each.api === api);
    if (refusal) this.#refusals.splice(this.#refusals.indexOf(refusal), 1);
    const answer = this.#handlers[api]!(bytes, seen, refusal?.errorCode ?? 0);
    return response.parse(await response.decode(answer));
  }

  async #pass(at: string | number | null): Promise<void> {
    for (const { what, opened } of this.#gates) if (what === at) await opened;
  }

  readonly #handlers: Record<string, (bytes: Buffer, seen: SeenRequest, errorCode: number) => Buffer> = {
    InitProducerId: (_bytes, _seen, errorCode) =>
      WireWriter.ofRequest().int32(0).int16(errorCode).int64(this.producerId).int16(0).tags().written, // both begin with tagged fields
    GroupCoordinator: (_bytes, _seen, errorCode) =>
      new Encoder().writeInt32(0).writeInt16(errorCode).writeString(null).writeInt32(COORDINATOR).writeString('localhost').writeInt32(9_092)
        .buffer,
    AddPartitionsToTxn: (bytes, seen, errorCode) => this.#addPartitions(new Decoder(bytes), seen, errorCode),
    AddOffsetsToTxn: (bytes, seen, errorCode) => {
      const from = new Decoder(bytes);
      const transaction = this.#open(from, seen);
      if (errorCode === 0) transaction.groups.add(from.readString());
      return new Encoder().writeInt32(0).writeInt16(errorCode).buffer;
    },
    TxnOffsetCommit: (bytes, seen, errorCode) => this.#commitOffsets(WireReader.ofResponse(bytes), seen, errorCode), // both begin with tagged fields
    EndTxn: (bytes, seen, errorCode) => this.#end(new Decoder(bytes), seen, errorCode),
    Produce: (bytes, seen) => this.#produce(new Decoder(bytes), seen),
  };

  #open(from: Decoder, seen: SeenRequest): Transaction {
    seen.transactionalId = from.readString();
    from.readInt64();
    from.readInt16();
    return this.transaction(seen.transactionalId);
  }

  #addPartitions(from: Decoder, seen: SeenRequest, errorCode: number): Buffer {
    const transaction = this.#open(from, seen);
    const topics = from.readArray(readPartitions);
    seen.partitions = topics.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}/${partition}`));
    if (errorCode === 0) for (const name of seen.partitions) transaction.partitions.add(name);
    return new Encoder()
      .writeInt32(0)
      .writeArray(
        topics.map(({ topic, partitions }) =>
          new Encoder()
            .writeString(topic)
            .writeArray(partitions.map((partition) => new Encoder().writeInt32(partition).writeInt16(errorCode))),
        ),
      ).buffer;
  }

  #commitOffsets(from: WireReader, seen: SeenRequest, errorCode: number): Buffer {
    seen.transactionalId = from.string();
    const group = from.string()!;
    from.int64();
    from.int16();
    const as = { generation: from.int32(), memberId: from.string()! };
    from.string();
    const { groups, pending } = this.transaction(seen.transactionalId!);
    const code = errorCode || this.#refusalOf(as) || (groups.has(group) ? 0 : ERROR.invalidTxnState);
    const topics = from.structs(() => {
      const topic = from.string()!;
      return {
        topic,
        partitions: from.structs(() => {
          const [partition, offset] = [from.int32(), String(from.int64())];
          from.int32();
          const metadata = from.string();
          if (code === 0) pending.set(`${group}/${topic}/${partition}`, { offset, metadata });
          return partition;
        }),
      };
    });
    const to = WireWriter.ofRequest().int32(0);
    to.structs(topics, ({ topic, partitions }) => to.string(topic).structs(partitions, (partition) => to.int32(partition).int16(code)));
    return to.tags().written;
  }

  /** Who is no member may commit in a transaction. */
  #refusalOf({ memberId, generation }: GroupMembership): number {
    if (memberId === NO_MEMBER.memberId && generation === NO_MEMBER.generation) return 0;
    if (memberId !== this.member.memberId) return ERROR.unknownMember;
    return generation === this.member.generation ? 0 : ERROR.illegalGeneration;
  }

  #end(from: Decoder, seen: SeenRequest, errorCode: number): Buffer {
    const transaction = this.#open(from, seen);
    const isCommit = from.readInt8() === 1;
    if (errorCode === 0) {
      if (isCommit) for (const [place, offset] of transaction.pending) this.committed.set(place, offset);
      transaction.ended.push(isCommit);
      for (const each of [transaction.partitions, transaction.groups, transaction.pending]) each.clear();
    }
    return new Encoder().writeInt32(0).writeInt16(errorCode).buffer;
  }

  #produce(from: Decoder, seen: SeenRequest): Buffer {
    seen.transactionalId = from.readString();
    from.readInt16();
    from.readInt32();
    const topics = from.readArray((each) => {
      const topic = each.readString();
      return { topic, batches: each.readArray((partition) => ({ partition: partition.readInt32(), bytes: partition.readBytes() })) };
    });
    seen.partitions = topics.flatMap(({ topic, batches }) => batches.map(({ partition }) => `${topic}/${partition}`));
    const answers = topics.map(({ topic, batches }) => ({
      topic,
      partitions: batches.map(({ partition, bytes }) => ({ partition, ...this.#append({ topic, partition, bytes }, seen) })),
    }));
    if (this.answers === 'in reverse') for (const { partitions } of [{ partitions: answers }, ...answers]) partitions.reverse();
    return new Encoder()
      .writeArray(
        answers.map(({ topic, partitions }) =>
          new Encoder()
            .writeString(topic)
            .writeArray(
              partitions.map((each) =>
                new Encoder()
                  .writeInt32(each.partition)
                  .writeInt16(each.errorCode)
                  .writeInt64(each.baseOffset)
                  .writeInt64(-1n)
                  .writeInt64(0n),
              ),
            ),
        ),
      )
      .writeInt32(0).buffer;
  }

  #append(
    { topic, partition, bytes }: { topic: string; partition: number; bytes: Buffer },
    { nodeId, transactionalId }: SeenRequest,
  ): { errorCode: number; baseOffset: bigint } {
    const refused = (errorCode: number) => ({ errorCode, baseOffset: -1n });
    const stored = this.#topics.get(topic)?.[partition];
    if (!stored) return refused(ERROR.unknownTopic);
    if (stored.errorCode !== 0) return refused(stored.errorCode);
    if (stored.leader !== nodeId) return refused(ERROR.notLeader);
    if (crc32c(bytes, 21) !== bytes.readUInt32BE(17)) return refused(ERROR.corrupt);
    const batch = batchOf(Buffer.from(bytes));
    if (batch.isTransactional !== (transactionalId !== null)) return refused(ERROR.invalidTxnState);
    if (transactionalId !== null && !this.transaction(transactionalId).partitions.has(`${topic}/${partition}`))
      return refused(ERROR.invalidTxnState);
    const writer = `${batch.producerId}/${topic}/${partition}`;
    if ((this.#sequences.get(writer) ?? 0) !== batch.firstSequence) return refused(ERROR.outOfOrder);
    this.#sequences.set(writer, batch.firstSequence + batch.count);
    const baseOffset = BigInt(stored.batches.reduce((sum, { count }) => sum + count, 0));
    stored.batches.push(batch);
    return { errorCode: 0, baseOffset };
  }

  async #metadata(names: readonly string[]): Promise<ClusterMetadata> {
    this.looks++;
    if (this.failLook) throw this.failLook;
    const topics = names.map((name) => {
      const stored = this.#topics.get(name);
      const partitions = (stored ?? []).map(({ leader }, partition) => ({ partition, leader, leaderEpoch: 0 }));
      return { errorCode: stored ? 0 : ERROR.unknownTopic, name, id: name, partitions };
    });
    return { brokers: [], topics };
  }
}

function readPartitions(from: Decoder): { topic: string; partitions: number[] } {
  return { topic: from.readString(), partitions: from.readArray((each) => each.readInt32()) };
}

/** Kafka protocol guide, "Record Batch". */
function batchOf(bytes: Buffer): AppendedBatch {
  return {
    producerId: String(bytes.readBigInt64BE(43)),
    epoch: bytes.readInt16BE(51),
    firstSequence: bytes.readInt32BE(53),
    count: bytes.readInt32BE(57),
    isTransactional: (bytes.readInt16BE(21) & 0x10) !== 0,
    bytes,
  };
}
