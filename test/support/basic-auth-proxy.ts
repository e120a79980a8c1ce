import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BasicCredentials { username: string; password: string }

const UNAUTHORIZED = 401;
const BAD_GATEWAY = 502;

/** A way to an HTTP server that lets nobody through who does not know the password (RFC 7617). */
export class BasicAuthProxy {
  readonly #server: Server;
  #rejected = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(targetUrl: string, { username, password }: BasicCredentials): Promise<BasicAuthProxy> {
    const wanted = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    const server = createServer();
    const proxy = new BasicAuthProxy(server);
    server.on('request', (incoming: IncomingMessage, answer: ServerResponse) => {
      if (incoming.headers.authorization === wanted) passOn(targetUrl, incoming, answer);
      else proxy.#reject(answer);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests without the right credentials. */
  get rejected(): number {
    return this.#rejected;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** As Confluent's registry answers. */
  #reject(answer: ServerResponse): void {
    this.#rejected++;
    answer.writeHead(UNAUTHORIZED, { 'www-authenticate': 'Basic realm="registry"', 'content-type': 'application/json' });
    answer.end(JSON.stringify({ error_code: UNAUTHORIZED, message: 'Unauthorized' }));
  }
}

function passOn(targetUrl: string, incoming: IncomingMessage, answer: ServerResponse): void {
  const { authorization: _, host: __, ...headers } = incoming.headers;
  const outgoing = request(new URL(incoming.url!, targetUrl), { method: incoming.method!, headers }, (response) => {
    answer.writeHead(response.statusCode!, response.headers);
    response.pipe(answer);
  });
  outgoing.on('error', () => {
    if (!answer.headersSent) answer.writeHead(BAD_GATEWAY);
    answer.end();
  });
  incoming.pipe(outgoing);
}
