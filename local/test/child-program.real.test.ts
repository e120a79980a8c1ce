import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ChildProgram } from '../src/processes/child-program.ts';
import { isAlive } from './is-alive.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sagafleet-child-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function start(script: string, onLine = (_line: string): void => {}): ChildProgram {
  const env = { PATH: process.env['PATH'], COLOUR: 'blue' };
  return new ChildProgram({ name: 'program', command: '/bin/sh', args: ['-c', script], env, logFile: join(folder, 'log'), onLine });
}

test('the process id is that of the program', async () => {
  const lines: string[] = [];
  const program = start('echo $$ $COLOUR $HOME', (line) => lines.push(line));
  await program.exited;
  expect(lines).toEqual([`${program.pid} blue`]);
});

test('standard output and standard error go to the log file, later runs behind earlier ones', async () => {
  await start('echo out; echo err >&2').exited;
  await start('echo again').exited;
  // The file may be a moment behind the end of the program
  await vi.waitFor(() => expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('out\nerr\nagain\n'), { timeout: 5_000 });
});

test('an end before it is ready tells the code and the last lines', async () => {
  const program = start('echo no such topic; exit 3');
  await expect(program.waitUntil('serve', () => false, 10_000)).rejects.toMatchObject({
    code: 'process-ended',
    message: `program ended with code 3 before it could serve; its last output (all of it in ${join(folder, 'log')}):\n  no such topic`,
  });
});

test('a deadline passes', async () => {
  const program = start('exec sleep 600');
  await expect(program.waitUntil('serve', () => false, 50)).rejects.toMatchObject({ code: 'not-ready' });
  expect(await program.stop()).toEqual({ code: null, signal: 'SIGTERM' });
});

test('what does not end in time is killed with all that it started', async () => {
  const lines: string[] = [];
  const program = start('trap "" TERM; sleep 600 & echo $!; wait; wait', (line) => lines.push(line));
  await program.waitUntil('speak', () => lines.length === 1, 10_000);
  expect(await program.stop(100)).toEqual({ code: null, signal: 'SIGKILL' });
  await vi.waitFor(() => expect(isAlive(Number(lines[0]))).toBe(false), { timeout: 5_000 });
});

test('what is frozen can be stopped', async () => {
  const program = start('exec sleep 600');
  program.signal('SIGSTOP');
  expect(await program.stop()).toEqual({ code: null, signal: 'SIGTERM' });
});

for (const [sentence, freeze] of Object.entries({ 'a program': false, 'a frozen program': true })) {
  test(`${sentence} ends with an owner that is killed, and so does what it started`, async () => {
    const owner = startOwner();
    const [line] = (await once(createInterface({ input: owner.stdout! }), 'line')) as [string];
    const pids = line.split(' ').map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    if (freeze) process.kill(pids[0]!, 'SIGSTOP');
    owner.kill('SIGKILL');
    await vi.waitFor(() => expect(pids.map(isAlive)).toEqual([false, false]), { timeout: 5_000 });
  });
}

function startOwner(): ChildProcess {
  const script = fileURLToPath(new URL('./fixtures/own-program.ts', import.meta.url));
  return spawn(process.execPath, ['-C', 'source', script, join(folder, 'log')], { stdio: ['ignore', 'pipe', 'inherit'] });
}
