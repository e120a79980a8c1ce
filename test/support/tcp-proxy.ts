import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What the bytes of one connection pass on their way, in each direction. */
export interface Passage {
  toServer: Duplex;
  toClient: Duplex;
}

/** A way to a server that can be shut and opened again, on one port throughout. */
export class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #passage: (() => Passage) | null;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  private constructor(target: { host: string; port: number }, passage: (() => Passage) | null) {
    this.#target = target;
    this.#passage = passage;
  }

  /** @param target `host:port`; the way is open until it is shut */
  static async open(target: string, passage: (() => Passage) | null = null): Promise<TcpProxy> {
    const { hostname, port } = new URL(`tcp://${target}`);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) }, passage);
    await proxy.open();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    if (this.#server) return;
    this.#server = createServer((client) => this.#carry(client)).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Refuses connections and cuts those that are open. */
  async shut(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const closed = once(server, 'close');
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #carry(client: Socket): void {
    const server = connect(this.#target);
    const passage = this.#passage?.();
    if (passage) {
      client.pipe(passage.toServer).pipe(server);
      server.pipe(passage.toClient).pipe(client);
    } else {
      client.pipe(server).pipe(client);
    }
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
