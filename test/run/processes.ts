import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessEntry {
  pid: number;
  parentPid: number;
  /** Some text; only to be compared with itself. */
  startedAt: string;
  command: string;
  /** `NAME=value`; empty for a process of another user. */
  environment: readonly string[];
}

/** Windows tells nobody the environment of another process: the list is empty there. */
export function listProcesses(): ProcessEntry[] {
  if (process.platform === 'linux') return listByProc();
  return process.platform === 'win32' ? [] : listByPs();
}

function listByProc(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const stat = read(`/proc/${pid}/stat`);
      // proc_pid_stat(5), from the third field on: the second, the name, may hold anything
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const [state = '', parentPid = ''] = fields;
      if (state === '' || state === 'Z') return [];
      return {
        pid: Number(pid),
        parentPid: Number(parentPid),
        startedAt: fields[19] ?? '',
        command: read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '),
        environment: read(`/proc/${pid}/environ`).split('\0'),
      };
    });
}

/** Empty when the process is gone meanwhile or of another user. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The ps of macOS and the BSDs, which writes the environment behind the command. */
function listByPs(): ProcessEntry[] {
  const ps = spawnSync('ps', ['-A', '-E', '-ww', '-o', 'pid=,ppid=,lstart=,command='], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const lines = ps.stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length > 1);
  const entries = lines.map(([pid, parentPid, ...rest]) => ({
    pid: Number(pid),
    parentPid: Number(parentPid),
    startedAt: rest.slice(0, 5).join(' '),
    command: rest.slice(5, 15).join(' '),
    environment: rest.slice(5),
  }));
  return entries.filter(({ pid }) => pid !== ps.pid);
}
