import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { createWriteStream, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalError } from '../errors.ts';

const PROBE_INTERVAL_MS = 25;
const TAIL_LINES = 30;
const DEFAULT_GRACE_MS = 10_000;

export interface ProgramCommand {
  command: string;
  args: readonly string[];
  /** The whole environment; nothing is inherited. */
  env: Readonly<Record<string, string | undefined>>;
  cwd?: string;
}

export interface ProgramOptions extends ProgramCommand {
  /** Stands for the program in messages. */
  name: string;
  /** Gets standard output and standard error, appended. */
  logFile: string;
  onLine?: (line: string) => void;
}

export interface ProgramExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/**
 * `background`: standard error goes where standard output goes, a pipe. `captured`: a pipe for each. Both lead a
 * process group of their own: Ctrl-C in the terminal does not reach them, and all that they started dies with them.
 * `foreground`: stays in the group of the terminal and has its input, output and signals.
 */
type Mode = 'background' | 'captured' | 'foreground';

const STDIO = {
  background: ['ignore', 'pipe', 'ignore', 'pipe'],
  captured: ['ignore', 'pipe', 'pipe', 'pipe'],
  foreground: ['inherit', 'inherit', 'inherit', 'pipe'],
} satisfies Record<Mode, StdioOptions>;

/**
 * Starts a program that ends when this process does, however that ends: the shell leaves a guard behind that waits for
 * the end of a pipe of ours (descriptor 3) and then kills, and itself becomes the program, whose process id is
 * therefore the child's. SIGKILL also ends what is stopped.
 */
export function spawnGuarded(command: ProgramCommand, mode: Mode): ChildProcess {
  const grouped = mode !== 'foreground';
  const script = [
    mode === 'background' ? 'exec 2>&1' : '',
    // The guard is in the group, so the group's id cannot be another's by now; a lone process's could
    grouped ? GUARD_OF_GROUP : GUARD_OF_PROCESS,
    'exec 3<&-',
    'exec "$@"',
  ];
  const child = spawn('/bin/sh', ['-c', script.join('\n'), 'sh', command.command, ...command.args], {
    env: command.env,
    detached: grouped,
    stdio: STDIO[mode],
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  const leash = child.stdio[3] as Writable;
  leash.on('error', () => {});
  child.once('exit', () => leash.end('ended\n'));
  return child;
}

const GUARD_OF_GROUP = '(read -r _ <&3; kill -KILL -$$) </dev/null >/dev/null 2>&1 &';
const GUARD_OF_PROCESS = '(read -r _ <&3 || kill -KILL $$) </dev/null >/dev/null 2>&1 &';

/** One run of a program as a child process, its output in a log file. */
export class ChildProgram {
  readonly name: string;
  readonly logFile: string;
  /** Resolves once the process has ended and its output is read. */
  readonly exited: Promise<ProgramExit>;
  readonly #child: ChildProcess;
  readonly #tail: string[] = [];
  #exit: ProgramExit | undefined;

  constructor(options: ProgramOptions) {
    this.name = options.name;
    this.logFile = options.logFile;
    const log = createWriteStream(options.logFile, { fd: openSync(options.logFile, 'a') });
    this.#child = spawnGuarded(options, 'background');
    const output = this.#child.stdout;
    if (!output) throw new Error(`${options.name} has no output`);
    output.pipe(log);
    createInterface({ input: output }).on('line', (line) => {
      this.#tail.push(line);
      if (this.#tail.length > TAIL_LINES) this.#tail.shift();
      options.onLine?.(line);
    });
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /** Of the program itself, not of the shell that started it. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** How it ended; `undefined` while it runs. */
  get exit(): ProgramExit | undefined {
    return this.#exit;
  }

  /**
   * Waits until `probe` says yes.
   * @param what completes the sentence "kafka did not … in 60 s"
   * @throws LocalError process-ended with the last lines of output, NotReady at the deadline
   */
  async waitUntil(what: string, probe: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await probe())) {
      if (this.#exit) {
        throw new LocalError('process-ended', `${this.name} ${describeExit(this.#exit)} before it could ${what}${this.#lastLines()}`);
      }
      if (Date.now() > deadline) {
        throw new LocalError('not-ready', `${this.name} did not ${what} in ${timeoutMs / 1000} s${this.#lastLines()}`);
      }
      await sleep(PROBE_INTERVAL_MS);
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#exit) this.#child.kill(signal);
  }

  /** SIGTERM, and SIGKILL to it and all that it started when it does not end in time; also a stopped process ends. */
  async stop(graceMs = DEFAULT_GRACE_MS): Promise<ProgramExit> {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.#killGroup(), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  #killGroup(): void {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  #lastLines(): string {
    return `; its last output (all of it in ${this.logFile}):\n${this.#tail.map((line) => `  ${line}`).join('\n')}`;
  }
}

/** "ended with code 1", "was ended by SIGKILL" */
export function describeExit(exit: ProgramExit): string {
  return exit.signal === null ? `ended with code ${exit.code}` : `was ended by ${exit.signal}`;
}
