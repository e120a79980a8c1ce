/** What Linux tells of a process: proc_pid_stat(5), proc_pid_status(5). */
import { readFileSync } from 'node:fs';
import { BenchError } from './errors.ts';

/** USER_HZ, which is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const KIB_PER_MIB = 1024;

export const CPU_RESOLUTION_SECONDS = 1 / TICKS_PER_SECOND;

/** Seconds that all threads of a process have worked so far, in user and system mode, ended threads included. */
export function cpuSecondsOf(pid: number): number {
  return parseCpuSeconds(readProc(pid, 'stat'));
}

/** Resident memory, in MiB. */
export function rssMiBOf(pid: number): number {
  return parseRssMiB(readProc(pid, 'status'));
}

/** @param stat text of /proc/PID/stat */
export function parseCpuSeconds(stat: string): number {
  // The second field is the program's name, which may hold blanks and brackets
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [utime, stime] = [Number(fields[11]), Number(fields[12])];
  return (utime + stime) / TICKS_PER_SECOND;
}

/** @param status text of /proc/PID/status */
export function parseRssMiB(status: string): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new BenchError('NotMeasured', 'the process has no memory any more: it has ended');
  return Number(kib) / KIB_PER_MIB;
}

function readProc(pid: number, file: string): string {
  const path = `/proc/${pid}/${file}`;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new BenchError('NoProcFiles', `can not read ${path}: the process has ended, or this is not Linux`, { cause: error });
  }
}
