import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Credentials {
  username: string;
  password: string;
}

/** A way to an HTTP server that lets pass only what comes with these credentials (Basic, RFC 7617). */
export class AuthProxy {
  readonly credentials: Credentials;
  readonly #target: URL;
  readonly #server: Server;

  private constructor(target: string, credentials: Credentials) {
    this.#target = new URL(target);
    this.credentials = credentials;
    this.#server = createServer((incoming, answer) => this.#carry(incoming, answer));
  }

  /** @param target root of the server */
  static async open(target: string, credentials: Credentials = { username: 'sagafleet', password: 'geh:eim' }): Promise<AuthProxy> {
    const proxy = new AuthProxy(target, credentials);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** With the path of the target. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#target.pathname.replace(/\/$/, '')}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #carry(incoming: IncomingMessage, answer: ServerResponse): void {
    const { username, password } = this.credentials;
    const { authorization, ...headers } = incoming.headers;
    if (authorization !== `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`) {
      incoming.resume();
      answer.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' }).end('<html>Unauthorized</html>');
      return;
    }
    const { hostname, port, host } = this.#target;
    const forwarded = request(
      { hostname, port, method: incoming.method, path: incoming.url, headers: { ...headers, host } },
      (answered) => {
        answer.writeHead(answered.statusCode!, answered.headers);
        answered.pipe(answer);
      },
    );
    forwarded.on('error', () => answer.destroy());
    incoming.pipe(forwarded);
  }
}
