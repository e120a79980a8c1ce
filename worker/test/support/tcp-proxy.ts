import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { onTestFinished } from 'vitest';

/** A way to a server that can be shut and opened again, on one port throughout. */
export class TcpProxy {
  readonly #target: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  private constructor(host: string, port: number) {
    this.#target = { host, port };
  }

  /** @param target `host:port`; the way is open and shuts for good with the test */
  static async open(target: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(`tcp://${target}`);
    const proxy = new TcpProxy(hostname, Number(port));
    await proxy.open();
    onTestFinished(() => proxy.shut());
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
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
    client.pipe(server);
    server.pipe(this.#announcingItself()).pipe(client);
    for (const [from, to] of [[client, server], [server, client]] as const) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
  /** A broker tells its clients where it is, a host and four bytes of port: the way stays this one. */
  #announcingItself(): Transform {
    const [server, proxy] = [this.#target.port, this.#port].map((port) => {
      const bytes = Buffer.from('localhost\0\0\0\0');
      bytes.writeInt32BE(port, bytes.length - 4);
      return bytes;
    }) as [Buffer, Buffer];
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        for (let at = chunk.indexOf(server); at !== -1; at = chunk.indexOf(server, at + 1)) proxy.copy(chunk, at);
        done(null, chunk);
      },
    });
  }
}
