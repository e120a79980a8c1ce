import type { Connections, Destination } from '../src/connections/connections.ts';
import { Leaders } from '../src/connections/leaders.ts';
import { type ProtocolRequest } from '../src/kafkajs/private-shape.ts';
import type { OpenTransaction } from '../src/transactions/open-transactions.ts';
import { WireReader, WireWriter } from '../src/wire/flexible.ts';
import { errorOf } from '../src/wire/request.ts';
import type { TransactionState } from '../src/wire/transactions.ts';

const NODE = 1;
const NONE = -1;
const ERROR = { concurrent: 51, invalidState: 48, invalidEpoch: 47, invalidTimeout: 50, fenced: 90, notFound: 105, unstable: 88 };
const INPUT = 'in';
const OUTPUT = 'out';
const TOPIC_ID = 'A'.repeat(22);

/** How one broker keeps the transactional id of one task, measured with Kafka 4.3.1 (ADR 10); in place of `Connections`. */
export class FakeCoordinator {
  state: TransactionState | null = null;
  timeoutMs = 0;
  producerId = 7n;
  epoch = 0;
  /** Of the one that named the epoch before: it may ask again. */
  #lastEpoch = NONE;
  /** As the markers were left out. */
  open: OpenTransaction[] = [];
  /** By transactional id, and by partition of the input. */
  readonly idErrors = new Map<string, number>();
  readonly positionErrors = new Map<number, number>();
  position = { committed: 0n, pending: null as bigint | null };
  /** As where the coordinator sees no leader of the output. */
  leavesMarkersOut = false;
  longestTimeoutMs = 900_000;
  /** Called before each request is answered, with its name. */
  beforeRequest: (api: string) => void = () => undefined;
  readonly requests: string[] = [];
  readonly #added = { outputs: false, positions: false };
  readonly leaders = new Leaders({ metadata: async (names) => ({ brokers: [], topics: names.map((name) => topicOf(name)) }) });

  get connections(): Connections {
    return this as unknown as Connections;
  }

  /** As a producer that has written, and whose transaction is open in `OUTPUT`, for its broker and for its coordinator. */
  write({ timeoutMs, state }: { timeoutMs: number; state: TransactionState }): void {
    Object.assign(this, { timeoutMs, state });
    this.open = [{ topic: OUTPUT, partition: 0, producerId: this.producerId, since: 5n }];
  }

  /** As after a week without use. */
  forget(): void {
    this.state = null;
    this.producerId++;
    this.epoch = 0;
  }

  timeOut(): void {
    this.state = 'CompleteAbort';
    this.epoch++;
  }

  async send<Answer>(_: Destination, request: ProtocolRequest<Answer>): Promise<Answer> {
    return this.sendToAny(request);
  }

  async sendToAny<Answer>({ request, response }: ProtocolRequest<Answer>): Promise<Answer> {
    const name = request.apiName;
    this.requests.push(name);
    this.beforeRequest(name);
    if (name === 'Metadata') return response.decode(METADATA);
    // Without the hardening, requests of kafkajs are in one piece
    const { parts, buffer } = (await request.encode()) as { parts?: Buffer[]; buffer: Buffer };
    const bytes = parts ? Buffer.concat(parts) : buffer;
    return this.#answers[name]!(bytes) as Answer;
  }

  readonly #answers: Record<string, (bytes: Buffer) => unknown> = {
    GroupCoordinator: () => ({ coordinator: { nodeId: NODE } }),
    DescribeTransactions: (bytes) => {
      const ids = WireReader.ofResponse(bytes); // both begin with tagged fields
      return { transactions: ids.array(() => this.#described(ids.string()!)) };
    },
    InitProducerId: (bytes) => this.#init(bytes),
    AddPartitionsToTxn: () => {
      this.#begin('outputs');
    },
    AddOffsetsToTxn: () => {
      this.#begin('positions');
    },
    EndTxn: (bytes) => {
      this.#end(bytes.at(-1) !== 0);
    },
    OffsetFetch: (bytes) => this.#fetchOffsets(bytes),
    ListOffsets: (bytes) => ({
      partitions: [{ topic: OUTPUT, partition: 0, errorCode: 0, offset: bytes[5] === 1 && this.open.length > 0 ? 5n : 9n }],
    }),
    DescribeProducers: () => ({
      partitions: this.open.map(({ topic, partition, producerId, since }) => ({
        topic,
        partition,
        errorCode: 0,
        producers: [{ producerId, producerEpoch: 0, coordinatorEpoch: 0, openSince: since }],
      })),
    }),
    Fetch: () => ({
      errorCode: 0,
      sessionId: 0,
      partitions: [{ topicId: TOPIC_ID, partition: 0, errorCode: 0, lastStableOffset: 5n, aborted: [], records: Buffer.alloc(0) }],
    }),
  };

  #described(transactionalId: string): object {
    const { state, timeoutMs, producerId, epoch } = this;
    return {
      errorCode: this.idErrors.get(transactionalId) ?? (state ? 0 : ERROR.notFound),
      transactionalId,
      state,
      timeoutMs,
      producerId,
      producerEpoch: epoch,
      partitions: [],
    };
  }

  #init(bytes: Buffer): { producerId: string; producerEpoch: number } {
    const from = WireReader.ofResponse(bytes); // both begin with tagged fields
    from.string();
    const [timeoutMs, , expected] = [from.int32(), from.int64(), from.int16()];
    if (timeoutMs > this.longestTimeoutMs || timeoutMs <= 0) throw errorOf(ERROR.invalidTimeout);
    if (this.state?.startsWith('Prepare')) throw errorOf(ERROR.concurrent);
    if (this.state === 'Ongoing') {
      this.#lastEpoch = this.epoch;
      this.timeOut();
      throw errorOf(ERROR.concurrent);
    }
    const isRepeated = expected !== NONE && expected === this.#lastEpoch;
    if (expected !== NONE && expected !== this.epoch && !isRepeated) throw errorOf(ERROR.fenced);
    if (!isRepeated) this.epoch += this.state ? 1 : 0;
    this.#lastEpoch = expected;
    Object.assign(this, { state: 'Empty', timeoutMs });
    return { producerId: String(this.producerId), producerEpoch: this.epoch };
  }

  #begin(what: 'outputs' | 'positions'): void {
    this.state = 'Ongoing';
    this.#added[what] = true;
  }

  #end(isCommit: boolean): void {
    if (this.state !== 'Ongoing') throw errorOf(ERROR.invalidState);
    this.state = isCommit ? 'CompleteCommit' : 'CompleteAbort';
    if (this.#added.outputs && !this.leavesMarkersOut) this.open = this.open.filter(({ producerId }) => producerId !== this.producerId);
    if (this.#added.positions) this.position = { committed: isCommit ? this.position.pending! : this.position.committed, pending: null };
    Object.assign(this.#added, { outputs: false, positions: false });
  }

  #fetchOffsets(bytes: Buffer): object {
    const from = WireReader.ofResponse(bytes);
    from.string();
    const asked = from
      .structs(() => {
        from.string();
        return from.array(() => from.int32());
      })
      .flat();
    const { committed, pending } = this.position;
    const isUnstable = from.int8() === 1 && pending !== null;
    return {
      errorCode: 0,
      partitions: asked.map((partition) => ({
        topic: INPUT,
        partition,
        offset: isUnstable ? -1n : committed,
        metadata: null,
        errorCode: this.positionErrors.get(partition) ?? (isUnstable ? ERROR.unstable : 0),
      })),
    };
  }
}

/** Answer of a broker that knows one topic, the output. */
const METADATA = (() => {
  const to = WireWriter.ofRequest(); // both begin with tagged fields
  to.int32(0)
    .structs([NODE], (node) => to.int32(node).string('localhost').int32(9_092).string(null))
    .string(null)
    .int32(NODE);
  to.structs([OUTPUT], (topic) => {
    to.int16(0)
      .string(topic)
      .uuid(TOPIC_ID)
      .int8(0)
      .structs([0], (partition) => {
        to.int16(0).int32(partition).int32(NODE).int32(0);
        for (let list = 0; list < 3; list++) to.array([], () => undefined); // replicas, in sync, offline
      })
      .int32(0);
  });
  return to.tags().written;
})();

function topicOf(name: string) {
  return { errorCode: 0, name, id: TOPIC_ID, partitions: [{ partition: 0, leader: NODE, leaderEpoch: 0 }] };
}
