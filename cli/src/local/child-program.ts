import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { createWriteStream, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../errors.ts';

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
 * Starts a program that ends when this process does, however that ends: the shell leaves a guard behind that reads
 * from a pipe of ours (descriptor 3) and kills at its end, then becomes the program, whose process id is therefore
 * the child's. SIGKILL also reaches what is stopped.
 *
 * A background program leads a process group of its own: Ctrl-C in the terminal does not reach it, and all that it
 * started dies with it. A foreground program stays in the terminal's group and keeps its signals.
 */
export function spawnGuarded(command: ProgramCommand, mode: 'background' | 'foreground'): ChildProcess {
  const background = mode === 'background';
  const script = [
    ...(background ? ['exec 2>&1'] : []),
    `(read -r _ <&3; kill -KILL ${background ? '-$$' : '$$'}) </dev/null >/dev/null 2>&1 &`,
    'exec 3<&-',
    'exec "$@"',
  ];
  const stdio: StdioOptions = background ? ['ignore', 'pipe', 'ignore', 'pipe'] : ['inherit', 'inherit', 'inherit', 'pipe'];
  const child = spawn('/bin/sh', ['-c', script.join('\n'), 'sh', command.command, ...command.args], {
    env: command.env,
    detached: background,
    stdio,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  const leash = child.stdio[3];
  leash?.on('error', () => {});
  child.once('exit', () => leash?.destroy());
  return child;
}

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
   * @throws CliError ProcessEnded with the last lines of output, NotReady at the deadline
   */
  async waitUntil(what: string, probe: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await probe())) {
      if (this.#exit) throw new CliError('ProcessEnded', `${this.name} ${describeExit(this.#exit)} before it could ${what}${this.#lastLines()}`);
      if (Date.now() > deadline) throw new CliError('NotReady', `${this.name} did not ${what} in ${timeoutMs / 1000} s${this.#lastLines()}`);
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
