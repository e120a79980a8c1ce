import { createServer, type Server } from 'node:http';
import type { ListenAddress } from './config.ts';

export interface Health {
  /** Every running task made progress or had nothing to do. */
  isAlive(): boolean;
  /** Settings, topics and schemas were checked. */
  isStarted(): boolean;
  /** Member of the group, every task fenced and restored. A member without tasks is ready. */
  isReady(): boolean;
  /** Shown with each answer. */
  details(): object;
}

/**
 * `/livez`, `/readyz`, `/startupz`: 200 or 503 with a line of JSON. An unreachable broker or registry
 * never fails liveness, since a restart would not help.
 */
export async function serveHealth(health: Health, listen: ListenAddress): Promise<Server> {
  const probes: Record<string, () => boolean> = {
    '/livez': () => health.isAlive(),
    '/readyz': () => health.isReady(),
    '/startupz': () => health.isStarted(),
  };
  const server = createServer((request, response) => {
    const probe = probes[request.url ?? ''];
    const status = !probe ? 404 : probe() ? 200 : 503;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(probe ? health.details() : { paths: Object.keys(probes) })}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return server;
}
