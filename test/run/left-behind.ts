import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Environment variable that every process below a test run inherits, whoever its parent is by now. */
export const RUN_MARKER = 'SAGAFLEET_TEST_RUN';

/** What has been told to stop may take this long to be gone. */
const GRACE_MS = 5_000;
const POLL_MS = 100;

export interface LeftProcess {
  pid: number;
  command: string;
}

/** Processes of this run that still live after a grace period. */
export async function leftBehind(runId: string, graceMs = GRACE_MS): Promise<LeftProcess[]> {
  const deadline = Date.now() + graceMs;
  let left = processesOf(runId);
  while (left.length > 0 && Date.now() < deadline) {
    await delay(POLL_MS);
    left = processesOf(runId);
  }
  return left;
}

export function endProcesses(processes: readonly LeftProcess[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone meanwhile.
    }
  }
}

/** Windows tells nobody the environment of another process: nothing is found there. */
function processesOf(runId: string): LeftProcess[] {
  const marker = `${RUN_MARKER}=${runId}`;
  if (process.platform === 'linux') return processesByProc(marker);
  return process.platform === 'win32' ? [] : processesByPs(marker);
}

function processesByProc(marker: string): LeftProcess[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(marker);
      return isOurs ? [{ pid: Number(pid), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') }] : [];
    } catch {
      return []; // gone meanwhile, or of another user
    }
  });
}

function processesByPs(marker: string): LeftProcess[] {
  const listing = execFileSync('ps', ['-E', '-ww', '-x', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return listing.split('\n').filter((line) => line.split(' ').includes(marker)).map((line) => {
    const [pid = '', ...command] = line.trim().split(' ');
    return { pid: Number(pid), command: command.slice(0, 10).join(' ') };
  });
}
