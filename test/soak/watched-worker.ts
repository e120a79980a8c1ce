import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildProgram, findFreePort, type Platform } from '@sagafleet/local';
import { WORKER_ENV, type WorkerSettings } from '@sagafleet/schemas';
import type { Figures } from './judge.ts';

const MAIN = fileURLToPath(new URL('../../worker/dist/main.js', import.meta.url));
const INSIDE = new URL('./inside.js', import.meta.url).href;
const READY_WITHIN_MS = 60_000;
const ANSWERS_WITHIN_MS = 30_000;

/** A worker of built JavaScript, as in an image, that can be looked into. Linux. */
export class WatchedWorker {
  readonly #program: ChildProgram;
  readonly #healthUrl: string;
  #joins = 0;
  #inside: Inside | null = null;

  private constructor(command: { logFile: string; health: string; settingsFile: string }) {
    const { logFile, health, settingsFile } = command;
    this.#healthUrl = `http://${health}`;
    this.#program = new ChildProgram({
      name: 'the worker',
      command: process.execPath,
      args: ['--import', INSIDE, '--disable-warning=ExperimentalWarning', MAIN],
      env: {
        PATH: process.env['PATH'],
        SAGAFLEET_RUN: process.env['SAGAFLEET_RUN'],
        [WORKER_ENV.settings]: settingsFile,
        [WORKER_ENV.healthListen]: health,
        [WORKER_ENV.clientId]: 'watched',
      },
      logFile,
      onLine: (line) => this.#read(line),
    });
  }

  static async start({ dataDir, logsDir }: Platform, settings: WorkerSettings): Promise<WatchedWorker> {
    const settingsFile = join(dataDir, `${settings.group}.json`);
    writeFileSync(settingsFile, JSON.stringify(settings));
    const logFile = join(logsDir, `${settings.group}.log`);
    const worker = new WatchedWorker({ logFile, health: `127.0.0.1:${await findFreePort()}`, settingsFile });
    await worker.ready();
    return worker;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** How often it joined its group, also again. */
  get joins(): number {
    return this.#joins;
  }

  /** Member of its group, with every task that it was given at work. */
  async ready(): Promise<void> {
    await this.waitUntil(
      'be ready',
      () =>
        fetch(`${this.#healthUrl}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      READY_WITHIN_MS,
    );
  }

  waitUntil(what: string, probe: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    return this.#program.waitUntil(what, probe, timeoutMs);
  }

  /** After all its garbage was collected. */
  async look(): Promise<Figures> {
    this.#inside = null;
    this.#program.signal('SIGUSR2');
    await this.waitUntil('tell what it holds', () => this.#inside !== null, ANSWERS_WITHIN_MS);
    return { ...this.#inside!, ...descriptorsOf(this.pid) };
  }

  async stop(): Promise<void> {
    await this.#program.stop();
  }

  #read(line: string): void {
    if (line.startsWith('{"inside":')) this.#inside = (JSON.parse(line) as { inside: Inside }).inside;
    else if (line.includes('"joined the group"')) this.#joins++;
  }
}

/** What `inside.js` tells. */
type Inside = Omit<Figures, 'descriptors' | 'sockets'>;

/** Open files of a process, and how many of them are sockets: proc_pid_fd(5). */
function descriptorsOf(pid: number): Pick<Figures, 'descriptors' | 'sockets'> {
  const folder = `/proc/${pid}/fd`;
  const names = readdirSync(folder);
  return { descriptors: names.length, sockets: names.filter((name) => isSocket(join(folder, name))).length };
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith('socket:');
  } catch {
    // Closed meanwhile
    return false;
  }
}
