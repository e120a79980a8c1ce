import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerSettings } from '@sagafleet/schemas';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../worker/src/main.ts', import.meta.url));
const EXIT_WITHIN_MS = 30_000;

export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A worker as it runs in a pod: a process of its own, told by a settings file and its environment. */
export class WorkerProcess {
  readonly healthUrl: string;
  readonly ingressUrl: string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<Exit>;
  readonly #child: ChildProcess;
  #output = '';

  private constructor(child: ChildProcess, folder: string, ports: { health: number; ingress: number }) {
    this.#child = child;
    this.healthUrl = `http://127.0.0.1:${ports.health}`;
    this.ingressUrl = `http://127.0.0.1:${ports.ingress}`;
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text) => {
        this.#output += String(text);
      });
    this.ended = once(child, 'close').then(([code, signal]) => {
      rmSync(folder, { recursive: true });
      return { code, signal } as Exit;
    });
  }

  /** @param main the program, in TypeScript */
  static async start(settings: WorkerSettings, env: Record<string, string> = {}, main = MAIN): Promise<WorkerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'sagafleet-worker-'));
    const file = join(folder, 'step.json');
    writeFileSync(file, JSON.stringify(settings));
    const ports = { health: await freePort(), ingress: await freePort() };
    const child = spawn(process.execPath, ['-C', 'source', main], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        SAGAFLEET_SETTINGS: file,
        SAGAFLEET_LISTEN_HEALTH: `127.0.0.1:${ports.health}`,
        SAGAFLEET_LISTEN_INGRESS: `127.0.0.1:${ports.ingress}`,
        ...env,
      },
    });
    return new WorkerProcess(child, folder, ports);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Everything the process wrote. */
  get output(): string {
    return this.#output;
  }

  get log(): LogLine[] {
    return this.#output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
  }

  async ready(): Promise<this> {
    await this.#orEnds(until('the worker to be ready', () => this.probe('/readyz')));
    return this;
  }

  async logged(text: string): Promise<void> {
    await this.#orEnds(until(`the worker to log "${text}"`, () => this.#output.includes(text)));
  }

  /** Whether the probe is answered with 200. */
  async probe(path: '/livez' | '/readyz' | '/startupz'): Promise<boolean> {
    return fetch(this.healthUrl + path).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** Numbers of the tasks that this worker owns; none while it does not answer. */
  async tasks(): Promise<number[]> {
    const response = await fetch(`${this.healthUrl}/livez`).catch(() => null);
    if (!response) return [];
    const { tasks } = (await response.json()) as { tasks: Record<string, string> };
    return Object.keys(tasks).map(Number);
  }

  /** Since its last join. */
  get memberId(): string {
    return String(this.log.findLast(({ msg }) => msg === 'joined the group')!['memberId']);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    const late = setTimeout(() => this.signal('SIGKILL'), EXIT_WITHIN_MS);
    const exit = await this.ended;
    clearTimeout(late);
    return exit;
  }

  /** Whatever state it is in. */
  async remove(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.stop('SIGKILL');
    await this.ended;
  }

  async #orEnds(waiting: Promise<unknown>): Promise<void> {
    const ended = this.ended.then(({ code, signal }) => {
      throw new Error(`the worker ended with ${code ?? signal}:\n${this.#output}`);
    });
    await Promise.race([
      waiting.catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; it wrote:\n${this.#output.slice(-3_000)}`, { cause: error });
      }),
      ended,
    ]);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
