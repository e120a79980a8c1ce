import { dirname } from 'node:path';
import { LocalError } from '../errors.ts';
import { ChildProgram, type ProgramExit, describeExit } from '../processes/child-program.ts';
import type { Java } from './java.ts';

const START_TIMEOUT_MS = 60_000;

/** Quick to start and small: one thread collects garbage, and the quick compiler alone compiles. */
const LEAN = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

/** A class data archive that does not fit is ignored by the JVM, which would say so on standard output. */
const QUIET = ['-Xshare:auto', '-Xlog:disable', '-Xlog:all=error:stderr'];

/** The arguments of `java` for a program that has to be up soon. */
export function javaArgs(classPath: string, program: readonly string[]): string[] {
  return [...LEAN, ...QUIET, '-cp', classPath, ...program];
}

export interface JvmServerOptions {
  name: string;
  java: Java;
  classPath: string;
  /** JVM options, main class, arguments. */
  program: readonly string[];
  /** The line of output that says that it serves. */
  ready: RegExp;
  logFile: string;
  /** It ended though nobody here ended it. */
  onCrash: (error: LocalError) => void;
}

/** A server of Java that can be stopped, killed, frozen and started again. */
export class JvmServer {
  readonly #options: JvmServerOptions;
  #program: ChildProgram | undefined;
  #wanted = false;

  constructor(options: JvmServerOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#program?.pid;
  }

  /**
   * Resolves with the match of `ready` once it serves.
   * @throws LocalError process-ended or NotReady
   */
  async start(): Promise<RegExpExecArray> {
    if (this.#program) throw new Error(`${this.#options.name} already runs`);
    const { name, java, classPath, ready, logFile } = this.#options;
    let match: RegExpExecArray | null = null;
    const program = new ChildProgram({
      name,
      command: java.java,
      args: javaArgs(classPath, this.#options.program),
      env: {},
      // Where Java leaves its report of a crash
      cwd: dirname(logFile),
      logFile,
      onLine: (line) => {
        match ??= ready.exec(line);
      },
    });
    this.#program = program;
    this.#wanted = true;
    try {
      await program.waitUntil('serve', () => match !== null, START_TIMEOUT_MS);
    } catch (error) {
      await this.stop();
      throw error;
    }
    void program.exited.then((exit) => this.#noticeExit(program, exit));
    if (match === null) throw new Error(`${name} serves without having said so`);
    return match;
  }

  async stop(graceMs?: number): Promise<void> {
    await this.#end((program) => program.stop(graceMs));
  }

  async kill(): Promise<void> {
    await this.#end((program) => {
      program.signal('SIGKILL');
      return program.exited;
    });
  }

  pause(): void {
    this.#program?.signal('SIGSTOP');
  }

  resume(): void {
    this.#program?.signal('SIGCONT');
  }

  async #end(end: (program: ChildProgram) => Promise<ProgramExit>): Promise<void> {
    const program = this.#program;
    this.#wanted = false;
    if (!program) return;
    await end(program);
    if (this.#program === program) this.#program = undefined;
  }

  #noticeExit(program: ChildProgram, exit: ProgramExit): void {
    if (!this.#wanted || this.#program !== program) return;
    this.#program = undefined;
    const { name, logFile, onCrash } = this.#options;
    onCrash(new LocalError('process-ended', `${name} ${describeExit(exit)}; its output is in ${logFile}`));
  }
}
