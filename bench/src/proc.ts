/** What Linux tells of a process: proc_pid_stat(5), proc_pid_status(5), proc_pid_fd(5), proc_pid_net(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { BenchError } from './errors.ts';

/** USER_HZ, which is 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const KIB_PER_MIB = 1024;
/** A state of a socket, in the kernel's number. */
const ESTABLISHED = '01';

export const CPU_RESOLUTION_SECONDS = 1 / TICKS_PER_SECOND;

/** Seconds that all threads of a process have worked so far, in user and system mode, ended threads included. */
export function cpuSecondsOf(pid: number): number {
  return parseCpuSeconds(readProc(pid, 'stat'));
}

/** Resident memory, in MiB. */
export function rssMiBOf(pid: number): number {
  return parseRssMiB(readProc(pid, 'status'));
}

/** Open TCP connections of a process to a port, over IPv4 or IPv6. */
export function connectionsOf(pid: number, port: number): number {
  const sockets = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  const inodes = ['net/tcp', 'net/tcp6'].flatMap((file) => parseConnectionInodes(readProc(pid, file), port));
  return inodes.filter((inode) => sockets.has(`socket:[${inode}]`)).length;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // closed since the folder was read
  }
}

/** @param table text of /proc/PID/net/tcp, proc_pid_net(5), which lists the sockets of all processes */
function parseConnectionInodes(table: string, port: number): string[] {
  const isTo = (address: string | undefined) => parseInt(address?.split(':')[1] ?? '', 16) === port;
  const lines = table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  return lines.filter(([, , remote, state]) => isTo(remote) && state === ESTABLISHED).map((fields) => fields[9]!);
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
    throw new BenchError('NoProcFiles', `cannot read ${path}: the process has ended, or this is not Linux`, { cause: error });
  }
}
