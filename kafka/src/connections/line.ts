import { KafkaError } from '../errors.ts';
import type { Connection, ProtocolRequest } from '../kafkajs/private-shape.ts';

/** A broker handles one request of a connection at a time: more only have to hide the way to it. */
const MAX_IN_FLIGHT = 8;

interface Waiting {
  start: () => void;
  give: (error: Error) => void;
}

/**
 * One connection to one broker, for everybody who shares it. Connects when it is used, once at a time: two
 * requests that connect at once would leave a socket behind whose end rejects the requests of the other.
 * A request that waits for its turn can be withdrawn; one that was sent cannot.
 */
export class Line {
  readonly #connection: Connection;
  #connecting: Promise<void> | null = null;
  #inFlight = 0;
  readonly #onTheWire = new Set<Promise<unknown>>();
  readonly #waiting = new Set<Waiting>();
  #isClosed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws what the signal was aborted with, where it was before the request was sent */
  async send<Answer>(request: ProtocolRequest<Answer>, signal?: AbortSignal): Promise<Answer> {
    signal?.throwIfAborted();
    if (this.#inFlight >= MAX_IN_FLIGHT) await this.#turn(signal);
    else this.#inFlight++;
    try {
      if (!this.#isUsable() || this.#connecting) await this.#connect();
      signal?.throwIfAborted();
      return await this.#sent(this.#connection.send(request));
    } catch (error) {
      // A caller that waits behind a request that is not answered would wait as long
      if ((error as Error).name === 'KafkaJSRequestTimeoutError') {
        await this.#disconnect(
          new KafkaError('no-broker', 'the broker did not answer another request of this connection in time', { cause: error }),
        );
      }
      throw error;
    } finally {
      this.#passOn();
    }
  }

  close(): Promise<void> {
    this.#isClosed = true;
    const closed = new KafkaError('unavailable', 'the connection is closed');
    for (const { give } of this.#waiting) give(closed);
    this.#waiting.clear();
    return this.#disconnect(closed);
  }

  #isUsable(): boolean {
    return this.#connection.isConnected() && (!this.#connection.sasl || this.#connection.isAuthenticated());
  }

  async #sent<Answer>(answer: Promise<Answer>): Promise<Answer> {
    this.#onTheWire.add(answer);
    try {
      return await answer;
    } finally {
      this.#onTheWire.delete(answer);
    }
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #open(): Promise<void> {
    if (this.#isClosed) throw new KafkaError('unavailable', 'the connection is closed');
    // kafkajs takes whatever is answered while it proves who it is for the answer to that
    await Promise.allSettled(this.#onTheWire);
    await this.#connection.connect();
    try {
      await this.#connection.authenticate();
      if (this.#isClosed) throw new KafkaError('unavailable', 'the connection is closed');
    } catch (error) {
      // Without its proof it would pass for one that can be used
      await this.#disconnect(error as Error);
      throw error;
    }
  }

  /** kafkajs waits for the answers to what is under way before it closes: nobody waits for them any more. */
  async #disconnect(reason: Error): Promise<void> {
    this.#connection.rejectRequests(reason);
    const { socket } = this.#connection;
    await this.#connection.disconnect();
    // Its end, whenever it comes, would be taken for that of the next one
    socket?.destroy();
  }

  #turn(signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { start: resolve, give: reject };
    const withdraw = () => {
      this.#waiting.delete(waiting);
      reject(signal!.reason as Error);
    };
    this.#waiting.add(waiting);
    signal?.addEventListener('abort', withdraw, { once: true });
    return promise.finally(() => signal?.removeEventListener('abort', withdraw));
  }

  /** The place of a request that is over goes to the one that waits longest. */
  #passOn(): void {
    const [first] = this.#waiting;
    if (!first) {
      this.#inFlight--;
      return;
    }
    this.#waiting.delete(first);
    first.start();
  }
}
