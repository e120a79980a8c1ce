import { setTimeout as delay } from 'node:timers/promises';
import { listProcesses, type ProcessEntry } from './processes.ts';

/** Environment variable that marks what is started below a test run, whoever its parent is by now. */
export const RUN_MARKER = 'SAGAFLEET_TEST_RUN';

const LOOK_INTERVAL_MS = 500;
/** What has been told to stop may take this long to be gone. */
const GRACE_MS = 5_000;
const POLL_MS = 100;

/**
 * Knows the processes of a run by two traces, as neither holds for all: some are started with an empty environment (the
 * JVMs), some lose their parent before anyone looks.
 */
export class RunWatch {
  readonly #marker: string;
  readonly #rootPid: number;
  readonly #seen = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(runId: string, rootPid = process.pid) {
    this.#marker = `${RUN_MARKER}=${runId}`;
    this.#rootPid = rootPid;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_INTERVAL_MS).unref();
  }

  /** The living processes of the run. */
  look(): ProcessEntry[] {
    const others = listProcesses().filter(({ pid }) => pid !== this.#rootPid);
    const ours = new Map<number, ProcessEntry>();
    // A child may stand before its parent in the list.
    for (let known = -1; known < ours.size;) {
      known = ours.size;
      for (const entry of others) {
        if (this.#isOurs(entry) || ours.has(entry.parentPid)) ours.set(entry.pid, entry);
      }
    }
    for (const { pid, startedAt } of ours.values()) this.#seen.set(pid, startedAt);
    return [...ours.values()];
  }

  /** Ends watching. @returns what still lives after a grace period */
  async stop(graceMs = GRACE_MS): Promise<ProcessEntry[]> {
    clearInterval(this.#timer);
    const deadline = Date.now() + graceMs;
    let left = this.look();
    while (left.length > 0 && Date.now() < deadline) {
      await delay(POLL_MS);
      left = this.look();
    }
    return left;
  }

  /** A process id comes again, the same one at the same time does not. */
  #isOurs({ pid, parentPid, startedAt, environment }: ProcessEntry): boolean {
    return parentPid === this.#rootPid || this.#seen.get(pid) === startedAt || environment.includes(this.#marker);
  }
}

export function endProcesses(processes: readonly Pick<ProcessEntry, 'pid'>[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone meanwhile.
    }
  }
}
