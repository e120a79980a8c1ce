import { Leaders } from '../src/connections/leaders.ts';
import type { Connections, Destination } from '../src/connections/connections.ts';
import { WireReader } from '../src/wire/flexible.ts';
import { errorOf, type ProtocolRequest } from '../src/wire/request.ts';
import type { OpenTransaction } from '../src/transactions/open-transactions.ts';
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
  position = { committed: 0n, pending: null as bigint | null };
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

  timeOut(): void {
    this.state = 'CompleteAbort';
    this.epoch++;
  }

  async send<Answer>(_: Destination, request: ProtocolRequest<Answer>): Promise<Answer> {
    return this.sendToAny(request);
  }

  async sendToAny<Answer>({ request }: ProtocolRequest<Answer>): Promise<Answer> {
    const name = request.apiName;
    this.requests.push(name);
    this.beforeRequest(name);
    // Without the hardening, requests of kafkajs are in one piece
    const { parts, buffer } = await request.encode() as { parts?: Buffer[]; buffer: Buffer };
    const bytes = parts ? Buffer.concat(parts) : buffer;
    return this.#answers[name]!(bytes) as Answer;
  }

  readonly #answers: Record<string, (bytes: Buffer) => unknown> = {
    GroupCoordinator: () => ({ coordinator: { nodeId: NODE } }),
    DescribeTransactions: () => ({ transactions: [this.#described()] }),
    InitProducerId: (bytes) => this.#init(bytes),
    AddPartitionsToTxn: () => { this.#begin('outputs'); },
    AddOffsetsToTxn: () => { this.#begin('positions'); },
    EndTxn: (bytes) => { this.#end(bytes.at(-1) !== 0); },
    OffsetFetch: (bytes) => this.#fetchOffsets(bytes.at(-2) === 1),
    ListOffsets: (bytes) => ({ partitions: [{ topic: OUTPUT, partition: 0, errorCode: 0, offset: bytes[5] === 1 && this.open.length > 0 ? 5n : 9n }] }),
    DescribeProducers: () => ({
      partitions: this.open.map(({ topic, partition, producerId, since }) => ({
        topic, partition, errorCode: 0, producers: [{ producerId, producerEpoch: 0, coordinatorEpoch: 0, openSince: since }],
      })),
    }),
    Fetch: () => ({ errorCode: 0, sessionId: 0, partitions: [{ topicId: TOPIC_ID, partition: 0, errorCode: 0, lastStableOffset: 5n, aborted: [], records: Buffer.alloc(0) }] }),
  };

  #described(): object {
    const { state, timeoutMs, producerId, epoch } = this;
    return { errorCode: state ? 0 : ERROR.notFound, transactionalId: '', state, timeoutMs, producerId, producerEpoch: epoch, partitions: [] };
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
    if (this.#added.outputs) this.open = this.open.filter(({ producerId }) => producerId !== this.producerId);
    if (this.#added.positions) this.position = { committed: isCommit ? this.position.pending! : this.position.committed, pending: null };
    Object.assign(this.#added, { outputs: false, positions: false });
  }

  #fetchOffsets(isStable: boolean): object {
    const { committed, pending } = this.position;
    const isUnstable = isStable && pending !== null;
    return { errorCode: 0, partitions: [{ topic: INPUT, partition: 0, offset: isUnstable ? -1n : committed, metadata: null, errorCode: isUnstable ? ERROR.unstable : 0 }] };
  }
}

function topicOf(name: string) {
  return { errorCode: 0, name, id: TOPIC_ID, partitions: [{ partition: 0, leader: NODE, leaderEpoch: 0 }] };
}
