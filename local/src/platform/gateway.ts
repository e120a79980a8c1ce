import { Agent, type IncomingMessage, type Server, ServerResponse, createServer } from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { LOOPBACK } from '../processes/ports.ts';

const API = '/apis/ccompat/v7';

/**
 * Shows the Confluent-compatible interface of Apicurio Registry at the root, where Confluent's clients look for it.
 * Apicurio's own paths (`/apis/…`) pass untouched. Without a registry it answers 503 in the form of Confluent's errors.
 */
export class RegistryGateway {
  readonly #target: () => string | undefined;
  // Kept connections may be closed by the registry just as a request is sent on them
  readonly #agent = new Agent({ keepAlive: false });
  readonly #proxy = createProxyServer({ agent: this.#agent });
  readonly #servers: Server[] = [];

  /** @param target base URL of the registry that runs, asked for each request */
  constructor(target: () => string | undefined) {
    this.#target = target;
  }

  /** Listens on all that `localhost` may mean. */
  async listen(port: number): Promise<void> {
    for (const host of LOOPBACK) {
      const server = createServer((request, response) => this.#serve(request, response));
      const listening = new Promise<boolean>((resolve, reject) => {
        server.once('listening', () => resolve(true));
        server.once('error', (error: NodeJS.ErrnoException) => {
          // No IPv6 on this machine
          if (host === '::1' && (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT')) resolve(false);
          else reject(error);
        });
      });
      server.listen({ port, host });
      if (await listening) this.#servers.push(server);
    }
  }

  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise((resolve) => server.close(resolve)));
    for (const server of this.#servers) server.closeAllConnections();
    this.#agent.destroy();
    await Promise.all(closed);
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const target = this.#target();
    if (target === undefined) {
      refuse(response, 'the schema registry is not running');
      return;
    }
    const path = request.url ?? '/';
    if (path === '/') {
      answer(response, 200, {});
      return;
    }
    if (!path.startsWith('/apis/')) request.url = API + path;
    this.#proxy.web(request, response, { target }, (error) => {
      refuse(response, `the schema registry does not answer: ${error.message}`);
    });
  }
}

function refuse(response: ServerResponse, message: string): void {
  if (response.headersSent) response.destroy();
  else answer(response, 503, { error_code: 50301, message });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(body));
}
