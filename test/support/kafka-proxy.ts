import { Transform } from 'node:stream';
import { type Passage, TcpProxy } from './tcp-proxy.ts';

/** Numbers of requests in Kafka's protocol. */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  offsetCommit: 8,
  findCoordinator: 10,
  joinGroup: 11,
  heartbeat: 12,
  leaveGroup: 13,
  syncGroup: 14,
  initProducerId: 22,
  addPartitionsToTxn: 24,
  addOffsetsToTxn: 25,
  endTxn: 26,
  writeTxnMarkers: 27,
  txnOffsetCommit: 28,
} as const;

/** Requests whose body begins with the transactional id. */
const TRANSACTIONAL: readonly number[] = [
  API.produce,
  API.initProducerId,
  API.addPartitionsToTxn,
  API.addOffsetsToTxn,
  API.endTxn,
  API.txnOffsetCommit,
];
const LENGTH_BYTES = 4;
/** From this version on (KIP-482). */
const FLEXIBLE: Partial<Record<number, number>> = { [API.initProducerId]: 2, [API.txnOffsetCommit]: 3 };

/** `broker`: the number of the way that it takes, from 0. */
export interface KafkaRequest {
  api: number;
  clientId: string | null;
  transactionalId: string | null;
  broker: number;
}

/** `answer`: body of the response, without length and correlation id; null while there is none. */
export interface HeldRequest extends KafkaRequest {
  answer: Buffer | null;
}
export interface AnsweredRequest extends KafkaRequest {
  answer: Buffer;
}

/**
 * A way to each broker of a cluster. A broker tells its clients where all of them are; on the way this is changed, so
 * that who comes by here stays here.
 */
export class KafkaProxy {
  readonly #ways: TcpProxy[] = [];
  readonly #holds = new Set<Hold>();
  readonly #onAnswer = new Set<(request: AnsweredRequest) => void>();

  /** @param brokers `host:port` of all of them, as they are advertised */
  static async open(brokers: readonly string[]): Promise<KafkaProxy> {
    const proxy = new KafkaProxy();
    const addresses = new Map<string, number>();
    for (const [at, broker] of brokers.entries()) {
      const way = await TcpProxy.open(broker, () => proxy.#passage(at, addresses));
      addresses.set(broker, way.port);
      proxy.#ways.push(way);
    }
    return proxy;
  }

  /** `host:port` of each way, for clients. */
  get brokers(): string[] {
    return this.#ways.map(({ address }) => address);
  }

  async open(): Promise<void> {
    await Promise.all(this.#ways.map((way) => way.open()));
  }

  /** Refuses connections and cuts those that are open. */
  async shut(): Promise<void> {
    await Promise.all(this.#ways.map((way) => way.shut()));
  }

  /** From now on requests that match wait, and what follows on their connections, until they are released. */
  hold(matches: (request: KafkaRequest) => boolean): Hold {
    const hold = new Hold(matches, () => this.#holds.delete(hold));
    this.#holds.add(hold);
    return hold;
  }

  /**
   * From now on until the returned function is called, `look` sees every answer before its client does. It runs at once:
   * what it kills has had no time to do more than answer.
   */
  onAnswer(look: (request: AnsweredRequest) => void): () => void {
    this.#onAnswer.add(look);
    return () => {
      this.#onAnswer.delete(look);
    };
  }

  /** One connection. */
  #passage(broker: number, addresses: ReadonlyMap<string, number>): Passage {
    const requests = new Map<number, KafkaRequest>();
    const held = new Map<number, HeldRequest>();
    const toServer = eachFrame(async (frame) => {
      const { correlationId, ...request } = readRequest(frame, broker);
      requests.set(correlationId, request);
      for (const hold of this.#holds) {
        const taken = hold.take(request);
        if (!taken) continue;
        held.set(correlationId, taken);
        await hold.released;
      }
    });
    const toClient = eachFrame((frame) => {
      const correlationId = frame.readInt32BE(LENGTH_BYTES);
      const request = requests.get(correlationId);
      if (!request) return;
      if (request.api === API.metadata || request.api === API.findCoordinator) replaceAddresses(frame, addresses);
      const answer = frame.subarray(2 * LENGTH_BYTES);
      const taken = held.get(correlationId);
      if (taken) taken.answer = Buffer.from(answer);
      for (const look of this.#onAnswer) look({ ...request, answer });
      requests.delete(correlationId);
      held.delete(correlationId);
    });
    return { toServer, toClient };
  }
}

/** Requests that are held back. */
export class Hold {
  readonly requests: HeldRequest[] = [];
  readonly released: Promise<void>;
  readonly #release: () => void;
  readonly #matches: (request: KafkaRequest) => boolean;

  constructor(matches: (request: KafkaRequest) => boolean, onRelease: () => void) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.released = promise;
    this.#matches = matches;
    this.#release = () => {
      onRelease();
      resolve();
    };
  }

  take(request: KafkaRequest): HeldRequest | null {
    if (!this.#matches(request)) return null;
    const held = { ...request, answer: null };
    this.requests.push(held);
    return held;
  }

  /** Lets them go on, and holds nothing any more. */
  release(): void {
    this.#release();
  }
}

/** A message is four bytes of length and then as many bytes; each is looked at as a whole and then passed on. */
function eachFrame(look: (frame: Buffer) => void | Promise<void>): Transform {
  let pieces: Buffer[] = [];
  let size = 0;
  let wanted = LENGTH_BYTES;
  const take = async (stream: Transform) => {
    while (size >= wanted) {
      const bytes = Buffer.concat(pieces);
      wanted = LENGTH_BYTES + bytes.readInt32BE(0);
      pieces = [bytes];
      if (size < wanted) return;
      const frame = bytes.subarray(0, wanted);
      pieces = [bytes.subarray(wanted)];
      size -= wanted;
      wanted = LENGTH_BYTES;
      await look(frame);
      stream.push(frame);
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      pieces.push(chunk);
      size += chunk.length;
      take(this).then(() => done(), done);
    },
  });
}

/** Of the first partition, in an answer to OffsetCommit, version 4, or to TxnOffsetCommit, version 3, which is flexible. */
export function offsetsErrorOf({ api, answer }: AnsweredRequest): number {
  return api === API.txnOffsetCommit
    ? answer.readInt16BE(7 + answer.readUInt8(6) - 1 + 5)
    : answer.readInt16BE(10 + answer.readInt16BE(8) + 8);
}

/** Request header version 1: api, version, correlation id, client id. */
function readRequest(frame: Buffer, broker: number): KafkaRequest & { correlationId: number } {
  const api = frame.readInt16BE(4);
  const client = readText(frame, 12);
  const readId = frame.readInt16BE(6) >= (FLEXIBLE[api] ?? Infinity) ? readCompactText : readText;
  const transactionalId = TRANSACTIONAL.includes(api) ? readId(frame, client.end).text : null;
  return { correlationId: frame.readInt32BE(8), api, clientId: client.text, transactionalId, broker };
}

/** Behind the tagged fields of the header, of which there are none (KIP-482). Ids are shorter than 127 bytes. */
function readCompactText(bytes: Buffer, at: number): { text: string | null } {
  const length = bytes.readUInt8(at + 1) - 1;
  return { text: length < 0 ? null : bytes.toString('utf8', at + 2, at + 2 + length) };
}

function readText(bytes: Buffer, at: number): { text: string | null; end: number } {
  const length = bytes.readInt16BE(at);
  const start = at + 2;
  return length < 0 ? { text: null, end: start } : { text: bytes.toString('utf8', start, start + length), end: start + length };
}

/** A host and four bytes of port, in answers that say where brokers are. */
function replaceAddresses(answer: Buffer, addresses: ReadonlyMap<string, number>): void {
  const found: { at: number; port: number }[] = [];
  for (const [broker, port] of addresses) {
    const { hostname, port: brokerPort } = new URL(`tcp://${broker}`);
    const told = Buffer.concat([Buffer.from(hostname), Buffer.alloc(4)]);
    told.writeInt32BE(Number(brokerPort), hostname.length);
    for (let at = answer.indexOf(told); at !== -1; at = answer.indexOf(told, at + 1)) found.push({ at: at + hostname.length, port });
  }
  for (const { at, port } of found) answer.writeInt32BE(port, at);
}
