import { execFile } from 'node:child_process';
import { type AddressInfo, connect, createServer } from 'node:net';
import { promisify } from 'node:util';
import { LocalError } from '../errors.ts';

/** What `localhost` may resolve to; a listener on either one gets the clients. */
export const LOOPBACK = ['127.0.0.1', '::1'] as const;

const RELEASE_TIMEOUT_MS = 1_000;
const RELEASE_INTERVAL_MS = 100;

/**
 * Checks that nothing listens on a port of the loopback addresses. Waits a moment for the processes of a run that was
 * just killed to let go of it.
 * @param wanted what is to listen there, as "Kafka"
 * @param advice which options lead around it
 * @throws LocalError port-busy that names port, holder and advice
 */
export async function requireFreePort(port: number, wanted: string, advice: string): Promise<void> {
  const deadline = Date.now() + RELEASE_TIMEOUT_MS;
  while (!(await isFree(port))) {
    if (Date.now() > deadline) {
      const holder = await findHolder(port);
      throw new LocalError('port-busy', `port ${port} is in use by ${holder ?? 'another process'}, and ${wanted} needs it; ${advice}`);
    }
    await new Promise((resolve) => setTimeout(resolve, RELEASE_INTERVAL_MS));
  }
}

/**
 * A free port outside the ranges that Linux and macOS take client ports from: a client that reconnects to a server
 * which is down for a moment could otherwise get its port.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  for (const host of LOOPBACK) {
    // macOS lets an address be bound beside a listener on all addresses, so a bind alone proves nothing
    if ((await answers(host, port)) || !(await binds(host, port))) return false;
  }
  return true;
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function binds(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE' && error.code !== 'EACCES'));
    server.listen({ host, port }, () => {
      const bound = (server.address() as AddressInfo).port === port;
      server.close(() => resolve(bound));
    });
  });
}

/** "java (process 4711)", where a tool of the system tells. */
async function findHolder(port: number): Promise<string | undefined> {
  const lsof = await outputOf('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
  const byLsof = /p(\d+)\nc(.+)/.exec(lsof);
  if (byLsof) return `${byLsof[2]} (process ${byLsof[1]})`;
  const ss = await outputOf('ss', ['-ltnpH', `sport = :${port}`]);
  const bySs = /\(\("([^"]+)",pid=(\d+)/.exec(ss);
  return bySs ? `${bySs[1]} (process ${bySs[2]})` : undefined;
}

async function outputOf(command: string, args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { timeout: 2_000 })).stdout;
  } catch {
    return '';
  }
}
